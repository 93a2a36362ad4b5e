// What tests share: a clock that moves by hand, repeatable chance, folders that vanish.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock, Random } from "./clock.ts";

export type VirtualClock = Clock & {
  /** As `now` until the first {@link jump}. */
  elapsed(): number;
  /** Moves time forward, running due timers in order; promises settle between timers. */
  advance(ms: number): Promise<void>;
  /** Sets the clock on the wall on or back by `ms`: timers that run do not notice. */
  jump(ms: number): void;
  /** Epoch ms of the next timer, or null. */
  nextTimer(): number | null;
};

/** A clock that stands still until told to move. Starts at 2026-11-23T12:00:00Z. */
export function virtualClock(start = Date.UTC(2026, 10, 23, 12)): VirtualClock {
  let elapsed = start;
  let offset = 0;
  let sequence = 0;
  const timers = new Map<number, { at: number; task: () => void }>();
  const next = () => {
    let due: { id: number; at: number; task: () => void } | null = null;
    for (const [id, timer] of timers) if (!due || timer.at < due.at) due = { id, ...timer };
    return due;
  };
  return {
    now: () => elapsed + offset,
    elapsed: () => elapsed,
    after(ms, task) {
      const id = sequence++;
      timers.set(id, { at: elapsed + Math.max(0, ms), task });
      return () => void timers.delete(id);
    },
    jump(ms) {
      offset += ms;
    },
    nextTimer() {
      const due = next();
      return due && due.at + offset;
    },
    async advance(ms) {
      const end = elapsed + ms;
      await settled();
      for (let due = next(); due && due.at <= end; due = next()) {
        timers.delete(due.id);
        elapsed = Math.max(elapsed, due.at);
        due.task();
        await settled();
      }
      elapsed = end;
      await settled();
    },
  };
}

/** Lets promise chains that wait for nothing but each other run to their end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** Repeatable chance (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A new empty folder, removed when disposed. */
export function temporaryFolder(prefix = "flow2api-test-"): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), prefix));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
