// What a map of the newest entries holds, and lets go.
import { expect, test } from "bun:test";
import { RecentMap } from "./recent-map.ts";

const held = (map: RecentMap<number, string>, keys: number) => Array.from({ length: keys }, (_, key) => key).filter((key) => map.get(key));

test("the newest half of what it may hold is always there, and never more than it may hold", () => {
  const map = new RecentMap<number, string>(100);
  for (let key = 0; key < 1000; key++) {
    map.set(key, "x");
    const keys = held(map, 1000);
    expect(keys.length).toBeLessThanOrEqual(100);
    expect(keys.slice(-50)).toEqual(Array.from({ length: Math.min(50, key + 1) }, (_, back) => key - Math.min(49, key) + back));
  }
});

test("an entry that is set again is the newest", () => {
  const map = new RecentMap<string, number>(10);
  for (let round = 0; round < 100; round++) {
    map.set("one", round);
    for (let key = 0; key < 4; key++) map.set(`${round}/${key}`, key);
    expect(map.get("one")).toBe(round);
  }
});

test("entries weigh what they are said to", () => {
  const map = new RecentMap<number, string>(1000, (text) => text.length);
  map.set(0, "x".repeat(400));
  map.set(0, "x".repeat(300));
  map.set(1, "x".repeat(150));
  expect(held(map, 9)).toEqual([0, 1]);
  map.set(2, "x".repeat(50));
  expect(held(map, 9)).toEqual([0, 1, 2]);
  map.set(3, "x".repeat(600));
  expect(held(map, 9)).toEqual([3]);
});

test("a deleted entry is gone, from both halves, and weighs nothing", () => {
  const map = new RecentMap<number, string>(4);
  for (const key of [0, 1, 2]) map.set(key, "x");
  for (const key of [0, 2]) map.delete(key);
  expect(held(map, 4)).toEqual([1]);
  map.set(3, "x");
  expect(held(map, 4)).toEqual([1, 3]);
});
