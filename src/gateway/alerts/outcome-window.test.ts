// Outcome window: the share of generations that fails, without the clients' own mistakes.
import { expect, test } from "bun:test";
import { OutcomeWindow } from "./outcome-window.ts";

const MINUTE = 60_000;

test("counts the last minutes alone, and says nothing of fewer than ten", () => {
  let now = Date.UTC(2026, 10, 30, 12);
  const window = new OutcomeWindow(() => now);
  for (let count = 0; count < 9; count++) window.add("upstream_timeout");
  expect(window.share(10)).toBeNull();
  window.add("ok");
  expect(window.share(10)).toEqual({ percent: 90, failed: 9, total: 10, outcome: "upstream_timeout" });
  now += 9 * MINUTE;
  for (let count = 0; count < 10; count++) window.add("ok");
  expect(window.share(10)).toMatchObject({ percent: 45, total: 20 });
  now += MINUTE;
  expect(window.share(10)).toMatchObject({ percent: 0, total: 10 });
  expect(window.share(60)).toMatchObject({ total: 20 });
});

test("what clients do wrong is no failure", () => {
  const window = new OutcomeWindow(() => 0);
  for (const outcome of ["invalid_request", "content_policy", "limit_exceeded", "cancelled", "unauthorized", "ok"])
    for (let count = 0; count < 3; count++) window.add(outcome);
  expect(window.share(10)).toMatchObject({ percent: 0, failed: 0, total: 18 });
});

test("a clock that is set back loses nothing for long", () => {
  let now = 100 * MINUTE;
  const window = new OutcomeWindow(() => now);
  for (let count = 0; count < 20; count++) window.add("network");
  now = 10 * MINUTE;
  for (let count = 0; count < 10; count++) window.add("ok");
  expect(window.share(10)).toMatchObject({ percent: 0, total: 10 });
});
