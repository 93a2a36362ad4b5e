// Undo: an action of the operator with what it replaced, so that it can be taken back for ten minutes.

import type { KeyChange } from "./key.ts";
import type { TokenChange } from "./token.ts";

/** What one step of an action replaced. A field is put back only where it still has the value that the action gave it. */
export type UndoStep =
  | { kind: "token"; id: number; before: TokenChange; after: TokenChange }
  | { kind: "tokens_deleted"; ids: readonly number[] }
  | { kind: "key"; id: number; before: KeyChange; after: KeyChange }
  /** Stored settings by name; null: the layer below applies. */
  | { kind: "settings"; before: Record<string, unknown>; after: Record<string, unknown> };

/** An action as it is listed. */
export type UndoEntry = {
  id: string;
  /** Epoch ms. */
  at: number;
  /** Who did it: the actor of the audit log. */
  actor: string;
  /** What was done, as in the audit log: `token.disable`. */
  action: string;
  /** How many tokens or keys it concerned. */
  count: number;
  /** The one that it concerned, by name; null: many. */
  name: string | null;
};

export type UndoAction = UndoEntry & { steps: UndoStep[] };
