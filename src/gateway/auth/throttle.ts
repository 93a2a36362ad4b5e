// Throttle: at most `failures` per key in a time window.

import { RecentMap } from "../../recent-map.ts";

export type Throttle = {
  /** Milliseconds that this key must wait, or 0. */
  waitMs(key: string): number;
  /** Counts one failure. */
  fail(key: string): void;
};

type Options = { failures: number; windowMs: number; now: () => number; maxKeys?: number };

/** Counts in memory, at most `maxKeys` at once and the newer half of them at least: the oldest windows are forgotten first. */
export function createThrottle({ failures, windowMs, now, maxKeys = 20_000 }: Options): Throttle {
  const windows = new RecentMap<string, { count: number; since: number }>(maxKeys);
  const windowOf = (key: string) => {
    const window = windows.get(key);
    const age = window ? now() - window.since : 0;
    return window && age >= 0 && age < windowMs ? window : null;
  };
  return {
    waitMs(key) {
      const window = windowOf(key);
      return window && window.count >= failures ? window.since + windowMs - now() : 0;
    },
    fail(key) {
      const window = windowOf(key);
      if (window) {
        window.count++;
        return;
      }
      windows.set(key, { count: 1, since: now() });
    },
  };
}
