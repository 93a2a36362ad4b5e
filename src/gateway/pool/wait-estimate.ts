// Wait estimates of a candidate set: what a waiting request is shown, and when a refused one may come again. Pure.

import type { CandidateSet } from "./candidate-set.ts";
import type { LatencyEstimate } from "./latency-estimate.ts";

const UNKNOWN_LATENCY_MS = 5_000;
const LEAST_RETRY_MS = 1_000;
const NONE: ReadonlySet<number> = new Set();

/** Ms until the request in this queue position gets a token; null: not known. @param now epoch ms */
export function estimateWaitMs(latency: LatencyEstimate, candidates: CandidateSet, position: number, now: number): number | null {
  const { kind, family } = candidates.want;
  if (candidates.busy > 0) return latency.estimate(kind, family, position, candidates.busy);
  const { soonest } = candidates.availability(NONE, now);
  return Number.isFinite(soonest) ? soonest - now : null;
}

/** Ms until the soonest slot behind `waiting` requests, or the end of a cooldown; at least a second. @param now epoch ms */
export function retryAfterMs(latency: LatencyEstimate, candidates: CandidateSet, waiting: number, now: number): number {
  const waitMs = estimateWaitMs(latency, candidates, waiting + 1, now);
  return Math.max(
    LEAST_RETRY_MS,
    waitMs ?? latency.estimate(candidates.want.kind, candidates.want.family, waiting + 1, 0) ?? UNKNOWN_LATENCY_MS,
  );
}
