// English: what the last actions were, and taking them back.
import type { UndoAction } from "../../../src/domain/undo.ts";

type Did = Pick<UndoAction, "action" | "count" | "name">;

const tokens = ({ count, name }: Did) => name ?? (count === 1 ? "1 token" : `${count} tokens`);
const words: Record<string, (did: Did) => string> = {
  "token.enable": (did) => `${tokens(did)} enabled`,
  "token.disable": (did) => `${tokens(did)} disabled`,
  "token.change": (did) => `${tokens(did)} changed`,
  "token.delete": (did) => `${tokens(did)} deleted`,
  "key.enable": ({ name }) => `Key ${name} enabled`,
  "key.disable": ({ name }) => `Key ${name} disabled`,
  "key.update": ({ name }) => `Key ${name} changed`,
  "key.delete": ({ name }) => `Key ${name} deleted`,
  "provider.pause": ({ name }) => `${name} paused`,
  "provider.resume": ({ name }) => `${name} resumed`,
};

export const undo = {
  title: "Last actions",
  about: "Each can be undone for ten minutes.",
  none: "Nothing to undo.",
  did: (did: Did): string => words[did.action]?.(did) ?? did.action,
  undo: "Undo",
  undone: (did: string, skipped: number) =>
    skipped === 0 ? `Undone: ${did}.` : `Undone: ${did}. ${skipped} of the values were changed since then and stay as they are.`,
  over: "It is too late to undo this, or it was undone already.",
};
