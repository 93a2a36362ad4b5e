// Sums by key and by token as they were a moment ago: adding up a month of ten thousand tokens takes half a second.
import type { LedgerStore, UsageRow } from "../../db/ledger.ts";
import { readUsageBy, type UsageGroup, type UsageNarrowing, type UsageRange } from "./usage.ts";

/** As good as now. */
const FRESH_MS = 5_000;
/** Shown once more while they are added up anew; whoever looks again sees those. */
const KEPT_MS = 10 * 60_000;
/** Answers kept, the latest used ones; of the largest pools one takes some megabytes. */
const MOST = 4;

type Sums = { at: number; rows: Promise<UsageRow[]> };

export type UsageBook = {
  /** As `readUsageBy`; sums by key and by token may be up to ten minutes old when somebody asked for them before. */
  by(group: UsageGroup, range: UsageRange, only: UsageNarrowing): Promise<UsageRow[]>;
};

export function createUsageBook({ store, now }: { store: Pick<LedgerStore, "readUsage">; now: () => number }): UsageBook {
  /** In the order of their last use. */
  const kept = new Map<string, Sums>();
  const beingRead = new Set<string>();

  function keep(name: string, sums: Sums): Sums {
    kept.delete(name);
    kept.set(name, sums);
    for (const oldest of kept.keys()) if (kept.size > MOST) kept.delete(oldest);
    return sums;
  }

  /** One reading at a time of the same sums; what fails is forgotten. */
  async function read(name: string, reading: () => Promise<UsageRow[]>): Promise<UsageRow[]> {
    beingRead.add(name);
    try {
      return await reading();
    } catch (error) {
      kept.delete(name);
      throw error;
    } finally {
      beingRead.delete(name);
    }
  }

  async function renew(name: string, reading: () => Promise<UsageRow[]>): Promise<void> {
    const rows = await read(name, reading).catch(() => null);
    if (rows) keep(name, { at: now(), rows: Promise.resolve(rows) });
  }

  return {
    async by(group, range, only) {
      const reading = () => readUsageBy(store, group, range, only);
      if (group !== "key" && group !== "token") return reading();
      const name = JSON.stringify([group, range.from, range.to, only.model ?? null]);
      const known = kept.get(name);
      const age = known ? now() - known.at : KEPT_MS;
      if (!known || age < 0 || age >= KEPT_MS) return keep(name, { at: now(), rows: read(name, reading) }).rows;
      if (age >= FRESH_MS && !beingRead.has(name)) void renew(name, reading);
      return keep(name, known).rows;
    },
  };
}
