// Circuit breaker: when it opens, for how long, and when failures stop counting.
import { expect, test } from "bun:test";
import { afterFailure } from "./breaker.ts";

const NOW = 1_000_000;

test("four failures in a row keep it closed, the fifth opens it for 30 s", () => {
  let failures: number[] = [];
  for (let i = 0; i < 4; i++) {
    const step = afterFailure(failures, 0, false, NOW + i * 1000);
    expect(step.openUntil).toBeNull();
    failures = step.failures;
  }
  expect(afterFailure(failures, 0, false, NOW + 4000)).toEqual({ failures: [], consecutiveFailures: 1, openUntil: NOW + 34_000 });
});

test("failures older than two minutes do not count", () => {
  const four = [NOW, NOW + 1, NOW + 2, NOW + 3];
  expect(afterFailure(four, 0, false, NOW + 120_000).openUntil).not.toBeNull();
  expect(afterFailure(four, 0, false, NOW + 120_001)).toEqual({
    failures: [NOW + 1, NOW + 2, NOW + 3, NOW + 120_001],
    consecutiveFailures: 0,
    openUntil: null,
  });
});

test.each([
  [1, 60_000],
  [2, 120_000],
  [4, 480_000],
  [5, 600_000],
  [16, 600_000],
])("a failed probe after %d openings opens it for %d ms at once", (consecutiveFailures, ms) => {
  expect(afterFailure([], consecutiveFailures, true, NOW).openUntil).toBe(NOW + ms);
});
