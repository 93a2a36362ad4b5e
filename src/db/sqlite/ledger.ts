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

type Ended = { end: ReservationEnd } & Own;
/** What an end does not say of its reservation. */
type Own = { keyId: number; family: string };

/** Ends those that are open and adds them to sums and rollups; the number of them. */
export function end(db: Database, batch: readonly ReservationEnd[]): number {
  const ended = closeReservations(db, batch);
  addKeyUsage(db, ended);
  addUsage(db, ended.flatMap(sharesOf));
  putTokenCalls(db, ended.flatMap(callsOf));
  return ended.length;
}

/** Compare and set: one that is not open is left out. Open ones are read together: a statement that returns its row costs twice as much. */
function closeReservations(db: Database, batch: readonly ReservationEnd[]): Ended[] {
  const open = readOpen(db, batch);
  const update = db.query<never, (string | number)[]>(
    "UPDATE reservations SET state = ?, ended_at = ?, actual_images = ?, actual_video_ms = ?, actual_micro_usd = ? WHERE id = ?",
  );
  const ended: Ended[] = [];
  for (const end of batch) {
    const { id, state, endedAt, actual } = end;
    const own = open.get(id);
    if (!own) continue;
    open.delete(id);
    update.run(state, endedAt, actual.images, actual.videoMs, actual.microUsd, id);
    ended.push({ end, keyId: own.keyId, family: own.family });
  }
  return ended;
}

function readOpen(db: Database, batch: readonly ReservationEnd[]): Map<number, Own> {
  const rows = db
    .query<{ id: number } & Own, { ids: string }>(
      `SELECT id, key_id AS keyId, family FROM reservations
       WHERE id IN (SELECT value FROM json_each($ids)) AND state = 'reserved'`,
    )
    .all({ ids: JSON.stringify(batch.map(({ id }) => id)) });
  return new Map(rows.map((row) => [row.id, row]));
}

function addKeyUsage(db: Database, ended: readonly Ended[]): void {
  const statement = db.query(
    `INSERT INTO key_usage (period, key_id, images, video_ms, micro_usd) VALUES ($period, $keyId, $images, $videoMs, $microUsd)
     ON CONFLICT (period, key_id) DO UPDATE SET images = images + excluded.images, video_ms = video_ms + excluded.video_ms,
       micro_usd = micro_usd + excluded.micro_usd`,
  );
  const sums = new Map<string, { period: string; keyId: number } & Sums>();
  for (const { end, keyId } of ended) {
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
function sharesOf({ end, keyId, family }: Ended): UsageShare[] {
  const { hour, ok, ms, inputTokens, outputTokens, actual } = end;
  const whole = { hour, family, ok, ms, inputTokens, outputTokens, ...actual };
  return [
    { dimension: "all", subject: 0, ...whole },
    { dimension: "key", subject: keyId, ...whole },
  ];
}

const callsOf = ({ end: { hour, endedAt, calls }, family }: Ended): TokenCall[] =>
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
