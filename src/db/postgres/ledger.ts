// SQL of the ledger beside its rounds: what it holds, uploads, what is deleted.
import type { Amounts, LedgerState, Reservation, UploadSum } from "../ledger.ts";
import type { Reader, Sql } from "./driver.ts";

const ESTIMATE = `images, video_ms AS "videoMs", micro_usd AS "microUsd"`;

export type RawReservation = Omit<Reservation, "estimate" | "forJob" | "node"> & Amounts & { forJob: boolean; node: number | null };

export const RESERVATION_COLUMNS = `id, key_id AS "keyId", request_id AS "requestId", kind, family, at, for_job AS "forJob", node, ${ESTIMATE}`;

export const toReservation = ({ images, videoMs, microUsd, forJob, node, ...row }: RawReservation): Reservation => ({
  ...row,
  ...(forJob ? { forJob } : {}),
  ...(node ? { node } : {}),
  estimate: { images, videoMs, microUsd },
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
