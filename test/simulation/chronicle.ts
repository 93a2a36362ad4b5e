// Chronicle: the latest events of a simulated world, printed with an assertion that fails.
import type { Random } from "../../src/clock.ts";

/** Something that must never happen has happened. */
export class Violation extends Error {
  override name = "Violation";
}

export type Chronicle = {
  /** Remembers one event; facts are put into words only when they are asked for. */
  note(event: string, ...facts: unknown[]): void;
  /** @throws {Violation} unless `holds` */
  assert(holds: boolean, promise: string, ...facts: unknown[]): asserts holds;
  /** The last events, oldest first, with the hour, minute and ms of the world at which they happened. */
  last(): string[];
};

const REMEMBERED = 30;

export function createChronicle(elapsed: () => number): Chronicle {
  const events: { at: number; event: string; facts: unknown[] }[] = [];
  let next = 0;
  return {
    note(event, ...facts) {
      events[next++ % REMEMBERED] = { at: elapsed(), event, facts };
    },
    assert(holds, promise, ...facts) {
      if (!holds) throw new Violation([promise, ...facts.map(inWords)].join(" "));
    },
    last: () =>
      [...events.slice(next % REMEMBERED), ...events.slice(0, next % REMEMBERED)].map(
        ({ at, event, facts }) => `${clockText(at)} ${[event, ...facts.map(inWords)].join(" ")}`,
      ),
  };
}

const inWords = (fact: unknown): string => (typeof fact === "string" ? fact : (JSON.stringify(fact) ?? String(fact)));

function clockText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, "0")}m${((ms % 60_000) / 1000).toFixed(3).padStart(6, "0")}s`;
}

/** Chance in the forms that a world needs. */
export type Dice = {
  random: Random;
  chance(share: number): boolean;
  /** A whole number in [low, high]. */
  between(low: number, high: number): number;
  /** Ms, exponentially spread around a mean. */
  spread(meanMs: number): number;
  pick<T>(list: readonly T[]): T;
};

export function createDice(random: Random): Dice {
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  return {
    random,
    between,
    chance: (share) => random() < share,
    spread: (meanMs) => Math.ceil(-Math.log(1 - random()) * meanMs),
    pick: (list) => list[between(0, list.length - 1)]!,
  };
}
