// Simulation of pool, limits and generations for a few virtual hours; `bun run simulate-pool` runs thousands.
import { expect, test } from "bun:test";
import { simulatePair } from "./two-pools.ts";
import { simulate } from "./world.ts";

const HOURS = 8;

test.each([1, 2, 3, 4, 5, 6, 7, 8])("no promise is broken in the world of seed %d", async (seed) => {
  const figures = await simulate(seed, HOURS);
  expect(figures.requests).toBeGreaterThan(100);
  expect(figures.submitted).toBeGreaterThan(20);
});

test("a seed is one world: it comes out the same again", async () => {
  const [first, again] = [await simulate(42, 3), await simulate(42, 3)];
  expect(again).toEqual(first);
});

test.each([1, 2, 3])("no promise is broken by the two pools of seed %d, over one arbiter", async (seed) => {
  const figures = await simulatePair(seed, 6);
  expect(figures.leases).toBeGreaterThan(100);
  expect(figures.crashes + figures.fenced + figures.outages).toBeGreaterThan(0);
});
