// Maps of their own with the first entry: the empty one that all share stays empty.

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { testPool, tokenRow } from "../../../test/pool.ts";
import { NONE, withEntry, withoutEntry } from "./own-map.ts";

test("an owner's first entry makes a map of its own, later ones change it in place", () => {
  const first = withEntry<number>(NONE, "a", 1);
  expect([NONE.size, [...first]]).toEqual([0, [["a", 1]]]);
  expect(withEntry(first, "b", 2)).toBe(first);
  expect(withEntry<number>(NONE, "a", 3)).not.toBe(first);
  expect([...first]).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

test("without its last entry an owner has the shared map again", () => {
  const map = withEntry(withEntry<number>(NONE, "a", 1), "b", 2);
  expect(withoutEntry(map, "missing")).toBe(map);
  expect([...withoutEntry(map, "a")]).toEqual([["b", 2]]);
  expect(withoutEntry(map, "b")).toBe(NONE);
  expect([withoutEntry(NONE, "a"), NONE.size]).toEqual([NONE, 0]);
});

test("tokens that nothing is stored of begin with one set each, that of their group", () => {
  const rows = Array.from({ length: 1000 }, (_, index) => tokenRow(index + 1, { group: null, health: null }));
  const count = () => {
    Bun.gc(true);
    const { Map: maps = 0, Set: sets = 0 } = heapStats().objectTypeCounts;
    return { maps, sets };
  };
  const before = count();
  const { pool } = testPool(rows);
  const after = count();
  expect(after.maps - before.maps).toBeLessThan(200);
  expect(after.sets - before.sets).toBeLessThan(1200);
  expect(pool.rows()).toHaveLength(1000);
});
