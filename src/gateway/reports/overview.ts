// Overview: what can be made now, what needs the operator, what runs, and today. Read once for all who view it.

import type { Store } from "../../db/store.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { Pool } from "../pool/pool.ts";
import type { SideCallCounts, SideCallLog, SuspectShape } from "../side-calls/log.ts";
import { type Activity, type ActivityDependencies, readActivity } from "./activity.ts";
import { type Band, bandOf } from "./band.ts";
import { type Board, boardOf, countedFamilies } from "./board.ts";
import { type Need, needsOf } from "./needs.ts";
import { type NeedDependencies, readNeedFacts } from "./read-needs.ts";
import { HOURS, readToday, type Today } from "./today.ts";
import { UsageCache, type UsageRange } from "./usage.ts";

/** What one key spent today; `limit`: what it may; null: anything. */
export type KeySpend = { id: number; name: string | null; usd: number; limit: number | null };

export type OverviewState = {
  band: Band;
  board: Board;
  needs: Need[];
  work: Activity;
  today: Today;
  keys: KeySpend[];
  sideCalls: { today: SideCallCounts; month: SideCallCounts; suspects: SuspectShape[]; rules: number };
};

export type OverviewDependencies = NeedDependencies &
  ActivityDependencies & {
    pool: NeedDependencies["pool"] & ActivityDependencies["pool"] & Pick<Pool, "readCapacity">;
    store: NeedDependencies["store"] & Pick<Store, "readUsage">;
    keys: NeedDependencies["keys"] & { get(id: number): Pick<KeyRow, "name" | "limits"> | null };
    catalogue: () => Catalogue;
    sideCalls: Pick<SideCallLog, "counts" | "suspects" | "rules">;
  };

const SHAPES_NAMED = 5;
const KEYS_NAMED = 4;
const HOUR_MS = 3_600_000;
const DAY_MS = HOURS * HOUR_MS;
const MONTH_MS = 29 * DAY_MS;
/** Sums change by themselves more slowly than what runs. */
const SUMS_FRESH_MS = 5_000;

type Sums = Pick<OverviewState, "today" | "keys">;

export class OverviewReader {
  readonly #usage: UsageCache;
  /** By the start of the day, of which readers in other time zones have another. */
  readonly #sums = new Map<number, { at: number; sums: Promise<Sums> }>();

  constructor(private readonly deps: OverviewDependencies) {
    this.#usage = new UsageCache(deps);
  }

  /** @param from start of the reader's day, epoch ms */
  async read(from: number): Promise<OverviewState> {
    const { deps } = this;
    const { pool, catalogue, sideCalls } = deps;
    const [facts, work, { today, keys }] = await Promise.all([readNeedFacts(deps), readActivity(deps), this.#sumsOf(from)]);
    const now = deps.now();
    const { providers } = facts.held;
    const capacity = await pool.readCapacity(countedFamilies(catalogue()));
    return {
      ...{ needs: needsOf(facts), work, today, keys },
      band: bandOf(capacity, providers, today, now),
      board: boardOf(
        catalogue(),
        capacity,
        providers.map(({ provider }) => provider),
      ),
      sideCalls: {
        today: sideCalls.counts(from),
        month: sideCalls.counts(from - MONTH_MS),
        suspects: sideCalls.suspects(SHAPES_NAMED),
        rules: sideCalls.rules().length,
      },
    };
  }

  #sumsOf(from: number): Promise<Sums> {
    const now = this.deps.now();
    const known = this.#sums.get(from);
    if (known && now - known.at < SUMS_FRESH_MS && now >= known.at) return known.sums;
    for (const [start, { at }] of this.#sums) if (now - at > SUMS_FRESH_MS) this.#sums.delete(start);
    const sums = this.#readSums(from, now);
    this.#sums.set(from, { at: now, sums });
    sums.catch(() => this.#sums.delete(from));
    return sums;
  }

  async #readSums(from: number, now: number): Promise<Sums> {
    const { store, catalogue } = this.deps;
    const families = catalogue().idsByKind();
    const [today, keys] = await Promise.all([readToday(store, families, { from, now }), this.#readKeys(from)]);
    return { today, keys };
  }

  async #readKeys(from: number): Promise<KeySpend[]> {
    const start = from - (from % HOUR_MS);
    const range: UsageRange = { span: "custom", from: start, to: start + DAY_MS, step: "hour" };
    const rows = await this.#usage.by("key", range, {});
    const spent = rows.filter(({ usd }) => usd > 0).sort((a, b) => b.usd - a.usd);
    return spent.slice(0, KEYS_NAMED).map(({ group, usd }) => {
      const key = this.deps.keys.get(Number(group));
      return { id: Number(group), name: key?.name ?? null, usd, limit: key?.limits.usd.day ?? null };
    });
  }
}
