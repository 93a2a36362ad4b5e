// SQL of usage rollups: sums by hour, and by day and family, in all, per key and per token.
import type { Amounts, KeyDay, KeyDayQuery, UsageQuery, UsageRow } from "../ledger.ts";
import { BUCKETS, type Hour, type RawUsage, scopeOf, sumShares, toUsage, type UsageShare } from "../usage-sums.ts";
import type { Bound } from "./binding.ts";
import { type Bundle, jsonOf, rowsIn } from "./bundle.ts";
import type { Reader, Sql } from "./driver.ts";
import { addBeats } from "./token-beats.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** The two tables, and the length of what a row sums up. */
const BY_HOUR = { table: "usage_hours", length: HOUR_MS } as const;
const BY_DAY = { table: "usage_days", length: DAY_MS } as const;

const COUNTS = [
  ["requests", "requests"],
  ["errors", "errors"],
  ["images", "images"],
  ["videoMs", "video_ms"],
  ["microUsd", "micro_usd"],
  ["inputTokens", "input_tokens"],
  ["outputTokens", "output_tokens"],
  ["msSum", "ms_sum"],
  ...BUCKETS.map((bucket) => [bucket, bucket] as const),
] as const;

const COLUMNS = COUNTS.map(([, column]) => column).join(", ");
const SUMMED = COUNTS.map(([, column]) => `${column} = held.${column} + excluded.${column}`).join(", ");
const MERGED = `ON CONFLICT (dimension, subject, start, family) DO UPDATE SET ${SUMMED}, ms_max = greatest(held.ms_max, excluded.ms_max)`;

const NAME = "dimension, subject, start, family";
const GIVEN = COUNTS.map(([name]) => `"${name}"`);
const DAY_SUMS = GIVEN.map((name) => `sum(${name})::bigint`).join(", ");
const SUMS_GIVEN = rowsIn(
  "sums",
  `dimension text, subject bigint, hour bigint, family text, "msMax" bigint, ${GIVEN.map((name) => `${name} bigint`).join(", ")}`,
);

/** Adds shares to the sums of their hour and of their day. */
export function addUsage(bundle: Bundle, shares: readonly UsageShare[]): void {
  if (shares.length === 0) return;
  // In one order on every node: rows that several write at once are waited for, and never crosswise.
  const bound = { sums: jsonOf(sumShares(shares, HOUR_MS).sort(byRow)) };
  bundle.send({
    name: "hour_sums",
    text: `INSERT INTO ${BY_HOUR.table} AS held (${NAME}, ms_max, ${COLUMNS})
       SELECT dimension, subject, hour, family, "msMax", ${GIVEN.join(", ")} FROM ${SUMS_GIVEN} ${MERGED} RETURNING 1`,
    bound,
  });
  bundle.send({
    name: "day_sums",
    text: `INSERT INTO ${BY_DAY.table} AS held (${NAME}, ms_max, ${COLUMNS})
       SELECT dimension, subject, hour - hour % ${DAY_MS}::bigint, family, max("msMax"), ${DAY_SUMS} FROM ${SUMS_GIVEN}
       GROUP BY 1, 2, 3, 4 ORDER BY dimension COLLATE "C", 2, 3, family COLLATE "C" ${MERGED} RETURNING 1`,
    bound,
  });
}

const byRow = (a: Hour, b: Hour) =>
  compare(a.dimension, b.dimension) || a.subject - b.subject || a.hour - b.hour || compare(a.family, b.family);
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** An upstream call; `bucket` is that of its duration, `at` when it ended, epoch ms. */
export type TokenCall = Omit<UsageShare, "dimension" | "inputTokens" | "outputTokens"> & { bucket: number; at: number };

/** Stores calls; they are added to the rollups later, many at once. */
export function putTokenCalls(bundle: Bundle, calls: readonly TokenCall[]): void {
  if (calls.length === 0) return;
  bundle.send({
    name: "new_calls",
    text: `INSERT INTO token_calls (subject, hour, family, ok, ms, bucket, images, video_ms, micro_usd, ended_at)
       SELECT subject, hour, family, ok, ms, bucket, images, "videoMs", "microUsd", at
       FROM ${rowsIn(
         "calls",
         `subject bigint, hour bigint, family text, ok boolean, ms bigint, bucket int, images bigint, "videoMs" bigint, "microUsd" bigint,
          at bigint`,
       )}
       RETURNING 1`,
    bound: { calls: jsonOf(calls) },
  });
}

const CALL_BUCKETS = BUCKETS.map((_, index) => `count(*) FILTER (WHERE ok AND bucket = ${index})`).join(", ");

/** Adds all stored calls to the rollups; those who read sums by token ask for it before. */
export async function sumTokenCalls(sql: Sql): Promise<void> {
  // Another node that sums at the same time has what is locked; this one waits for it, so that nothing is missing afterwards.
  await sql.run("LOCK TABLE token_calls IN SHARE ROW EXCLUSIVE MODE");
  const last = await sql.get<{ seq: number | null }>("SELECT max(seq) AS seq FROM token_calls");
  if (last?.seq === null || last?.seq === undefined) return;
  for (const { table, length } of [BY_HOUR, BY_DAY])
    await sql.run(
      `INSERT INTO ${table} AS held (dimension, subject, start, family, ms_max, ${COLUMNS})
       SELECT 'token', subject, hour - hour % $length::bigint, family, coalesce(max(ms) FILTER (WHERE ok), 0),
         count(*), count(*) FILTER (WHERE NOT ok), sum(images), sum(video_ms), sum(micro_usd), 0, 0,
         coalesce(sum(ms) FILTER (WHERE ok), 0), ${CALL_BUCKETS}
       FROM token_calls WHERE seq <= $last GROUP BY 2, 3, 4 ORDER BY 2, 3, 4
       ${MERGED}`,
      { length, last: last.seq },
    );
  await addBeats(sql, last.seq);
  await sql.run("DELETE FROM token_calls WHERE seq <= $last", { last: last.seq });
}

export async function hasTokenCalls(sql: Reader): Promise<boolean> {
  return (await sql.get("SELECT 1 AS found FROM token_calls LIMIT 1")) !== null;
}

const SUMS = [...COUNTS.map(([name, column]) => `sum(${column})::bigint AS "${name}"`), `max(ms_max) AS "msMax"`].join(", ");

/** What rows are put together by. */
const groupedBy = (by: UsageQuery["by"]): string =>
  ({ hour: "start", day: `start - start % ${DAY_MS}`, model: "family", span: "$from::bigint", key: "subject", token: "subject" })[by];

/** Groups in ascending order. */
export async function readUsage(sql: Reader, query: UsageQuery): Promise<UsageRow[]> {
  const { by, from, to, model = null, models = null } = query;
  const isWholeDays = from % DAY_MS === 0 && to % DAY_MS === 0;
  const { table } = by !== "hour" && isWholeDays ? BY_DAY : BY_HOUR;
  const { dimension, subject } = scopeOf(query);
  const { after = -1, limit = null, ids = null } = by === "key" || by === "token" ? query : {};
  const scope = subject === null ? "subject > $after AND ($ids::bigint[] IS NULL OR subject = ANY ($ids))" : "subject = $subject";
  const bound: Bound = subject === null ? { after, ids } : { subject };
  const rows = await sql.all<RawUsage>(
    `SELECT ${groupedBy(by)} AS grouped, ${SUMS} FROM ${table}
     WHERE dimension = $dimension AND ${scope} AND start >= $from AND start < $to AND ($model::text IS NULL OR family = $model)
       AND ($models::text[] IS NULL OR family = ANY ($models))
     GROUP BY grouped ORDER BY grouped LIMIT $limit::bigint`,
    { from, to, model, models: models && [...models], dimension, limit, ...bound },
  );
  return rows.map(toUsage);
}

/** By day, key and family. */
export async function readKeyDays(sql: Reader, { from, to, key, model, after, limit }: KeyDayQuery): Promise<KeyDay[]> {
  const conditions = [
    "dimension = 'key' AND start >= $from AND start < $to",
    key !== undefined && "subject = $key",
    model !== undefined && "family = $model",
    after && "(start, subject, family) > ($day, $subject, $family)",
  ];
  const bound: Bound = {
    ...{ from: Math.max(from, after?.day ?? 0), to, limit },
    ...(key !== undefined && { key }),
    ...(model !== undefined && { model }),
    ...(after && { day: after.day, subject: after.keyId, family: after.family }),
  };
  const rows = await sql.all<Omit<KeyDay, "videoSeconds" | "usd"> & Pick<Amounts, "videoMs" | "microUsd">>(
    `SELECT start AS day, subject AS "keyId", family, requests, errors, images, video_ms AS "videoMs", micro_usd AS "microUsd",
       input_tokens AS "inputTokens", output_tokens AS "outputTokens"
     FROM usage_days WHERE ${conditions.filter(Boolean).join(" AND ")} ORDER BY start, subject, family LIMIT $limit`,
    bound,
  );
  return rows.map(({ videoMs, microUsd, ...row }) => ({ ...row, videoSeconds: videoMs / 1000, usd: microUsd / 1e6 }));
}

/** Deletes at most `limit` rollups of each table that are older than `time` (epoch ms); says how many. */
export async function deleteHoursBefore(sql: Sql, time: number, limit: number): Promise<number> {
  let gone = 0;
  for (const { table, length } of [BY_HOUR, BY_DAY])
    gone += await sql.run(
      `DELETE FROM ${table} WHERE (dimension, subject, start, family) IN (
         SELECT dimension, subject, start, family FROM ${table}
         WHERE dimension IN ('all', 'key', 'token') AND start < $before LIMIT $limit FOR UPDATE SKIP LOCKED)`,
      { before: time - (time % length), limit },
    );
  return gone;
}
