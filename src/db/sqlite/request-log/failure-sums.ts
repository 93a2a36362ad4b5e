// SQL of failure sums: how often requests and calls failed and why, by UTC day in all, by key and by token, and by hour in all.

import type { Database } from "bun:sqlite";
import type { FailureCount, FailureQuery, FailureSum, RequestRow } from "../../../domain/request.ts";
import { DAY_MS, HOUR_MS, sumFailures, sumsFor } from "../../request-log/failure-sums.ts";

/** Adds what rows of a batch failed for. */
export function addFailures(db: Database, rows: readonly RequestRow[]): void {
  const statement = db.query(
    `INSERT INTO failure_sums (step, dimension, subject, start, family, outcome, reason, refused, n)
     VALUES ($step, $dimension, $subject, $start, $family, $outcome, $reason, $refused, $n)
     ON CONFLICT (step, dimension, subject, start, family, outcome, reason, refused) DO UPDATE SET n = n + excluded.n`,
  );
  for (const sum of sumFailures(rows)) statement.run(sum);
}

type Bound = Record<string, string | number | null>;

/** Which rows hold the sums, and what they are asked for by. */
function conditionsOf(query: FailureQuery, grouping?: { byHour?: boolean; byToken?: boolean }): { where: string; bound: Bound } {
  const { family, outcome, reason } = query;
  const { step, dimension, from, to } = sumsFor(query, grouping);
  const where = [
    "step = $step AND dimension = $dimension AND start >= $from AND start < $to",
    family !== undefined && "family = $family",
    outcome !== undefined && "outcome = $outcome",
    reason !== undefined && "reason = $reason",
  ];
  const bound = { step, dimension, from, to, family, outcome, reason };
  const given = Object.entries(bound).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return { where: where.filter(Boolean).join(" AND "), bound: Object.fromEntries(given) };
}

export function readFailures(db: Database, query: FailureQuery): FailureSum[] {
  const { where, bound } = conditionsOf(query);
  return db
    .query<Omit<FailureSum, "refused"> & { refused: number }, Bound>(
      `SELECT outcome, reason, refused, sum(n) AS count FROM failure_sums WHERE ${where} AND subject = $subject
       GROUP BY outcome, reason, refused ORDER BY count DESC, outcome, reason`,
    )
    .all({ ...bound, subject: sumsFor(query).subject })
    .map((row) => ({ ...row, refused: row.refused === 1 }));
}

export function countFailures(
  db: Database,
  { by, limit = -1, ...query }: FailureQuery & { by: "hour" | "day" | "token"; limit?: number },
): FailureCount[] {
  if (by === "token") {
    const { where, bound } = conditionsOf(query, { byToken: true });
    return db
      .query<FailureCount, Bound>(
        `SELECT subject AS "group", sum(n) AS count FROM failure_sums INDEXED BY failure_sums_by_time WHERE ${where}
         GROUP BY subject ORDER BY count DESC, subject LIMIT $limit`,
      )
      .all({ ...bound, limit });
  }
  const { where, bound } = conditionsOf(query, { byHour: by === "hour" });
  return db
    .query<FailureCount, Bound>(
      `SELECT start - start % $length AS "group", sum(n) AS count FROM failure_sums WHERE ${where} AND subject = $subject
       GROUP BY "group" ORDER BY "group" LIMIT $limit`,
    )
    .all({ ...bound, subject: sumsFor(query).subject, length: by === "hour" ? HOUR_MS : DAY_MS, limit });
}

/** Deletes at most `limit` sums of before `time` (epoch ms); says how many. */
export function deleteFailuresBefore(db: Database, time: number, limit: number): number {
  return db
    .query(
      `DELETE FROM failure_sums WHERE (step, dimension, subject, start, family, outcome, reason, refused) IN (
         SELECT step, dimension, subject, start, family, outcome, reason, refused FROM failure_sums
         WHERE step IN (0, 1) AND dimension IN ('all', 'key', 'token') AND start < $before LIMIT $limit)`,
    )
    .run({ before: time - (time % DAY_MS), limit }).changes;
}
