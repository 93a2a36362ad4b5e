// What earlier answers of /v1/responses said and drew, so that a client can go on from them. In memory: a restart forgets it.
import type { DraftTurn } from "../../gateway/inputs.ts";

type Part = DraftTurn["parts"][number];

/** What a client names of an earlier answer: the answer itself with the conversation before it, or one item of it. */
type Entry = { keyId: number; turns: DraftTurn[]; weight: number };

export type ResponseHistory = {
  /** Keeps a conversation under the id of its last answer, and each item of that answer under its own. */
  remember(keyId: number, id: string, turns: DraftTurn[], items: ReadonlyMap<string, Part>): void;
  /** Null: never known, forgotten, or another key's. */
  recall(keyId: number, id: string): DraftTurn[] | null;
  recallItem(keyId: number, id: string): Part | null;
};

/** Text kept in all, in characters; the oldest goes first. Pictures are kept as links. */
const MAX_WEIGHT = 16 * 1024 * 1024;
/** An entry without text weighs something too. */
const LEAST_WEIGHT = 512;

export function createResponseHistory(maxWeight = MAX_WEIGHT): ResponseHistory {
  const entries = new Map<string, Entry>();
  let weight = 0;

  const put = (id: string, keyId: number, turns: DraftTurn[]) => {
    const entry = { keyId, turns, weight: weigh(turns) };
    entries.set(id, entry);
    weight += entry.weight;
    for (const [oldest, { weight: freed }] of entries) {
      if (weight <= maxWeight) break;
      entries.delete(oldest);
      weight -= freed;
    }
  };
  const find = (keyId: number, id: string): DraftTurn[] | null => {
    const entry = entries.get(id);
    if (entry?.keyId !== keyId) return null;
    // Used again: young again.
    entries.delete(id);
    entries.set(id, entry);
    return entry.turns;
  };

  return {
    remember(keyId, id, turns, items) {
      for (const [item, part] of items) put(item, keyId, [{ role: "model", parts: [part] }]);
      put(id, keyId, turns);
    },
    recall: find,
    recallItem: (keyId, id) => find(keyId, id)?.[0]?.parts[0] ?? null,
  };
}

const weigh = (turns: DraftTurn[]) =>
  turns
    .flatMap(({ parts }) => parts)
    .reduce((sum, part) => sum + (part.type === "text" ? part.text.length : part.url.length), LEAST_WEIGHT);
