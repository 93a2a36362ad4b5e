// Heartbeats against a plain timer per wait, and how many timers a long response takes.
import { expect, test } from "bun:test";
import { seededRandom, virtualClock } from "../testing.ts";
import { Heartbeat } from "./heartbeat.ts";

const EVERY = 9_000;

test.each([1, 2, 3, 4, 5])("beats come when a timer per wait would have rung (seed %d)", async (seed) => {
  const random = seededRandom(seed);
  const clock = virtualClock();
  const [beats, expected]: number[][] = [[], []];
  const heartbeat = new Heartbeat(clock, EVERY, { beat: () => void beats!.push(clock.now()) });
  for (let frame = 0; frame < 300; frame++) {
    const isSilent = random() < 0.8;
    const first = frame === 0 ? 25_000 : EVERY;
    const pause = Math.floor(random() ** 3 * 60_000);
    if (isSilent) {
      heartbeat.wait(first);
      for (let at = first; at <= pause; at += EVERY) expected!.push(clock.now() + at);
    }
    await clock.advance(pause);
    heartbeat.rest();
  }
  heartbeat.stop();
  expect(beats).toEqual(expected!);
  expect(clock.nextTimer()).toBeNull();
});

test("10,000 frames without silence set one timer", async () => {
  const clock = virtualClock();
  let timers = 0;
  const counting = {
    now: clock.now,
    after(ms: number, task: () => void) {
      timers++;
      return clock.after(ms, task);
    },
  };
  const heartbeat = new Heartbeat(counting, EVERY, { beat() {} });
  for (let frame = 0; frame < 10_000; frame++) {
    heartbeat.wait(EVERY);
    heartbeat.rest();
  }
  expect(timers).toBe(1);
});

test("a heartbeat that ends its response is the last", async () => {
  const clock = virtualClock();
  let beats = 0;
  const heartbeat: Heartbeat = new Heartbeat(clock, EVERY, {
    beat() {
      beats++;
      heartbeat.stop();
    },
  });
  heartbeat.wait(EVERY);
  await clock.advance(EVERY * 5);
  expect([beats, clock.nextTimer()]).toEqual([1, null]);
});

test.each([
  ["on", 3_600_000],
  ["back", -3_600_000],
])("a clock that is set %s makes no silence longer or shorter", async (_name, ms) => {
  const clock = virtualClock();
  const began = clock.elapsed();
  const beats: number[] = [];
  const heartbeat = new Heartbeat(clock, EVERY, { beat: () => void beats.push(clock.elapsed() - began) });
  heartbeat.wait(EVERY);
  await clock.advance(1_000);
  clock.jump(ms);
  await clock.advance(EVERY * 3 - 1_000);
  heartbeat.stop();
  expect(beats).toEqual([EVERY, EVERY * 2, EVERY * 3]);
});
