// SQL of the ledger: reservations, and usage of keys by period; a batch is a few statements.
import type { Amounts, Begun, LedgerState, NewReservation, Reservation, ReservationEnd, UploadSum } from "../ledger.ts";
import { bucketOf, type UsageShare } from "../usage-sums.ts";
import type { Reader, Sql } from "./driver.ts";
import { lockAlive } from "./fencing.ts";
import type { Admission } from "./shared/admission.ts";
import { loadAdmission, releaseReserved, writeAdmission } from "./shared/key-states.ts";
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

/** Admits what fits the limits of keys, one after the other, and inserts it. */
export async function begin(sql: Sql, batch: readonly NewReservation[]): Promise<Begun[]> {
  const [alive, admission] = await Promise.all([
    lockAlive(
      sql,
      batch.map(({ node = 0 }) => node),
    ),
    loadAdmission(
      sql,
      batch.filter(({ shared }) => shared),
    ),
  ]);
  const begun = batch.map((row) => (alive.has(row.node ?? 0) ? admit(row, admission) : { refused: "node" as const }));
  const admitted = begun.flatMap((one) => ("refused" in one ? [] : [one]));
  const inserted = insertReservations(sql, admitted);
  writeAdmission(sql, admission);
  await inserted;
  return begun.map((one) => ("refused" in one ? one : { id: one.id }));
}

type Admitted = { row: NewReservation; id: number };
type Refused = Exclude<Begun, { id: number }>;

function admit(row: NewReservation, admission: Admission): Admitted | Refused {
  const by = admission.refusal(row);
  if (by) return { refused: "limit", by };
  admission.admit(row);
  return { row, id: 0 };
}

/** In order; gives each its id. */
async function insertReservations(sql: Sql, admitted: readonly Admitted[]): Promise<void> {
  if (admitted.length === 0) return;
  const list = <T>(value: (row: NewReservation) => T) => admitted.map(({ row }) => value(row));
  const rows = await sql.all<{ id: number }>(
    `INSERT INTO reservations (key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, periods, holds_concurrency, state)
     SELECT key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, periods, periods IS NOT NULL, 'reserved'
     FROM unnest($keyIds::bigint[], $requestIds::text[], $kinds::text[], $families::text[], $ats::bigint[], $images::bigint[],
         $videoMs::bigint[], $microUsd::bigint[], $forJobs::boolean[], $nodes::bigint[], $periods::text[])
       WITH ORDINALITY
       AS given (key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, periods, position)
     ORDER BY position RETURNING id`,
    {
      ...{ keyIds: list((row) => row.keyId), requestIds: list((row) => row.requestId), kinds: list((row) => row.kind) },
      ...{ families: list((row) => row.family), ats: list((row) => row.at), forJobs: list(({ forJob = false }) => forJob) },
      nodes: list(({ node = 0 }) => node),
      periods: list(({ shared }) => (shared ? JSON.stringify(shared.periods) : null)),
      ...amountLists(list((row) => row.estimate)),
    },
  );
  for (const [index, { id }] of rows.entries()) admitted[index]!.id = id;
}

const amountLists = (amounts: readonly Amounts[]) => ({
  images: amounts.map(({ images }) => images),
  videoMs: amounts.map(({ videoMs }) => videoMs),
  microUsd: amounts.map(({ microUsd }) => microUsd),
});

type Row = { id: number; keyId: number; family: string; periods: string | null; holdsConcurrency: boolean } & Amounts;
type Closed = { end: ReservationEnd; keyId: number; family: string; row: Row };

/** Ends those that are open and adds them to sums and rollups; the number of them. */
export async function end(sql: Sql, batch: readonly ReservationEnd[]): Promise<number> {
  const closed = await closeReservations(sql, batch);
  if (closed.length === 0) return 0;
  releaseReserved(
    sql,
    closed.map(({ row }) => row),
  );
  putTokenCalls(sql, closed.flatMap(callsOf));
  addKeyUsage(sql, closed);
  addUsage(sql, closed.flatMap(sharesOf));
  return closed.length;
}

/** Compare and set: those that are open. Of several ends of one reservation the first counts. */
async function closeReservations(sql: Sql, batch: readonly ReservationEnd[]): Promise<Closed[]> {
  const first = new Map<number, ReservationEnd>();
  for (const end of batch) if (!first.has(end.id)) first.set(end.id, end);
  const ends = [...first.values()];
  const rows = await sql.all<Row>(
    `UPDATE reservations SET state = given.state, ended_at = given.ended_at, actual_images = given.images, actual_video_ms = given.video_ms,
       actual_micro_usd = given.micro_usd
     FROM unnest($ids::bigint[], $states::text[], $endedAts::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
       AS given (id, state, ended_at, images, video_ms, micro_usd)
     WHERE reservations.id = given.id AND reservations.state = 'reserved'
     RETURNING reservations.id, reservations.key_id AS "keyId", reservations.family, reservations.periods,
       reservations.holds_concurrency AS "holdsConcurrency", reservations.images, reservations.video_ms AS "videoMs",
       reservations.micro_usd AS "microUsd"`,
    {
      ids: ends.map(({ id }) => id),
      states: ends.map(({ state }) => state),
      endedAts: ends.map(({ endedAt }) => endedAt),
      ...amountLists(ends.map(({ actual }) => actual)),
    },
  );
  return rows.map((row) => ({ end: first.get(row.id)!, keyId: row.keyId, family: row.family, row }));
}

function addKeyUsage(sql: Sql, closed: readonly Closed[]): void {
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
  sql.send(
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
