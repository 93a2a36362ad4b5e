// SQL of the ledger: reservations, and usage of keys by period; a batch is a few statements.
import type { Amounts, Begun, LedgerState, NewReservation, Reservation, ReservationEnd, UploadSum } from "../ledger.ts";
import { bucketOf, type UsageShare } from "../usage-sums.ts";
import type { Reader, Sql } from "./driver.ts";
import { addUsage, putTokenCalls, type TokenCall } from "./usage.ts";

const ESTIMATE = `images, video_ms AS "videoMs", micro_usd AS "microUsd"`;

export type RawReservation = Omit<Reservation, "estimate" | "forJob" | "node"> & Amounts & { forJob: boolean; node: number | null };

export const RESERVATION_COLUMNS = `id, key_id AS "keyId", request_id AS "requestId", kind, family, at, for_job AS "forJob", node, ${ESTIMATE}`;

export const toReservation = ({ images, videoMs, microUsd, forJob, node, ...row }: RawReservation): Reservation => ({
  ...row,
  ...(forJob ? { forJob } : {}),
  ...(node ? { node } : {}),
  estimate: { images, videoMs, microUsd },
});

/** Inserts reservations, in order. */
export async function begin(sql: Sql, batch: readonly NewReservation[]): Promise<Begun[]> {
  return sql.all<{ id: number }>(
    `INSERT INTO reservations (key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, state)
     SELECT key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, 'reserved'
     FROM unnest($keyIds::bigint[], $requestIds::text[], $kinds::text[], $families::text[], $ats::bigint[], $images::bigint[],
         $videoMs::bigint[], $microUsd::bigint[], $forJobs::boolean[], $nodes::bigint[])
       WITH ORDINALITY AS given (key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, position)
     ORDER BY position RETURNING id`,
    {
      keyIds: batch.map(({ keyId }) => keyId),
      requestIds: batch.map(({ requestId }) => requestId),
      kinds: batch.map(({ kind }) => kind),
      families: batch.map(({ family }) => family),
      ats: batch.map(({ at }) => at),
      forJobs: batch.map(({ forJob = false }) => forJob),
      nodes: batch.map(({ node = 0 }) => node),
      ...amountLists(batch.map(({ estimate }) => estimate)),
    },
  );
}

const amountLists = (amounts: readonly Amounts[]) => ({
  images: amounts.map(({ images }) => images),
  videoMs: amounts.map(({ videoMs }) => videoMs),
  microUsd: amounts.map(({ microUsd }) => microUsd),
});

type Closed = { end: ReservationEnd; keyId: number; family: string };

/** Ends those that are open and adds them to sums and rollups; the number of them. */
export async function end(sql: Sql, batch: readonly ReservationEnd[]): Promise<number> {
  const closed = await closeReservations(sql, batch);
  if (closed.length === 0) return 0;
  await putTokenCalls(sql, closed.flatMap(callsOf));
  await addKeyUsage(sql, closed);
  await addUsage(sql, closed.flatMap(sharesOf));
  return closed.length;
}

/** Compare and set: those that are open. Of several ends of one reservation the first counts. */
async function closeReservations(sql: Sql, batch: readonly ReservationEnd[]): Promise<Closed[]> {
  const first = new Map<number, ReservationEnd>();
  for (const end of batch) if (!first.has(end.id)) first.set(end.id, end);
  const ends = [...first.values()];
  const rows = await sql.all<{ id: number; keyId: number; family: string }>(
    `UPDATE reservations SET state = given.state, ended_at = given.ended_at, actual_images = given.images, actual_video_ms = given.video_ms,
       actual_micro_usd = given.micro_usd
     FROM unnest($ids::bigint[], $states::text[], $endedAts::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
       AS given (id, state, ended_at, images, video_ms, micro_usd)
     WHERE reservations.id = given.id AND reservations.state = 'reserved'
     RETURNING reservations.id, reservations.key_id AS "keyId", reservations.family`,
    {
      ids: ends.map(({ id }) => id),
      states: ends.map(({ state }) => state),
      endedAts: ends.map(({ endedAt }) => endedAt),
      ...amountLists(ends.map(({ actual }) => actual)),
    },
  );
  return rows.map(({ id, keyId, family }) => ({ end: first.get(id)!, keyId, family }));
}

async function addKeyUsage(sql: Sql, closed: readonly Closed[]): Promise<void> {
  const sums = new Map<string, { period: string; keyId: number } & Amounts>();
  for (const { end, keyId } of closed) {
    if (end.state === "released") continue;
    for (const period of end.periods) {
      const sum = sums.get(`${keyId}/${period}`);
      if (!sum) sums.set(`${keyId}/${period}`, { period, keyId, ...end.actual });
      else addTo(sum, end.actual);
    }
  }
  if (sums.size === 0) return;
  // In one order on every node: rows that several write at once are waited for, and never crosswise.
  const rows = [...sums.values()].sort((a, b) => a.keyId - b.keyId || (a.period < b.period ? -1 : 1));
  await sql.run(
    `INSERT INTO key_usage AS held (period, key_id, images, video_ms, micro_usd)
     SELECT * FROM unnest($periods::text[], $keyIds::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
     ON CONFLICT (period, key_id) DO UPDATE SET images = held.images + excluded.images, video_ms = held.video_ms + excluded.video_ms,
       micro_usd = held.micro_usd + excluded.micro_usd`,
    { periods: rows.map(({ period }) => period), keyIds: rows.map(({ keyId }) => keyId), ...amountLists(rows) },
  );
}

function addTo(sum: Amounts, more: Amounts): void {
  sum.images += more.images;
  sum.videoMs += more.videoMs;
  sum.microUsd += more.microUsd;
}

/** What one end adds to the rollups: to all and to its key. */
function sharesOf({ end, keyId, family }: Closed): UsageShare[] {
  const { hour, ok, ms, inputTokens, outputTokens } = end;
  const whole = { hour, family, ok, ms, inputTokens, outputTokens, ...end.actual };
  return [
    { dimension: "all", subject: 0, ...whole },
    { dimension: "key", subject: keyId, ...whole },
  ];
}

const callsOf = ({ end: { hour, endedAt, calls }, family }: Closed): TokenCall[] =>
  calls.map(({ tokenId, ok, ms, amounts }) => {
    const rounded = Math.max(0, Math.round(ms));
    return { subject: tokenId, hour, family, ok, ms: rounded, bucket: bucketOf(rounded), at: endedAt, ...amounts };
  });

/** What limits are rebuilt from: open reservations, sums of these periods, admissions since `since` (epoch ms). */
export async function readLedger(sql: Reader, periods: readonly string[], since: number): Promise<LedgerState> {
  const [open, spent, recent] = await Promise.all([
    sql.all<RawReservation>(`SELECT ${RESERVATION_COLUMNS} FROM reservations WHERE state = 'reserved' ORDER BY id`),
    sql.all<{ keyId: number; period: string } & Amounts>(
      `SELECT key_id AS "keyId", period, ${ESTIMATE} FROM key_usage WHERE period = ANY ($periods::text[]) ORDER BY period, key_id`,
      { periods },
    ),
    sql.all<{ keyId: number; at: number }>(`SELECT key_id AS "keyId", at FROM reservations WHERE at > $since ORDER BY at, id`, { since }),
  ]);
  return {
    open: open.map(toReservation),
    spent: spent.map(({ keyId, period, ...amounts }) => ({ keyId, period, amounts })),
    recent,
  };
}

/** Adds uploaded bytes to the sums of their keys. */
export async function addUploads(sql: Sql, rows: readonly UploadSum[]): Promise<void> {
  await sql.run(
    `INSERT INTO key_usage AS held (period, key_id, upload_bytes)
     SELECT period, key_id, sum(bytes)::bigint FROM unnest($periods::text[], $keyIds::bigint[], $bytes::bigint[]) AS given (period, key_id, bytes)
     GROUP BY period, key_id ORDER BY key_id, period
     ON CONFLICT (period, key_id) DO UPDATE SET upload_bytes = held.upload_bytes + excluded.upload_bytes`,
    { periods: rows.map(({ period }) => period), keyIds: rows.map(({ keyId }) => keyId), bytes: rows.map(({ bytes }) => bytes) },
  );
}

/** Uploaded bytes of every key that has any in this period. */
export function readUploads(sql: Reader, period: string): Promise<Omit<UploadSum, "period">[]> {
  return sql.all(`SELECT key_id AS "keyId", upload_bytes AS bytes FROM key_usage WHERE period = $period AND upload_bytes > 0`, { period });
}

/** Deletes at most `limit` ended reservations admitted before `time` (epoch ms), oldest first; says how many. */
export function deleteReservationsBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM reservations WHERE id IN (
       SELECT id FROM reservations WHERE at < $time AND state <> 'reserved' ORDER BY at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { time, limit },
  );
}
