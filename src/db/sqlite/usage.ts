// SQL of usage rollups: sums by hour, and by day and family, in all, per key and per token.
import type { Database } from "bun:sqlite";
import type { Amounts, KeyDay, KeyDayQuery, UsageQuery, UsageRow } from "../ledger.ts";

/** What one generation, or one upstream call of it, adds. */
export type UsageShare = Amounts & {
  dimension: "all" | "key" | "token";
  /** Id of the key or token; 0 of all. */
  subject: number;
  /** Its start, epoch ms. */
  hour: number;
  family: string;
  ok: boolean;
  ms: number;
  inputTokens: number;
  outputTokens: number;
};

const BUCKETS = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10", "b11", "b12"] as const;
type Buckets = Record<(typeof BUCKETS)[number], number>;
const FIRST_BOUND_MS = 250;

/** Upper bound of a bucket, in ms; the last has none. */
const boundOf = (bucket: number) => FIRST_BOUND_MS * 2 ** bucket;
const bucketOf = (ms: number) => Math.min(BUCKETS.length - 1, Math.max(0, Math.ceil(Math.log2(ms / FIRST_BOUND_MS))));

type Hour = Omit<UsageShare, "ok" | "ms"> & Buckets & { requests: number; errors: number; msSum: number; msMax: number };

const NO_BUCKETS = Object.fromEntries(BUCKETS.map((bucket) => [bucket, 0])) as Buckets;

const DAY_MS = 86_400_000;

/** The two tables: their names, and the column with the start of an hour or a UTC day. */
const BY_HOUR = { table: "usage_hours", start: "hour", length: 3_600_000 } as const;
const BY_DAY = { table: "usage_days", start: "day", length: DAY_MS } as const;
type Rollup = typeof BY_HOUR | typeof BY_DAY;

/** Adds shares to the sums of their hour and of their day. */
export function addUsage(db: Database, shares: readonly UsageShare[]): void {
  for (const rollup of [BY_HOUR, BY_DAY]) addTo(db, rollup, shares);
}

/** Those of one row are put together first, so that a batch costs few statements. */
function addTo(db: Database, { table, start, length }: Rollup, shares: readonly UsageShare[]): void {
  const sums = new Map<string, Hour>();
  for (const share of shares) {
    const hour = share.hour - (share.hour % length);
    const name = `${share.dimension}/${share.subject}/${hour}/${share.family}`;
    const sum = sums.get(name);
    if (sum) addShare(sum, share);
    else sums.set(name, addShare(emptyHour({ ...share, hour }), share));
  }
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
  for (const sum of [...sums.values()].sort((a, b) => a.subject - b.subject)) statement.run(...valuesOf(sum));
}

/** In the order of the columns: binding by position costs half of binding by name. */
function valuesOf(sum: Hour): (string | number)[] {
  const { dimension, subject, hour, family, requests, errors, images, videoMs, microUsd, inputTokens, outputTokens, msSum, msMax } = sum;
  const counts = [requests, errors, images, videoMs, microUsd, inputTokens, outputTokens, msSum, msMax];
  return [dimension, subject, hour, family, ...counts, ...BUCKETS.map((bucket) => sum[bucket])];
}

function emptyHour({ dimension, subject, hour, family }: UsageShare): Hour {
  const nothing = { images: 0, videoMs: 0, microUsd: 0, inputTokens: 0, outputTokens: 0, msSum: 0, msMax: 0 };
  return { dimension, subject, hour, family, requests: 0, errors: 0, ...nothing, ...NO_BUCKETS };
}

function addShare(hour: Hour, share: UsageShare): Hour {
  hour.requests += 1;
  hour.images += share.images;
  hour.videoMs += share.videoMs;
  hour.microUsd += share.microUsd;
  hour.inputTokens += share.inputTokens;
  hour.outputTokens += share.outputTokens;
  if (!share.ok) hour.errors += 1;
  else {
    const ms = Math.max(0, Math.round(share.ms));
    hour.msSum += ms;
    hour.msMax = Math.max(hour.msMax, ms);
    hour[BUCKETS[bucketOf(ms)]!] += 1;
  }
  return hour;
}

const SUMS = `sum(requests) AS requests, sum(errors) AS errors, sum(images) AS images, sum(video_ms) AS videoMs, sum(micro_usd) AS microUsd,
  sum(input_tokens) AS inputTokens, sum(output_tokens) AS outputTokens, sum(ms_sum) AS msSum, max(ms_max) AS msMax,
  sum(b0) AS b0, sum(b1) AS b1, sum(b2) AS b2, sum(b3) AS b3, sum(b4) AS b4, sum(b5) AS b5, sum(b6) AS b6, sum(b7) AS b7,
  sum(b8) AS b8, sum(b9) AS b9, sum(b10) AS b10, sum(b11) AS b11, sum(b12) AS b12`;

type Raw = Omit<Hour, "dimension" | "subject" | "hour" | "family"> & { grouped: number | string };

/** What rows are put together by; a bare column lets the primary key do it. */
const groupedBy = (by: UsageQuery["by"], start: string): string =>
  ({ hour: start, day: `${start} - ${start} % ${DAY_MS}`, model: "family", span: "$from", key: "subject", token: "subject" })[by];

/** Groups in ascending order. */
export function readUsage(db: Database, query: UsageQuery): UsageRow[] {
  const { by, from, to, model = null } = query;
  const isWholeDays = from % DAY_MS === 0 && to % DAY_MS === 0;
  const { table, start } = by !== "hour" && isWholeDays ? BY_DAY : BY_HOUR;
  const { dimension, subject } = scopeOf(query);
  const { after = -1, limit = -1, ids } = by === "key" || by === "token" ? query : {};
  type Bound = Record<string, string | number | null>;
  const scope =
    subject === null ? `subject > $after ${ids ? "AND subject IN (SELECT value FROM json_each($ids))" : ""}` : "subject = $subject";
  // Some ids are read in the order of the primary key, which stops at the limit; the index by time would first find them all.
  const time = limit >= 0 || ids ? `+${start}` : start;
  const bound: Bound = subject === null ? { after, ...(ids && { ids: JSON.stringify(ids) }) } : { subject };
  const rows = db
    .query<Raw, Bound>(
      `SELECT ${groupedBy(by, start)} AS grouped, ${SUMS} FROM ${table}
       WHERE dimension = $dimension AND ${scope} AND ${time} >= $from AND ${time} < $to AND ($model IS NULL OR family = $model)
       GROUP BY grouped ORDER BY grouped LIMIT $limit`,
    )
    .all({ from, to, model, dimension, limit, ...bound });
  return rows.map(toUsage);
}

/** Which rows hold the sums; null: those of every subject. */
function scopeOf(query: UsageQuery): { dimension: UsageShare["dimension"]; subject: number | null } {
  if (query.by === "key" || query.by === "token") return { dimension: query.by, subject: null };
  const of = "of" in query ? query.of : undefined;
  if (!of) return { dimension: "all", subject: 0 };
  return "key" in of ? { dimension: "key", subject: of.key } : { dimension: "token", subject: of.token };
}

function toUsage(raw: Raw): UsageRow {
  const { grouped, requests, errors, images, inputTokens, outputTokens } = raw;
  const succeeded = requests - errors;
  return {
    group: grouped,
    requests,
    errors,
    images,
    videoSeconds: raw.videoMs / 1000,
    usd: raw.microUsd / 1e6,
    inputTokens,
    outputTokens,
    meanMs: succeeded > 0 ? Math.round(raw.msSum / succeeded) : null,
    p50Ms: percentile(raw, succeeded, 0.5),
    p95Ms: percentile(raw, succeeded, 0.95),
    maxMs: succeeded > 0 ? raw.msMax : null,
  };
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

/** Interpolated within the bucket that holds it; never over the largest seen. */
function percentile(raw: Raw, succeeded: number, share: number): number | null {
  if (succeeded <= 0) return null;
  let left = succeeded * share;
  for (const [index, name] of BUCKETS.entries()) {
    const count = raw[name];
    if (count >= left && count > 0) {
      const low = index === 0 ? 0 : boundOf(index - 1);
      const high = index === BUCKETS.length - 1 ? raw.msMax : Math.min(boundOf(index), raw.msMax);
      return Math.round(low + (high - low) * (left / count));
    }
    left -= count;
  }
  return raw.msMax;
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
