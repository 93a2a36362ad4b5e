// Deadlines of generations under way: each is cut at its own time, whatever happens to the clock on the wall.
import { expect, test } from "bun:test";
import { RunningGenerations } from "./running-generations.ts";

/** A clock on the wall that can be set, and timers that do not notice. */
function createWall() {
  let elapsed = 0;
  let offset = 1_000_000;
  let timers: { at: number; task: () => void }[] = [];
  return {
    now: () => offset + elapsed,
    elapsed: () => elapsed,
    after(ms: number, task: () => void) {
      const timer = { at: elapsed + ms, task };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
    set(ms: number) {
      offset += ms;
    },
    pass(ms: number) {
      const until = elapsed + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((one) => one !== next);
        elapsed = Math.max(elapsed, next.at);
        next.task();
      }
      elapsed = until;
    },
  };
}

function setUp() {
  const wall = createWall();
  const running = new RunningGenerations(new AbortController().signal, wall);
  const cut: string[] = [];
  const begin = (requestId: string, wholeMs: number) => {
    const generation = {
      requestId,
      deadline: { at: wall.elapsed() + wholeMs, wholeMs },
      stopWithServer() {},
      cutLate: () => {
        cut.push(`${requestId} at ${wall.elapsed()}`);
        running.delete(generation);
      },
      activity: () => null as never,
      cancel: () => null,
    };
    running.add(generation);
    return generation;
  };
  return { wall, running, cut, begin };
}

test.each([
  ["is left alone", 0],
  ["is set back by an hour", -3_600_000],
  ["is set on by an hour", 3_600_000],
])("a clock that %s cuts each at its own time", (_name, ms) => {
  const { wall, cut, begin } = setUp();
  begin("a", 10_000);
  wall.pass(4_000);
  begin("b", 10_000);
  begin("c", 3_000);
  wall.set(ms);
  wall.pass(60_000);
  expect(cut).toEqual(["c at 7000", "a at 10000", "b at 14000"]);
});

test("what has ended is not cut, and leaves no timer that does harm", () => {
  const { wall, running, cut, begin } = setUp();
  running.delete(begin("a", 5_000));
  begin("b", 8_000);
  wall.pass(60_000);
  expect(cut).toEqual(["b at 8000"]);
  expect(running.size).toBe(0);
});
