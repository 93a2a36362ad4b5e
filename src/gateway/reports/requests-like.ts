// Requests that failed like one today: how many, by hour, and with which tokens.
import type { RequestLog } from "../../db/store.ts";
import { callReason, type FailureCount, failureReason, type RequestRow } from "../../domain/request.ts";

const DAY_MS = 86_400_000;
const TOKENS_NAMED = 5;

export type RequestsLike = {
  /** Start of the UTC day in which the request ended, epoch ms. */
  day: number;
  outcome: string;
  reason: string;
  family: string | null;
  count: number;
  /** Start of the hour and how many, only hours with any. */
  hours: FailureCount[];
  /** Tokens whose calls failed for the same reason that day, whatever became of the request. */
  tokens: { tokenId: number; count: number }[];
};

/** Null: it did not fail. */
export async function requestsLike(log: Pick<RequestLog, "countFailures">, row: RequestRow, now: number): Promise<RequestsLike | null> {
  if (row.outcome === "ok") return null;
  const ended = Math.min(row.at + row.ms, now);
  const day = ended - (ended % DAY_MS);
  const { outcome, family, attempts } = row;
  const reason = failureReason(row);
  const alike = { from: day, to: day + DAY_MS, ...(family === null ? {} : { family }) };
  const last = attempts.at(-1);
  const hasFailed = last !== undefined && last.outcome !== "ok";
  const [hours, tokens] = await Promise.all([
    log.countFailures({ ...alike, outcome, reason, by: "hour" }),
    hasFailed
      ? log.countFailures({
          ...alike,
          family: last.family,
          outcome: last.outcome,
          reason: callReason(last),
          by: "token",
          limit: TOKENS_NAMED,
        })
      : [],
  ]);
  const count = hours.reduce((sum, hour) => sum + hour.count, 0);
  return { day, outcome, reason, family, count, hours, tokens: tokens.map(({ group, count }) => ({ tokenId: group, count })) };
}
