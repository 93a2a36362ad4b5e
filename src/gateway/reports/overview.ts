// Overview: current activity, usage sums, and alerts. Cost independent of the amount of data.

import type { UsageRow } from "../../db/ledger.ts";
import type { Store } from "../../db/store.ts";
import type { JobState } from "../../domain/job.ts";
import type { PoolGauges } from "../pool/snapshot.ts";
import type { SideCallCounts, SideCallLog, SuspectShape } from "../side-calls/log.ts";
import type { Need } from "./needs.ts";
import { type NeedDependencies, readNeeds } from "./read-needs.ts";
import { parseUsageRange, readUsageAlong, readUsageTotal, type UsageRange, type UsageTotal } from "./usage.ts";

export type OverviewNow = Omit<PoolGauges, "networkDegradedSince"> & {
  /** Jobs that have not ended: for a token, upstream, and with an end that nobody knows. */
  jobs: { waiting: number; running: number; unknown: number };
};

/** What is sent again as it changes. */
export type OverviewState = {
  now: OverviewNow;
  needs: Need[];
  today: UsageTotal;
  month: UsageTotal;
  sideCalls: { today: SideCallCounts; month: SideCallCounts; suspects: SuspectShape[]; rules: number };
};

/** What is drawn: the hours of the last day, and the last thirty days. */
export type OverviewPlots = Record<"day" | "month", { range: UsageRange; rows: UsageRow[] }>;

export type OverviewDependencies = Omit<NeedDependencies, "store"> & {
  store: NeedDependencies["store"] & Pick<Store, "readUsage">;
  sideCalls: Pick<SideCallLog, "counts" | "suspects" | "rules">;
};

const SHAPES_NAMED = 5;
const HOUR_MS = 3_600_000;

export async function readOverview(deps: OverviewDependencies): Promise<OverviewState> {
  const { pool, store, now } = deps;
  const [today, month] = [parseUsageRange({ span: "today" }, now()), parseUsageRange({ span: "30" }, now())];
  const [open, sumsToday, sumsMonth] = await Promise.all([
    store.countOpenJobs(),
    readUsageTotal(store, today, {}),
    readUsageTotal(store, month, {}),
  ]);
  const gauges = pool.gauges();
  const { inFlight, queued, tokens } = gauges;
  return {
    now: { inFlight, queued, tokens, jobs: jobsOf(open) },
    needs: await readNeeds(deps),
    today: sumsToday,
    month: sumsMonth,
    sideCalls: sideCallsOf(deps, today.from, month.from),
  };
}

const sideCallsOf = ({ sideCalls }: OverviewDependencies, today: number, month: number): OverviewState["sideCalls"] => ({
  today: sideCalls.counts(today),
  month: sideCalls.counts(month),
  suspects: sideCalls.suspects(SHAPES_NAMED),
  rules: sideCalls.rules().length,
});

/** The last 24 hours, the running one included, and the last 30 UTC days. */
export async function readOverviewPlots({ store, now }: Pick<OverviewDependencies, "store" | "now">): Promise<OverviewPlots> {
  const thisHour = now() - (now() % HOUR_MS);
  const day: UsageRange = { span: "custom", from: thisHour - 23 * HOUR_MS, to: thisHour + HOUR_MS, step: "hour" };
  const month = parseUsageRange({ span: "30" }, now());
  const [hours, days] = await Promise.all([readUsageAlong(store, day, {}), readUsageAlong(store, month, {})]);
  return { day: { range: day, rows: hours }, month: { range: month, rows: days } };
}

const jobsOf = ({ queued = 0, submitting = 0, running = 0, storing = 0, unknown = 0 }: Partial<Record<JobState, number>>) => ({
  waiting: queued,
  running: submitting + running + storing,
  unknown,
});
