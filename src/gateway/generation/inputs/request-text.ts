// Text of a request: its largest length, and its bytes in the body budget for as long as the generation holds them.

import { AppError } from "../../../errors.ts";
import type { ImageGeneration } from "../contract.ts";

/** Characters of all turns and the system text: more than the context of any image model. */
export const MAX_TEXT = 1_000_000;

/** Shorter texts are not counted: they are not worth it, however many wait. */
const UNCOUNTED = 64 * 1024;

/** Counts bytes that a key's request holds in memory; the result ends that. @throws {AppError} `busy`, `unavailable` */
export type HoldBytes = (keyId: number, bytes: number) => () => void;

/** @throws {AppError} `invalid_request` */
export function assertTextFits(characters: number): void {
  if (characters <= MAX_TEXT) return;
  throw new AppError(
    "invalid_request",
    `The text of a request may have ${MAX_TEXT.toLocaleString("en")} characters in all, got ${characters.toLocaleString("en")}.`,
    { reason: "context_length_exceeded" },
  );
}

/**
 * Counts the text of a request; null where it is too short to count: its body is released when it has been decoded, and the text waits in the queue.
 * @throws {AppError} `invalid_request`, and as {@link HoldBytes}
 */
export function holdText(
  { key, turns, options }: Pick<ImageGeneration, "key" | "turns" | "options">,
  hold?: HoldBytes,
): (() => void) | null {
  let characters = options.system?.length ?? 0;
  let signatures = 0;
  for (const { parts } of turns) {
    for (const part of parts) {
      if (part.type === "text") characters += part.text.length;
      signatures += (part.type === "text" ? part.signature : part.image.signature)?.length ?? 0;
    }
  }
  assertTextFits(characters);
  const bytes = characters + signatures;
  return hold && bytes > UNCOUNTED ? hold(key.id, bytes) : null;
}
