// The throttle: failures per window.
import { describe, expect, test } from "bun:test";
import { createThrottle } from "./throttle.ts";

function bench(maxKeys?: number) {
  let now = 1_000_000;
  const throttle = createThrottle({ failures: 3, windowMs: 60_000, now: () => now, ...(maxKeys === undefined ? {} : { maxKeys }) });
  const fail = (key: string, times: number) => {
    for (let time = 0; time < times; time++) throttle.fail(key);
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { throttle, fail, pass };
}

describe("an address", () => {
  test("may fail as often as allowed, then waits for the end of the window that its first failure opened", () => {
    const { throttle, fail, pass } = bench();
    fail("a", 2);
    pass(20_000);
    expect(throttle.waitMs("a")).toBe(0);
    fail("a", 1);
    expect([throttle.waitMs("a"), throttle.waitMs("b")]).toEqual([40_000, 0]);
    pass(40_000);
    expect(throttle.waitMs("a")).toBe(0);
  });

  test("begins again after its window", () => {
    const { throttle, fail, pass } = bench();
    fail("a", 3);
    pass(60_000);
    fail("a", 2);
    expect(throttle.waitMs("a")).toBe(0);
  });

  test("is not shut out for longer because the clock was set back", () => {
    const { throttle, fail, pass } = bench();
    fail("a", 3);
    pass(-3_600_000);
    expect(throttle.waitMs("a")).toBe(0);
  });
});

test("a flood of addresses does not grow the memory: the oldest are forgotten", () => {
  const { throttle, fail } = bench(4);
  for (const key of ["a", "b", "c", "d", "e"]) fail(key, 3);
  expect(["a", "b", "c", "d", "e"].map((key) => throttle.waitMs(key) > 0)).toEqual([false, false, true, true, true]);
});
