// SQL of failure sums: how often requests and calls failed and why, by UTC day in all, by key and by token, and by hour in all.

import type { Database } from "bun:sqlite";
import {
  callReason,
  type FailureCount,
  type FailureQuery,
  type FailureSum,
  failureReason,
  type RequestRow,
} from "../../../domain/request.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** By `step`. Of keys and tokens, hours would be as many rows as failures. */
const STEPS = [HOUR_MS, DAY_MS] as const;

type Dimension = "all" | "key" | "token";
type Failure = { dimension: Dimension; subject: number; family: string; outcome: string; reason: string; refused: boolean; n: number };

/** What a row adds. Calls that failed count also where another token then served the request. */
function failuresOf(row: RequestRow): Failure[] {
  const { keyId, family, outcome, refusal, attempts } = row;
  const whole = { family: family ?? "", outcome, reason: failureReason(row), refused: refusal !== undefined, n: refusal?.times ?? 1 };
  return [
    ...(outcome === "ok" ? [] : [{ ...whole, dimension: "all" as const, subject: 0 }]),
    ...(outcome === "ok" || keyId === null ? [] : [{ ...whole, dimension: "key" as const, subject: keyId }]),
    ...attempts
      .filter((attempt) => attempt.outcome !== "ok")
      .map((attempt) => {
        const { tokenId, family, outcome } = attempt;
        return { dimension: "token" as const, subject: tokenId, family, outcome, reason: callReason(attempt), refused: false, n: 1 };
      }),
  ];
}

/** Adds what rows of a batch failed for; those alike are put together first. */
export function addFailures(db: Database, rows: readonly RequestRow[]): void {
  const sums = new Map<string, [...(string | number)[], number]>();
  for (const row of rows) {
    const ended = Math.round(row.at) + Math.round(row.ms);
    for (const { dimension, subject, family, outcome, reason, refused, n } of failuresOf(row)) {
      for (const [step, length] of STEPS.entries()) {
        if (step === 0 && dimension !== "all") continue;
        const name = [step, dimension, subject, ended - (ended % length), family, outcome, reason, Number(refused)];
        const sum = sums.get(name.join("\0"));
        if (sum) sum[sum.length - 1] = (sum.at(-1) as number) + n;
        else sums.set(name.join("\0"), [...name, n]);
      }
    }
  }
  if (sums.size === 0) return;
  const statement = db.query(
    `INSERT INTO failure_sums (step, dimension, subject, start, family, outcome, reason, refused, n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (step, dimension, subject, start, family, outcome, reason, refused) DO UPDATE SET n = n + excluded.n`,
  );
  for (const sum of sums.values()) statement.run(...sum);
}

type Bound = Record<string, string | number | null>;

/** Which rows hold the sums, and what they are asked for by. */
function conditionsOf(
  { from, to, of, family, outcome, reason }: FailureQuery,
  { byHour = false, byToken = false } = {},
): { where: string; bound: Bound } {
  const isWholeDays = from % DAY_MS === 0 && to % DAY_MS === 0;
  const dimension: Dimension = byToken ? "token" : of === undefined ? "all" : "key" in of ? "key" : "token";
  const step = dimension === "all" && (byHour || !isWholeDays) ? 0 : 1;
  const where = [
    "step = $step AND dimension = $dimension AND start >= $from AND start < $to",
    family !== undefined && "family = $family",
    outcome !== undefined && "outcome = $outcome",
    reason !== undefined && "reason = $reason",
  ];
  const bound = { step, dimension, from: from - (from % STEPS[step]), to, family, outcome, reason };
  const given = Object.entries(bound).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return { where: where.filter(Boolean).join(" AND "), bound: Object.fromEntries(given) };
}

const subjectOf = ({ of }: FailureQuery) => (of === undefined ? 0 : "key" in of ? of.key : of.token);

export function readFailures(db: Database, query: FailureQuery): FailureSum[] {
  const { where, bound } = conditionsOf(query);
  return db
    .query<Omit<FailureSum, "refused"> & { refused: number }, Bound>(
      `SELECT outcome, reason, refused, sum(n) AS count FROM failure_sums WHERE ${where} AND subject = $subject
       GROUP BY outcome, reason, refused ORDER BY count DESC, outcome, reason`,
    )
    .all({ ...bound, subject: subjectOf(query) })
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
    .all({ ...bound, subject: subjectOf(query), length: by === "hour" ? HOUR_MS : DAY_MS, limit });
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
