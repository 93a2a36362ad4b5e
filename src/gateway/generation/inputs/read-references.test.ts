// Which references are read: a table of conversations.

import { describe, expect, test } from "bun:test";
import { assertReadable, MOST_READ, readableTurns } from "./read-references.ts";
import type { InputReference, UnresolvedTurn } from "./unresolved-turn.ts";

const reference = (url: string, lenient?: { text: string }): InputReference => ({
  type: "reference",
  url,
  param: url,
  trusted: true,
  lenient,
});
const turn = (role: "user" | "model", prefix: string, count: number, lenient?: { text: string }): UnresolvedTurn => ({
  role,
  parts: Array.from({ length: count }, (_, index) => reference(`${prefix}${index}`, lenient)),
});
const readIn = (turns: UnresolvedTurn[]) =>
  turns.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "reference" ? [part.url] : [])));

describe("readable turns", () => {
  test("few references are left as they are", () => {
    const turns = [turn("user", "a", MOST_READ - 1), turn("user", "b", 1)];
    expect(readableTurns(turns)).toBe(turns);
  });

  test("the newest of history are read, in their order, and all of the last turn", () => {
    const read = readIn(readableTurns([turn("user", "a", 100), turn("model", "b", 10), turn("user", "c", 4)]));
    expect([read.length, read[0], read.at(-5), read.slice(-4)]).toEqual([
      MOST_READ,
      `a${100 - (MOST_READ - 14)}`,
      "b9",
      ["c0", "c1", "c2", "c3"],
    ]);
  });

  test("what is left out leaves its text", () => {
    const turns = readableTurns([turn("user", "a", MOST_READ + 2, { text: "here" }), turn("user", "b", 0)]);
    expect(turns[0]!.parts.filter((part) => part.type === "text")).toEqual([
      { type: "text", text: "here" },
      { type: "text", text: "here" },
    ]);
  });

  test("too many in the last turn are refused, named after the first", () => {
    expect(() => readableTurns([turn("user", "a", MOST_READ + 1)])).toThrow(`At most ${MOST_READ} images and videos`);
    expect(() => assertReadable(MOST_READ, "images")).not.toThrow();
  });

  test("those that the last turn only mentions give way to those that it sends", () => {
    const last: UnresolvedTurn = { role: "user", parts: [...turn("user", "a", 3).parts, ...turn("user", "m", 100, { text: "" }).parts] };
    const read = readIn(readableTurns([last]));
    expect([read.length, read.slice(0, 3)]).toEqual([MOST_READ, ["a0", "a1", "a2"]]);
  });
});
