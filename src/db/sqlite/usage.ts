// SQL of usage rollups: sums by hour, and by day and family, in all, per key and per token.
import type { Database } from "bun:sqlite";
import type { KeyDay, KeyDayQuery, UsageQuery, UsageRow } from "../ledger.ts";
import { BUCKETS, type Hour, type RawUsage, scopeOf, sumDays, sumShares, toUsage, type UsageShare } from "../usage-sums.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The two tables: their names, and the column with the start of an hour or a UTC day. */
const BY_HOUR = { table: "usage_hours", start: "hour", length: HOUR_MS } as const;
const BY_DAY = { table: "usage_days", start: "day", length: DAY_MS } as const;
type Rollup = typeof BY_HOUR | typeof BY_DAY;

/** Adds shares to the sums of their hour and of their day. */
export function addUsage(db: Database, shares: readonly UsageShare[]): void {
  const hours = sumShares(shares, HOUR_MS);
  addTo(db, BY_HOUR, hours);
  addTo(db, BY_DAY, sumDays(hours));
}

function addTo(db: Database, { table, start }: Rollup, sums: readonly Hour[]): void {
  const statement = db.query(
    `INSERT INTO ${table} (dimension, subject, ${start}, family, requests, errors, images, video_ms, micro_usd, input_tokens,
       output_tokens, ms_sum, ms_max, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (dimension, subject, ${start}, family) DO UPDATE SET
       requests = requests + excluded.requests, errors = errors + excluded.errors, images = images + excluded.images,
       video_ms = video_ms + excluded.video_ms, micro_usd = micro_usd + excluded.micro_usd,
       input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
       ms_sum = ms_sum + excluded.ms_sum, ms_max = max(ms_max, excluded.ms_max),
       b0 = b0 + excluded.b0, b1 = b1 + excluded.b1, b2 = b2 + excluded.b2, b3 = b3 + excluded.b3, b4 = b4 + excluded.b4,
       b5 = b5 + excluded.b5, b6 = b6 + excluded.b6, b7 = b7 + excluded.b7, b8 = b8 + excluded.b8, b9 = b9 + excluded.b9,
       b10 = b10 + excluded.b10, b11 = b11 + excluded.b11, b12 = b12 + excluded.b12`,
  );
  // In the order of the primary key: rows of one page are changed one after the other.
  for (const sum of sums.toSorted((a, b) => a.subject - b.subject)) statement.run(...valuesOf(sum));
}

/** In the order of the columns: binding by position costs half of binding by name. */
function valuesOf(sum: Hour): (string | number)[] {
  const { dimension, subject, hour, family, requests, errors, images, videoMs, microUsd, inputTokens, outputTokens, msSum, msMax } = sum;
  const counts = [requests, errors, images, videoMs, microUsd, inputTokens, outputTokens, msSum, msMax];
  return [dimension, subject, hour, family, ...counts, ...BUCKETS.map((bucket) => sum[bucket])];
}

const SUMS = `sum(requests) AS requests, sum(errors) AS errors, sum(images) AS images, sum(video_ms) AS videoMs, sum(micro_usd) AS microUsd,
  sum(input_tokens) AS inputTokens, sum(output_tokens) AS outputTokens, sum(ms_sum) AS msSum, max(ms_max) AS msMax,
  sum(b0) AS b0, sum(b1) AS b1, sum(b2) AS b2, sum(b3) AS b3, sum(b4) AS b4, sum(b5) AS b5, sum(b6) AS b6, sum(b7) AS b7,
  sum(b8) AS b8, sum(b9) AS b9, sum(b10) AS b10, sum(b11) AS b11, sum(b12) AS b12`;

/** What rows are put together by; a bare column lets the primary key do it. */
const groupedBy = (by: UsageQuery["by"], start: string): string =>
  ({ hour: start, day: `${start} - ${start} % ${DAY_MS}`, model: "family", span: "$from", key: "subject", token: "subject" })[by];

/** Groups in ascending order. */
export function readUsage(db: Database, query: UsageQuery): UsageRow[] {
  const { by, from, to, model = null, models } = query;
  const isWholeDays = from % DAY_MS === 0 && to % DAY_MS === 0;
  const { table, start } = by !== "hour" && isWholeDays ? BY_DAY : BY_HOUR;
  const { dimension, subject } = scopeOf(query);
  const { after = -1, limit = -1, ids } = by === "key" || by === "token" ? query : {};
  type Bound = Record<string, string | number | null>;
  const scope =
    subject === null ? `subject > $after ${ids ? "AND subject IN (SELECT value FROM json_each($ids))" : ""}` : "subject = $subject";
  // Some ids are read in the order of the primary key, which stops at the limit; the index by time would first find them all.
  const time = limit >= 0 || ids ? `+${start}` : start;
  const only: Bound = models ? { models: JSON.stringify(models) } : {};
  const bound: Bound = subject === null ? { after, ...(ids && { ids: JSON.stringify(ids) }) } : { subject };
  const rows = db
    .query<RawUsage, Bound>(
      `SELECT ${groupedBy(by, start)} AS grouped, ${SUMS} FROM ${table}
       WHERE dimension = $dimension AND ${scope} AND ${time} >= $from AND ${time} < $to AND ($model IS NULL OR family = $model)
         ${models ? "AND family IN (SELECT value FROM json_each($models))" : ""}
       GROUP BY grouped ORDER BY grouped LIMIT $limit`,
    )
    .all({ from, to, model, dimension, limit, ...only, ...bound });
  return rows.map(toUsage);
}

/** A day at a time by its index, each in the order of the primary key. */
export function readKeyDays(db: Database, { from, to, key, model, after, limit }: KeyDayQuery): KeyDay[] {
  const conditions = [
    "dimension = 'key' AND day >= $from AND day < $to",
    key !== undefined && "subject = $key",
    model !== undefined && "family = $model",
    after && "(day, subject, family) > ($day, $subject, $family)",
  ];
  const bound = {
    ...{ from: Math.max(from, after?.day ?? 0), to, limit },
    ...(key !== undefined && { key }),
    ...(model !== undefined && { model }),
    ...(after && { day: after.day, subject: after.keyId, family: after.family }),
  };
  return db
    .query<Omit<KeyDay, "videoSeconds" | "usd"> & { videoMs: number; microUsd: number }, Record<string, string | number>>(
      `SELECT day, subject AS keyId, family, requests, errors, images, video_ms AS videoMs, micro_usd AS microUsd,
         input_tokens AS inputTokens, output_tokens AS outputTokens
       FROM usage_days INDEXED BY usage_days_by_time
       WHERE ${conditions.filter(Boolean).join(" AND ")} ORDER BY day, subject, family LIMIT $limit`,
    )
    .all(bound)
    .map(({ videoMs, microUsd, ...row }) => ({ ...row, videoSeconds: videoMs / 1000, usd: microUsd / 1e6 }));
}

/** Deletes at most `limit` rollups of each table that are older than `time` (epoch ms); says how many. */
export function deleteHoursBefore(db: Database, time: number, limit: number): number {
  const gone = [BY_HOUR, BY_DAY].map(
    ({ table, start, length }) =>
      db
        .query(
          `DELETE FROM ${table} WHERE (dimension, subject, ${start}, family) IN (
             SELECT dimension, subject, ${start}, family FROM ${table}
             WHERE dimension IN ('all', 'key', 'token') AND ${start} < $before LIMIT $limit)`,
        )
        .run({ before: time - (time % length), limit }).changes,
  );
  return gone.reduce((sum, count) => sum + count, 0);
}
