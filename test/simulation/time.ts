// Virtual time: timers in order on a clock that never waits, and a wall clock that may be set back.
import type { Clock, Random } from "../../src/clock.ts";
import { createHeap, type HeapItem } from "../../src/heap.ts";

export type Time = Clock & {
  /** Ms since the world began; unlike `now` it never jumps. */
  elapsed(): number;
  /** Sets the wall clock on or back by `ms`. Timers that run are not moved, as in a real process. */
  jump(ms: number): void;
  /** Runs the next timer that is due within `until` (elapsed ms) and lets everything follow from it; false when there is none. */
  step(until: number): Promise<boolean>;
  /** A clock whose timers all vanish with `end`: that of one process. */
  process(): { clock: Clock; end(): void };
};

/** Timers come up to this late, in ms, as they do on a busy machine. */
export const LATE_MS = 3;

type Timer = HeapItem & { due: number; order: number; task: () => void };

export function createTime(start: number, random: Random): Time {
  const timers = createHeap<Timer>((a, b) => (a.due === b.due ? a.order < b.order : a.due < b.due));
  let elapsed = 0;
  let offset = start;
  let order = 0;

  const after: Clock["after"] = (ms, task) => {
    const late = random() < 0.2 ? Math.floor(random() * (LATE_MS + 1)) : 0;
    const timer = { at: -1, due: elapsed + Math.max(0, Math.ceil(ms)) + late, order: order++, task };
    timers.put(timer);
    return () => timers.remove(timer);
  };

  return {
    now: () => offset + elapsed,
    elapsed: () => elapsed,
    after,
    jump(ms) {
      offset += ms;
    },
    async step(until) {
      const next = timers.peek();
      if (!next || next.due > until) return false;
      timers.remove(next);
      elapsed = Math.max(elapsed, next.due);
      next.task();
      await followed();
      return true;
    },
    process() {
      const running = new Set<() => void>();
      let hasEnded = false;
      return {
        clock: {
          now: () => offset + elapsed,
          elapsed: () => elapsed,
          after(ms, task) {
            if (hasEnded) return () => {};
            const cancelTimer = after(ms, () => {
              running.delete(cancel);
              task();
            });
            const cancel = () => {
              running.delete(cancel);
              cancelTimer();
            };
            running.add(cancel);
            return cancel;
          },
        },
        end() {
          hasEnded = true;
          for (const cancel of [...running]) cancel();
        },
      };
    },
  };
}

/** Resolves when no promise has anything left to do but wait for a timer. */
export const followed = () => new Promise<void>((resolve) => setImmediate(resolve));
