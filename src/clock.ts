// Time and chance as arguments, so that rules can be tested on a virtual clock.

/** Where "now" and timers come from. Times are epoch milliseconds. */
export type Clock = {
  now(): number;
  /** Runs `task` once after `ms` milliseconds; calling the result cancels it. Never keeps the process alive. */
  after(ms: number, task: () => void): () => void;
};

/** A number in [0, 1). */
export type Random = () => number;

export const systemClock: Clock = {
  now: Date.now,
  after(ms, task) {
    const timer = setTimeout(task, Math.min(ms, 2 ** 31 - 1));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

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
