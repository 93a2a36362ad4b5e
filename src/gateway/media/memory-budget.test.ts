// What is held in memory never exceeds the budget, and all of it is given back.
import { expect, test } from "bun:test";
import { MemoryBudget } from "./memory-budget.ts";

test("bytes are counted as long as they fit", () => {
  const budget = new MemoryBudget(10);
  expect([budget.take(6), budget.take(5), budget.take(4), budget.take(1)]).toEqual([true, false, true, false]);
  budget.give(6);
  expect([budget.held, budget.take(6), budget.held]).toEqual([4, true, 10]);
});
