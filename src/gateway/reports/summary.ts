// Summary for programs: what runs now, what needs the operator, sums of today and of thirty days.

import type { Store } from "../../db/store.ts";
import type { JobState } from "../../domain/job.ts";
import type { PoolGauges } from "../pool/snapshot.ts";
import type { Need } from "./needs.ts";
import { type NeedDependencies, readNeeds } from "./read-needs.ts";
import { parseUsageRange, readUsageTotal, type UsageTotal } from "./usage.ts";

export type Summary = Omit<PoolGauges, "networkDegradedSince"> & {
  /** Jobs that have not ended: for a token, upstream, and with an end that nobody knows. */
  jobs: { waiting: number; running: number; unknown: number };
  needs: Need[];
  today: UsageTotal;
  month: UsageTotal;
};

export async function readSummary(
  deps: NeedDependencies & { store: NeedDependencies["store"] & Pick<Store, "readUsage"> },
): Promise<Summary> {
  const { pool, store, now } = deps;
  const sumOf = (span: string) => readUsageTotal(store, parseUsageRange({ span }, now()), {});
  const [needs, open, today, month] = await Promise.all([readNeeds(deps), store.countOpenJobs(), sumOf("today"), sumOf("30")]);
  const { inFlight, queued, tokens } = pool.gauges();
  return { inFlight, queued, tokens, jobs: jobsOf(open), needs, today, month };
}

const jobsOf = ({ queued = 0, submitting = 0, running = 0, storing = 0, unknown = 0 }: Partial<Record<JobState, number>>) => ({
  waiting: queued,
  running: submitting + running + storing,
  unknown,
});
