// What ids look like, and that they sort by time where they promise to.
import { expect, test } from "bun:test";
import { isId, newId, newKey, newMediaId, newTimeId } from "./ids.ts";

test("1,000 ids differ and have the form that is asked for", () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  expect([ids.size, [...ids].every(isId)]).toEqual([1000, true]);
});

test("ids by time sort by time", () => {
  const times = [0, 1, 31, 32, 1_795_443_095_000, 1_795_443_095_001, 2 ** 42];
  const ids = times.map(newTimeId);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every(isId)).toBe(true);
});

test("ids of media made on one day sort by time and share a first letter; those of the next day have another", () => {
  const morning = Date.UTC(2026, 10, 30);
  const ids = [0, 1, 32, 3_600_000, 86_399_999].map((ms) => newMediaId(morning + ms));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every(isId)).toBe(true);
  const first = (days: number) => newMediaId(morning + days * 86_400_000)[0]!;
  expect(new Set(ids.map((id) => id[0]))).toEqual(new Set([first(0)]));
  expect(new Set(Array.from({ length: 32 }, (_, days) => first(days))).size).toBe(32);
});

test("1,000 ids of media made at the same moment differ", () => {
  expect(new Set(Array.from({ length: 1000 }, () => newMediaId(1_795_443_095_000))).size).toBe(1000);
});

test.each(["", "a".repeat(25), "a".repeat(27), "A".repeat(26), "a".repeat(25).concat("1"), "../".repeat(9)])("%p is no id", (text) =>
  expect(isId(text)).toBe(false),
);

test("a key shows its first characters and holds 256 bits", () => {
  const { key, prefix } = newKey();
  expect([key.startsWith(prefix), Buffer.from(key.slice("sk-f2a-".length), "base64url").byteLength]).toEqual([true, 32]);
});
