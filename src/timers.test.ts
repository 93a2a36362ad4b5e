// Timers on one alarm: against a list sorted by time, and how often the runtime is asked for a timer.
import { expect, test } from "bun:test";
import { systemClock } from "./clock.ts";
import { seededRandom } from "./testing.ts";
import { Timers } from "./timers.ts";

/** An alarm that rings when time is moved. `set`: how often it was set. */
function handAlarm() {
  const state = { now: 0, set: 0 };
  let pending: { at: number; ring: () => void } | null = null;
  const timers = new Timers({
    now: () => state.now,
    set(ms, ring) {
      state.set++;
      const mine = { at: state.now + ms, ring };
      pending = mine;
      return () => {
        if (pending === mine) pending = null;
      };
    },
  });
  const advance = (ms: number) => {
    const end = state.now + ms;
    while (pending && pending.at <= end) {
      const { at, ring } = pending;
      pending = null;
      state.now = at;
      ring();
    }
    state.now = end;
  };
  return { timers, state, advance };
}

test.each([1, 2, 3, 4])("tasks run once, in time and in order, unless they are cancelled (seed %d)", (seed) => {
  const random = seededRandom(seed);
  const { timers, state, advance } = handAlarm();
  const expected: { due: number; id: number }[] = [];
  const ran: { at: number; id: number }[] = [];
  const cancels = new Map<number, () => void>();
  for (let id = 0; id < 2_000; id++) {
    const due = state.now + Math.floor(random() * 300);
    expected.push({ due, id });
    cancels.set(
      id,
      timers.after(due - state.now, () => ran.push({ at: state.now, id })),
    );
    if (random() < 0.6) {
      const victim = Math.floor(random() * (id + 1));
      cancels.get(victim)!();
      const index = expected.findIndex((one) => one.id === victim);
      if (index >= 0 && !ran.some((one) => one.id === victim)) expected.splice(index, 1);
    }
    if (random() < 0.3) advance(Math.floor(random() * 40));
  }
  advance(1_000);
  const order = expected.toSorted((a, b) => a.due - b.due || a.id - b.id).map(({ due, id }) => ({ at: due, id }));
  expect(ran).toEqual(order);
  expect(timers.size).toBe(0);
});

test("10,000 deadlines that are cancelled ask the runtime for one timer", () => {
  const { timers, state, advance } = handAlarm();
  for (let request = 0; request < 10_000; request++) {
    const cancel = timers.after(300_000, () => {});
    if (request % 100 === 0) advance(1);
    cancel();
  }
  expect([state.set, timers.size]).toEqual([1, 0]);
  advance(400_000);
  // It rings once for what is gone, and is not set again.
  expect(state.set).toBe(1);
});

test("an earlier timer moves the alarm, a later one does not", () => {
  const { timers, state, advance } = handAlarm();
  const ran: string[] = [];
  timers.after(100, () => ran.push("late"));
  timers.after(10, () => ran.push("early"));
  timers.after(200, () => ran.push("last"));
  expect(state.set).toBe(2);
  advance(10);
  expect(ran).toEqual(["early"]);
  advance(300);
  expect(ran).toEqual(["early", "late", "last"]);
});

test("a task that sets itself again at once lets others run", () => {
  const { timers, advance } = handAlarm();
  let rounds = 0;
  const again = () => {
    if (++rounds < 5) timers.after(0, again);
  };
  timers.after(0, again);
  const ran: number[] = [];
  timers.after(0, () => ran.push(rounds));
  advance(0);
  expect([rounds, ran]).toEqual([5, [1]]);
});

test("a task that throws does not take the others with it", () => {
  const { timers, advance } = handAlarm();
  const ran: string[] = [];
  timers.after(5, () => {
    throw new Error("a bug");
  });
  timers.after(5, () => ran.push("next"));
  timers.after(9, () => ran.push("later"));
  expect(() => advance(5)).toThrow("a bug");
  advance(10);
  expect(ran).toEqual(["next", "later"]);
});

test("odd times are at once, and a time beyond the runtime's own is no mistake", async () => {
  const ran: string[] = [];
  const far = systemClock.after(2 ** 40, () => ran.push("far"));
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const ms of [Number.NaN, -5, 0]) systemClock.after(ms, () => ran.push(String(ms)));
  systemClock.after(1, resolve);
  await promise;
  far();
  expect(ran).toEqual(["NaN", "-5", "0"]);
});
