// Which references of a request are read: all of the last turn, or none when they are too many; of earlier turns the newest.

import type { Part } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference, UnresolvedTurn } from "./unresolved-turn.ts";

/** More than any model takes. Each may be a fetch, a file and a record. */
export const MOST_READ = 64;

/** @throws {AppError} `invalid_request` */
export function assertReadable(count: number, param: string): void {
  if (count <= MOST_READ) return;
  throw new AppError("invalid_request", `At most ${MOST_READ} images and videos can be sent at once, got ${count}.`, { param });
}

/**
 * The turns with at most {@link MOST_READ} references. What is left out of history, or is only mentioned, leaves its text.
 * @throws {AppError} `invalid_request` when the last turn has more that have to be read
 */
export function readableTurns(turns: UnresolvedTurn[]): UnresolvedTurn[] {
  const count = turns.reduce((sum, { parts }) => sum + referencesIn(parts).length, 0);
  if (count <= MOST_READ) return turns;
  const last = turns.at(-1)!;
  const asked = referencesIn(last.parts).filter(({ lenient }) => !lenient);
  assertReadable(asked.length, asked[0]?.param ?? "messages");
  const read = new Set(asked);
  for (const turn of turns.toReversed()) {
    for (const reference of referencesIn(turn.parts).reverse()) {
      if (read.size < MOST_READ) read.add(reference);
    }
  }
  return turns.map(({ role, parts }) => ({ role, parts: parts.flatMap((part) => leave(part, read)) }));
}

type UnresolvedPart = UnresolvedTurn["parts"][number];

function leave(part: UnresolvedPart, read: ReadonlySet<InputReference>): UnresolvedPart[] {
  if (part.type === "text" || read.has(part)) return [part];
  return part.lenient?.text ? [{ type: "text", text: part.lenient.text }] : [];
}

const isReference = (part: Extract<Part, { type: "text" }> | InputReference): part is InputReference => part.type === "reference";

const referencesIn = (parts: UnresolvedTurn["parts"]): InputReference[] => parts.filter(isReference);
