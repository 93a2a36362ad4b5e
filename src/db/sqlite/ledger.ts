// SQL of the ledger: reservations, and usage of keys by period.
import type { Database } from "bun:sqlite";
import type { Amounts, Begun, LedgerState, NewReservation, Reservation, ReservationEnd, UploadSum } from "../ledger.ts";
import type { UsageShare } from "../usage-sums.ts";
import { putTokenCalls, type TokenCall } from "./token-calls.ts";
import { addUsage } from "./usage.ts";

const ESTIMATE = "images, video_ms AS videoMs, micro_usd AS microUsd";

type Sums = { images: number; videoMs: number; microUsd: number };
export type RawReservation = Omit<Reservation, "estimate" | "forJob" | "node"> & Sums & { forJob: number; node: number | null };

export const RESERVATION_COLUMNS = `id, key_id AS keyId, request_id AS requestId, kind, family, at, for_job AS forJob, node, ${ESTIMATE}`;

export const toReservation = ({ images, videoMs, microUsd, forJob, node, ...row }: RawReservation): Reservation => ({
  ...row,
  ...(forJob === 1 ? { forJob: true } : {}),
  ...(node ? { node } : {}),
  estimate: { images, videoMs, microUsd },
});

/** Inserts reservations; none is refused. */
export function begin(db: Database, batch: readonly NewReservation[]): Begun[] {
  const statement = db.query(
    `INSERT INTO reservations (key_id, request_id, kind, family, at, images, video_ms, micro_usd, for_job, node, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'reserved')`,
  );
  return batch.map(({ keyId, requestId, kind, family, at, estimate, forJob = false, node = 0 }) => {
    const { images, videoMs, microUsd } = estimate;
    return { id: Number(statement.run(keyId, requestId, kind, family, at, images, videoMs, microUsd, forJob, node).lastInsertRowid) };
  });
}

/** Ends those that are open and adds them to sums and rollups; the number of them. */
export function end(db: Database, batch: readonly ReservationEnd[]): number {
  const closed: { end: ReservationEnd; keyId: number; family: string }[] = [];
  for (const one of batch) {
    const row = closeReservation(db, one);
    if (row) closed.push({ end: one, ...row });
  }
  addKeyUsage(db, closed);
  addUsage(
    db,
    closed.flatMap(({ end, keyId, family }) => sharesOf(end, keyId, family)),
  );
  putTokenCalls(
    db,
    closed.flatMap(({ end, family }) => callsOf(end, family)),
  );
  return closed.length;
}

/** Compare and set: null when it is not open. */
function closeReservation(db: Database, { id, state, endedAt, actual }: ReservationEnd): { keyId: number; family: string } | null {
  return db
    .query<{ keyId: number; family: string }, (string | number)[]>(
      `UPDATE reservations SET state = ?, ended_at = ?, actual_images = ?, actual_video_ms = ?, actual_micro_usd = ?
       WHERE id = ? AND state = 'reserved' RETURNING key_id AS keyId, family`,
    )
    .get(state, endedAt, actual.images, actual.videoMs, actual.microUsd, id);
}

function addKeyUsage(db: Database, closed: readonly { end: ReservationEnd; keyId: number }[]): void {
  const statement = db.query(
    `INSERT INTO key_usage (period, key_id, images, video_ms, micro_usd) VALUES ($period, $keyId, $images, $videoMs, $microUsd)
     ON CONFLICT (period, key_id) DO UPDATE SET images = images + excluded.images, video_ms = video_ms + excluded.video_ms,
       micro_usd = micro_usd + excluded.micro_usd`,
  );
  const sums = new Map<string, { period: string; keyId: number } & Sums>();
  for (const { end, keyId } of closed) {
    if (end.state === "released") continue;
    for (const period of end.periods) {
      const sum = sums.get(`${keyId}/${period}`);
      if (!sum) sums.set(`${keyId}/${period}`, { period, keyId, ...end.actual });
      else addTo(sum, end.actual);
    }
  }
  for (const sum of sums.values()) statement.run(sum);
}

function addTo(sum: Amounts, more: Amounts): void {
  sum.images += more.images;
  sum.videoMs += more.videoMs;
  sum.microUsd += more.microUsd;
}

/** What one end adds to the rollups: to all and to its key. */
function sharesOf(end: ReservationEnd, keyId: number, family: string): UsageShare[] {
  const { hour, ok, ms, inputTokens, outputTokens } = end;
  const whole = { hour, family, ok, ms, inputTokens, outputTokens, ...end.actual };
  return [
    { dimension: "all", subject: 0, ...whole },
    { dimension: "key", subject: keyId, ...whole },
  ];
}

const callsOf = ({ hour, endedAt, calls }: ReservationEnd, family: string): TokenCall[] =>
  calls.map(({ tokenId, ok, ms, amounts }) => ({ subject: tokenId, hour, family, ok, ms, at: endedAt, ...amounts }));

/** What limits are rebuilt from: open reservations, sums of these periods, admissions since `since` (epoch ms). */
export function readLedger(db: Database, periods: readonly string[], since: number): LedgerState {
  const open = db.query<RawReservation, []>(`SELECT ${RESERVATION_COLUMNS} FROM reservations WHERE state = 'reserved' ORDER BY id`).all();
  const spent = db
    .query<{ keyId: number; period: string } & Sums, { periods: string }>(
      `SELECT key_id AS keyId, period, ${ESTIMATE} FROM key_usage WHERE period IN (SELECT value FROM json_each($periods))`,
    )
    .all({ periods: JSON.stringify(periods) });
  const recent = db
    .query<{ keyId: number; at: number }, { since: number }>(
      "SELECT key_id AS keyId, at FROM reservations WHERE at > $since ORDER BY at, id",
    )
    .all({ since });
  return {
    open: open.map(toReservation),
    spent: spent.map(({ keyId, period, ...amounts }) => ({ keyId, period, amounts })),
    recent,
  };
}

/** Adds uploaded bytes to the sums of their keys. */
export function addUploads(db: Database, rows: readonly UploadSum[]): void {
  const statement = db.query(
    `INSERT INTO key_usage (period, key_id, images, video_ms, micro_usd, upload_bytes) VALUES ($period, $keyId, 0, 0, 0, $bytes)
     ON CONFLICT (period, key_id) DO UPDATE SET upload_bytes = upload_bytes + excluded.upload_bytes`,
  );
  for (const row of rows) statement.run(row);
}

/** Uploaded bytes of every key that has any in this period. */
export function readUploads(db: Database, period: string): Omit<UploadSum, "period">[] {
  return db
    .query<Omit<UploadSum, "period">, { period: string }>(
      "SELECT key_id AS keyId, upload_bytes AS bytes FROM key_usage WHERE period = $period AND upload_bytes > 0",
    )
    .all({ period });
}

/** Deletes at most `limit` ended reservations admitted before `time` (epoch ms), oldest first; says how many. */
export function deleteReservationsBefore(db: Database, time: number, limit: number): number {
  return db
    .query(
      `DELETE FROM reservations WHERE id IN (
         SELECT id FROM reservations WHERE at < $time AND state <> 'reserved' ORDER BY at LIMIT $limit)`,
    )
    .run({ time, limit }).changes;
}
