// Rendezvous hashing: every token has one owner, the load is spread, and a node that goes moves only its own.
import { expect, test } from "bun:test";
import { ownerOf } from "./rendezvous.ts";

const TOKENS = Array.from({ length: 1000 }, (_, at) => at + 1);

test("each token has one of the nodes, whatever their order", () => {
  for (const id of TOKENS) expect(ownerOf(id, [3, 8, 21])).toBe(ownerOf(id, [21, 3, 8]));
  expect([ownerOf(1, []), ownerOf(1, [7])]).toEqual([null, 7]);
});

test("nodes share the tokens about evenly, and a node that goes moves no others", () => {
  const before = TOKENS.map((id) => ownerOf(id, [3, 8, 21]));
  for (const node of [3, 8, 21]) expect(before.filter((owner) => owner === node).length).toBeGreaterThan(250);
  const after = TOKENS.map((id) => ownerOf(id, [3, 21]));
  for (const [at, owner] of before.entries()) if (owner !== 8) expect(after[at]).toBe(owner);
});
