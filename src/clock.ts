// Clock and randomness as arguments, with sleep, timeout and repeat on them; tests pass a virtual clock.

import { AppError } from "./errors.ts";
import { Timers } from "./timers.ts";

/** Where "now" and timers come from. Times are epoch milliseconds. */
export type Clock = {
  now(): number;
  /** Ms that never jump, as those of timers do not; absent: `now` does not either. */
  elapsed?(): number;
  /** Runs `task` once after `ms` milliseconds; calling the result cancels it. Never keeps the process alive. */
  after(ms: number, task: () => void): () => void;
};

/** A number in [0, 1). */
export type Random = () => number;

const systemTimers = new Timers({
  now: () => performance.now(),
  set(ms, ring) {
    const timer = setTimeout(ring, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
});

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  after: (ms, task) => systemTimers.after(ms, task),
};

/** Ms that never jump, from some moment on: for what must last as long as it lasts, whatever the clock on the wall is set to. */
export const monotonicNow = (clock: Clock): number => clock.elapsed?.() ?? clock.now();

/** Ms from `start` to `now`, both epoch ms; 0 where the clock was set back in between. */
export const elapsedMs = (start: number, now: number): number => Math.max(0, now - start);

/** Resolves after `ms`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Runs `action` with a signal that aborts with `stop`, or after `ms` with an `upstream_timeout`. */
export async function withTimeout<T>(clock: Clock, stop: AbortSignal, ms: number, action: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const message = `The upstream gave no answer within ${Math.round(ms / 1000)} seconds.`;
  const cancel = clock.after(ms, () => late.abort(new AppError("upstream_timeout", message)));
  try {
    return await action(AbortSignal.any([stop, late.signal]));
  } finally {
    cancel();
  }
}

export type Repeated = {
  /** Aborts the signal of a run under way; resolves when that has ended. No run starts after it. */
  stop(): Promise<void>;
};

/**
 * Runs `task` after `firstMs` (at once if 0), then again `ms` after each run has ended. Runs never overlap. `task` handles its own
 * failures: one that rejects ends the repetition.
 */
export function repeat(clock: Clock, ms: number, task: (stopping: AbortSignal) => Promise<void>, firstMs = 0): Repeated {
  const stopping = new AbortController();
  let cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  const start = () => {
    running = run();
  };
  const run = async () => {
    await task(stopping.signal);
    if (!stopping.signal.aborted) cancel = clock.after(ms, start);
  };
  if (firstMs > 0) cancel = clock.after(firstMs, start);
  else start();
  return {
    stop() {
      stopping.abort();
      cancel();
      return running;
    },
  };
}
