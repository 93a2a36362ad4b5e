// How long a wait may be, told from how long calls took.
import { expect, test } from "bun:test";
import { createLatencyEstimate } from "./latency-estimate.ts";

test("nobody is told a wait before any call has ended", () => expect(createLatencyEstimate().estimate("image", "a", 1, 1)).toBeNull());

test("a wait grows with the place and shrinks with the tokens that are busy; calls of late count for more", () => {
  const pace = createLatencyEstimate();
  pace.note("image", "a", "p", 10_000);
  expect([pace.estimate("image", "a", 1, 1), pace.estimate("image", "a", 4, 2), pace.estimate("image", "b", 1, 1)]).toEqual([
    10_000,
    20_000,
    null,
  ]);
  pace.note("image", "a", "p", 20_000);
  expect(pace.estimate("image", "a", 1, 1)).toBe(12_000);
});

test("a call during which the clock was set back says nothing about the pace", () => {
  const pace = createLatencyEstimate();
  pace.note("image", "a", "p", -3_600_000);
  expect(pace.estimate("image", "a", 1, 1)).toBeNull();
});

const DEADLINE = { at: 100_000, wholeMs: 60_000 };
const latest = (pace: ReturnType<typeof createLatencyEstimate>, providers = ["p"], deadline = DEADLINE) =>
  deadline.at - pace.latestStart("image", "a", providers, deadline);

test("a call needs the time that nearly all calls took, more when they differ, and a little while nothing is known", () => {
  const pace = createLatencyEstimate();
  expect(latest(pace)).toBe(3_000);
  for (let call = 0; call < 40; call++) pace.note("image", "a", "p", 10_000);
  expect(latest(pace)).toBeCloseTo(11_000, -1);
  for (let call = 0; call < 40; call++) pace.note("image", "a", "p", call % 2 ? 5_000 : 15_000);
  expect(latest(pace)).toBeGreaterThan(20_000);
});

test("the fastest provider counts, and a request that has not waited may always begin", () => {
  const pace = createLatencyEstimate();
  pace.note("image", "a", "slow", 600_000);
  expect(latest(pace, ["slow"])).toBe(57_000);
  pace.note("image", "a", "p", 4_000);
  expect(latest(pace, ["slow", "p"])).toBe(7_000);
});

test("a cut call counts as slow where it had run longer than calls take, else it tells nothing", () => {
  const pace = createLatencyEstimate();
  pace.note("image", "a", "p", 10_000);
  pace.noteCut("image", "a", "p", 3_000);
  expect(latest(pace)).toBe(17_500);
  pace.noteCut("image", "a", "p", 40_000);
  expect(latest(pace)).toBeGreaterThan(40_000);
});

test("a cut call blames its token after its request's whole time, or after twice what calls need", () => {
  const pace = createLatencyEstimate();
  const isFair = (ms: number) => pace.isFair("image", "a", "p", ms, 300_000);
  expect([isFair(200_000), isFair(290_000)]).toEqual([false, true]);
  for (let call = 0; call < 40; call++) pace.note("image", "a", "p", 20_000);
  expect([isFair(25_000), isFair(45_000)]).toEqual([false, true]);
});
