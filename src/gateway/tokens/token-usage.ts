// Token usage from the rollups: today and total for a page of rows, by day for a plot.
import type { LedgerStore, UsageRow } from "../../db/ledger.ts";

/** Upstream calls of one token. */
export type TokenSums = { requests: number; errors: number; images: number; videoSeconds: number; usd: number };
export type TokenUsage = { today: TokenSums; total: TokenSums };

const DAY_MS = 86_400_000;
/** Sorting ten thousand tokens by today's calls asks for all of them; that may be this old. */
const KEEP_MS = 5_000;
export const NO_SUMS: TokenSums = { requests: 0, errors: 0, images: 0, videoSeconds: 0, usd: 0 };

type Dependencies = { store: Pick<LedgerStore, "readUsage">; now: () => number };

export type TokenUsages = {
  /** Calls of the running UTC day by token id; tokens without any are left out. */
  today(): Promise<ReadonlyMap<number, number>>;
  of(ids: readonly number[]): Promise<ReadonlyMap<number, TokenUsage>>;
  /** Sums of UTC days from `from` on, epoch ms; days without any are left out. */
  byDay(id: number, from: number): Promise<UsageRow[]>;
};

export function createTokenUsages({ store, now }: Dependencies): TokenUsages {
  let cached: { at: number; sums: Promise<ReadonlyMap<number, number>> } | null = null;

  const startOfDay = () => now() - (now() % DAY_MS);
  // Whole days: then the rollups by day answer, of which there are far fewer.
  const endOfDay = () => startOfDay() + DAY_MS;
  const daysOf = (id: number, from: number): Promise<UsageRow[]> => store.readUsage({ from, to: endOfDay(), by: "day", of: { token: id } });

  async function readToday(): Promise<ReadonlyMap<number, number>> {
    const rows = await store.readUsage({ from: startOfDay(), to: endOfDay(), by: "token" });
    return new Map(rows.map(({ group, requests }) => [Number(group), requests]));
  }

  return {
    today() {
      if (!cached || now() - cached.at >= KEEP_MS) cached = { at: now(), sums: readToday() };
      return cached.sums;
    },
    async of(ids) {
      const sumsSince = async (from: number) => {
        const rows = await store.readUsage({ from, to: endOfDay(), by: "token", ids });
        return new Map(rows.map((row) => [Number(row.group), sumsOf(row)]));
      };
      const [total, today] = await Promise.all([sumsSince(0), sumsSince(startOfDay())]);
      return new Map(ids.map((id) => [id, { today: today.get(id) ?? NO_SUMS, total: total.get(id) ?? NO_SUMS }]));
    },
    byDay: daysOf,
  };
}

const sumsOf = ({ requests, errors, images, videoSeconds, usd }: UsageRow): TokenSums => ({ requests, errors, images, videoSeconds, usd });
