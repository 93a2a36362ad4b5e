// Outcome window: the share of generations that fails, without the clients' own mistakes.
import { expect, test } from "bun:test";
import { OutcomeWindow, shareOf } from "./outcome-window.ts";

const MINUTE = 60_000;

test("counts the last minutes alone, and says nothing of fewer than ten", () => {
  let now = Date.UTC(2026, 10, 30, 12);
  const window = new OutcomeWindow(() => now);
  const share = (minutes: number) => shareOf([window.sums(minutes)]);
  for (let count = 0; count < 9; count++) window.add("upstream_timeout");
  expect(share(10)).toBeNull();
  window.add("ok");
  expect(share(10)).toEqual({ percent: 90, failed: 9, total: 10, outcome: "upstream_timeout" });
  now += 9 * MINUTE;
  for (let count = 0; count < 10; count++) window.add("ok");
  expect(share(10)).toMatchObject({ percent: 45, total: 20 });
  now += MINUTE;
  expect(share(10)).toMatchObject({ percent: 0, total: 10 });
  expect(share(60)).toMatchObject({ total: 20 });
});

test("what clients do wrong is no failure", () => {
  const window = new OutcomeWindow(() => 0);
  const share = (minutes: number) => shareOf([window.sums(minutes)]);
  for (const outcome of ["invalid_request", "content_policy", "limit_exceeded", "cancelled", "unauthorized", "ok"])
    for (let count = 0; count < 3; count++) window.add(outcome);
  expect(share(10)).toMatchObject({ percent: 0, failed: 0, total: 18 });
});

test("a clock that is set back loses nothing for long", () => {
  let now = 100 * MINUTE;
  const window = new OutcomeWindow(() => now);
  const share = (minutes: number) => shareOf([window.sums(minutes)]);
  for (let count = 0; count < 20; count++) window.add("network");
  now = 10 * MINUTE;
  for (let count = 0; count < 10; count++) window.add("ok");
  expect(share(10)).toMatchObject({ percent: 0, total: 10 });
});

test("of several nodes the share is of all, and the outcome that of the one with most failures", () => {
  const few = { total: 4, failed: 1, mostly: "network" };
  expect(shareOf([few])).toBeNull();
  expect(shareOf([few, { total: 16, failed: 9, mostly: "upstream_timeout" }])).toEqual({
    percent: 50,
    failed: 10,
    total: 20,
    outcome: "upstream_timeout",
  });
});
