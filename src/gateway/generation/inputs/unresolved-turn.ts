// Turns of a conversation as decoders leave them: text, and references that are not read yet.
import type { Kind, Part, Turn } from "../../../domain/generation.ts";

/** An image or a video as a client names it, not yet read. */
export type InputReference = {
  type: "reference";
  /** `data:`, `http(s):`, a link or path of our own media, or `file:` and the id of a file that the key uploaded, or `file:name/` and its name. */
  url: string;
  /** Read when `url` is of our own media and they are gone. */
  otherwise?: string;
  /** Path in the client's body, for error messages. */
  param: string;
  /** False for what an assistant said: only our own media and data URLs are read, and a missing one is passed over. */
  trusted: boolean;
  /** Thought signature that the client returns; wins over the remembered one. */
  signature?: string;
  /** History, or what a text mentions: an unreadable one is left out with a note, and `text` replaces it. */
  lenient?: { text: string };
  /** What it may be; absent: what the caller of {@link readInput} wants. */
  kinds?: readonly Kind[];
  /** An address that is not read here: the upstream reads it itself. */
  forUpstream?: { mime: string };
};

export type UnresolvedTurn = { role: Turn["role"]; parts: (Extract<Part, { type: "text" }> | InputReference)[] };

/** Neighbouring turns of one role as one, in new lists, without empty ones: upstreams want roles to alternate. */
export function joinTurns<P>(turns: readonly { role: Turn["role"]; parts: readonly P[] }[]): { role: Turn["role"]; parts: P[] }[] {
  const joined: { role: Turn["role"]; parts: P[] }[] = [];
  for (const { role, parts } of turns) {
    const last = joined.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else if (parts.length > 0) joined.push({ role, parts: [...parts] });
  }
  return joined;
}

/** Turns up to the user's last; what follows it is generated again. Empty without a turn of the user. */
export function endWithUser(turns: UnresolvedTurn[]): UnresolvedTurn[] {
  let end = turns.length;
  while (end > 0 && turns[end - 1]!.role !== "user") end--;
  return end === turns.length ? turns : turns.slice(0, end);
}
