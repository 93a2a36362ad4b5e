// SQL of failure sums: how often requests and calls failed and why, by UTC day in all, by key and by token, and by hour in all.

import type { FailureCount, FailureQuery, FailureSum, RequestRow } from "../../../domain/request.ts";
import { DAY_MS, type FailureRow, HOUR_MS, sumFailures, sumsFor } from "../../request-log/failure-sums.ts";
import type { Bound } from "../binding.ts";
import type { Reader, Sql } from "../driver.ts";

const NAME = "step, dimension, subject, start, family, outcome, reason, refused";

/** Adds what rows of a batch failed for. */
export async function addFailures(sql: Sql, rows: readonly RequestRow[]): Promise<void> {
  const sums = sumFailures(rows);
  if (sums.length === 0) return;
  const list = <T>(value: (sum: FailureRow) => T) => sums.map(value);
  await sql.run(
    `INSERT INTO failure_sums AS held (${NAME}, n)
     SELECT * FROM unnest($steps::int[], $dimensions::text[], $subjects::bigint[], $starts::bigint[], $families::text[], $outcomes::text[],
       $reasons::text[], $refused::boolean[], $ns::bigint[]) AS given (${NAME}, n) ORDER BY ${NAME}
     ON CONFLICT (${NAME}) DO UPDATE SET n = held.n + excluded.n`,
    {
      ...{ steps: list((sum) => sum.step), dimensions: list((sum) => sum.dimension), subjects: list((sum) => sum.subject) },
      ...{ starts: list((sum) => sum.start), families: list((sum) => sum.family), outcomes: list((sum) => sum.outcome) },
      ...{ reasons: list((sum) => sum.reason), refused: list((sum) => sum.refused), ns: list((sum) => sum.n) },
    },
  );
}

/** Which rows hold the sums, and what they are asked for by. */
function conditionsOf(query: FailureQuery, grouping?: { byHour?: boolean; byToken?: boolean }): { where: string; bound: Bound } {
  const { family = null, outcome = null, reason = null } = query;
  const { step, dimension, from, to } = sumsFor(query, grouping);
  const where = `step = $step AND dimension = $dimension AND start >= $from AND start < $to AND ($family::text IS NULL OR family = $family)
    AND ($outcome::text IS NULL OR outcome = $outcome) AND ($reason::text IS NULL OR reason = $reason)`;
  return { where, bound: { step, dimension, from, to, family, outcome, reason } };
}

export function readFailures(sql: Reader, query: FailureQuery): Promise<FailureSum[]> {
  const { where, bound } = conditionsOf(query);
  return sql.all(
    `SELECT outcome, reason, refused, sum(n)::bigint AS count FROM failure_sums WHERE ${where} AND subject = $subject
     GROUP BY outcome, reason, refused ORDER BY count DESC, outcome, reason`,
    { ...bound, subject: sumsFor(query).subject },
  );
}

export type CountQuery = FailureQuery & { by: "hour" | "day" | "token"; limit?: number };

export function countFailures(sql: Reader, { by, limit, ...query }: CountQuery): Promise<FailureCount[]> {
  if (by === "token") {
    const { where, bound } = conditionsOf(query, { byToken: true });
    return sql.all(
      `SELECT subject AS "group", sum(n)::bigint AS count FROM failure_sums WHERE ${where}
       GROUP BY subject ORDER BY count DESC, subject LIMIT $limit::bigint`,
      { ...bound, limit: limit ?? null },
    );
  }
  const { where, bound } = conditionsOf(query, { byHour: by === "hour" });
  return sql.all(
    `SELECT start - start % $length::bigint AS "group", sum(n)::bigint AS count FROM failure_sums WHERE ${where} AND subject = $subject
     GROUP BY 1 ORDER BY 1 LIMIT $limit::bigint`,
    { ...bound, subject: sumsFor(query).subject, length: by === "hour" ? HOUR_MS : DAY_MS, limit: limit ?? null },
  );
}

/** Deletes at most `limit` sums of before `time` (epoch ms); says how many. */
export function deleteFailuresBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM failure_sums WHERE (${NAME}) IN (
       SELECT ${NAME} FROM failure_sums
       WHERE step IN (0, 1) AND dimension IN ('all', 'key', 'token') AND start < $before LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { before: time - (time % DAY_MS), limit },
  );
}
