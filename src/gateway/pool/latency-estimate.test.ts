// Latency estimates: how long a wait may be, by how long calls took.
import { expect, test } from "bun:test";
import { LatencyEstimate } from "./latency-estimate.ts";

const p = { kind: "image", family: "a", provider: "p" } as const;
const slow = { ...p, provider: "slow" };

test("there is no estimate before any call has ended", () => expect(new LatencyEstimate().estimate("image", "a", 1, 1)).toBeNull());

test("a wait grows with the position and shrinks with the tokens that are busy; recent calls count for more", () => {
  const latency = new LatencyEstimate();
  latency.note(p, 10_000);
  expect([latency.estimate("image", "a", 1, 1), latency.estimate("image", "a", 4, 2), latency.estimate("image", "b", 1, 1)]).toEqual([
    10_000,
    20_000,
    null,
  ]);
  latency.note(p, 20_000);
  expect(latency.estimate("image", "a", 1, 1)).toBe(12_000);
});

test("a call during which the clock was set back does not change the estimate", () => {
  const latency = new LatencyEstimate();
  latency.note(p, -3_600_000);
  expect(latency.estimate("image", "a", 1, 1)).toBeNull();
});

const DEADLINE = { at: 100_000, wholeMs: 60_000 };
const latest = (latency: LatencyEstimate, providers = ["p"], deadline = DEADLINE) =>
  deadline.at - latency.latestStart("image", "a", providers, deadline);

test("a call needs the time that nearly all calls took, more when they differ, and a little while nothing is known", () => {
  const latency = new LatencyEstimate();
  expect(latest(latency)).toBe(3_000);
  for (let call = 0; call < 40; call++) latency.note(p, 10_000);
  expect(latest(latency)).toBeCloseTo(11_000, -1);
  for (let call = 0; call < 40; call++) latency.note(p, call % 2 ? 5_000 : 15_000);
  expect(latest(latency)).toBeGreaterThan(20_000);
});

test("the fastest provider counts, and a request that has not waited may always begin", () => {
  const latency = new LatencyEstimate();
  latency.note(slow, 600_000);
  expect(latest(latency, ["slow"])).toBe(57_000);
  latency.note(p, 4_000);
  expect(latest(latency, ["slow", "p"])).toBe(7_000);
});

test("an aborted call counts as slow where it had run longer than calls take, else it is ignored", () => {
  const latency = new LatencyEstimate();
  latency.note(p, 10_000);
  latency.noteAborted(p, 3_000);
  expect(latest(latency)).toBe(17_500);
  latency.noteAborted(p, 40_000);
  expect(latest(latency)).toBeGreaterThan(40_000);
});

test("an aborted call counts against its token after its request's whole time, or after twice what calls need", () => {
  const latency = new LatencyEstimate();
  const isFair = (ms: number) => latency.isFair(p, ms, 300_000);
  expect([isFair(200_000), isFair(290_000)]).toEqual([false, true]);
  for (let call = 0; call < 40; call++) latency.note(p, 20_000);
  expect([isFair(25_000), isFair(45_000)]).toEqual([false, true]);
});
