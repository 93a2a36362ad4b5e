// How long calls take, to tell those who wait how long it may be.
import type { Kind } from "./types.ts";

const WEIGHT_OF_LATEST = 0.2;

export type Pace = {
  /** One successful call held its slot for `ms`. Less than nothing, by a clock that was set back, tells nothing. */
  note(kind: Kind, family: string, ms: number): void;
  /** Ms until `place` slots of the tokens that are busy have come free; null as long as no call has ended. */
  estimate(kind: Kind, family: string, place: number, busyTokens: number): number | null;
};

export function createPace(): Pace {
  const means = new Map<string, number>();
  return {
    note(kind, family, ms) {
      if (ms < 0) return;
      const key = `${kind} ${family}`;
      const mean = means.get(key) ?? ms;
      means.set(key, mean + WEIGHT_OF_LATEST * (ms - mean));
    },
    estimate(kind, family, place, busyTokens) {
      const mean = means.get(`${kind} ${family}`);
      return mean === undefined ? null : Math.round((mean * place) / Math.max(1, busyTokens));
    },
  };
}
