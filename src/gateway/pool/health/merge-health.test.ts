// Health that two nodes changed: neither loses what the other one found out.
import { expect, test } from "bun:test";
import { mergeHealth } from "./merge-health.ts";

const cooling = (until: number | null) => ({ condition: { state: "cooling", reason: "rate", since: 1, until }, strikes: 1, failures: [] });

test("what only one side changed is as that side has it", () => {
  const base = { token: cooling(5), families: { a: cooling(1) } };
  expect(mergeHealth(base, base, { token: cooling(9) })).toEqual({ token: cooling(9) });
  expect(mergeHealth(base, { families: { a: cooling(1), b: cooling(2) } }, base)).toEqual({ families: { a: cooling(1), b: cooling(2) } });
  expect(mergeHealth(base, { ...base, lastError: { at: 3 } }, { token: cooling(5) })).toEqual({ token: cooling(5), lastError: { at: 3 } });
});

test("of one that both changed the cooldown that ends later counts; only the operator's has no end", () => {
  expect(mergeHealth({}, { token: cooling(5) }, { token: cooling(9) })).toEqual({ token: cooling(9) });
  expect(mergeHealth({}, { token: cooling(null) }, { token: cooling(9) })).toEqual({ token: cooling(null) });
  expect(mergeHealth({ token: cooling(3) }, {}, { token: cooling(9) })).toEqual({ token: cooling(9) });
});

test("families of a group are merged one by one, and nothing left is null", () => {
  const mine = { group: { name: "g", families: { a: cooling(4) } } };
  const theirs = { group: { name: "g", families: { b: cooling(6) } } };
  expect(mergeHealth(null, mine, theirs)).toEqual({ group: { name: "g", families: { a: cooling(4), b: cooling(6) } } });
  expect(mergeHealth({ token: cooling(4) }, null, { token: cooling(4) })).toBeNull();
});
