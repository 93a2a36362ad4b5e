// SQL of the limits of keys that several nodes share: requests of the last minute, concurrency, what is reserved in periods.
import type { Amounts, NewReservation } from "../../ledger.ts";
import type { Sql } from "../driver.ts";
import { readClock } from "../fencing.ts";
import { Admission, type KeyState, type PeriodState, periodName } from "./admission.ts";

const NOBODY = new Admission([], [], 0);

/** Locks the keys of these reservations until the transaction ends, then reads the clock and their periods: nobody else changes them. */
export async function loadAdmission(sql: Sql, rows: readonly NewReservation[]): Promise<Admission> {
  if (rows.length === 0) return NOBODY;
  const keyIds = [...new Set(rows.map(({ keyId }) => keyId))].sort((a, b) => a - b);
  const load = () => Promise.all([lockKeys(sql, keyIds), readClock(sql), readPeriods(sql, rows)]);
  const loaded = await load();
  if (loaded[0].length === keyIds.length) return new Admission(loaded[0], loaded[2], loaded[1]);
  // What is not there cannot be locked.
  sql.send("INSERT INTO key_states (key_id) SELECT unnest($keyIds::bigint[]) ON CONFLICT DO NOTHING", { keyIds });
  const [keys, now, periods] = await load();
  return new Admission(keys, periods, now);
}

const lockKeys = (sql: Sql, keyIds: readonly number[]): Promise<KeyState[]> =>
  sql.all(
    `SELECT key_id AS "keyId", in_flight AS "inFlight", recent FROM key_states WHERE key_id = ANY ($keyIds::bigint[])
     ORDER BY key_id FOR UPDATE`,
    { keyIds },
  );

async function readPeriods(sql: Sql, rows: readonly NewReservation[]): Promise<PeriodState[]> {
  const asked = new Map(
    rows.flatMap(({ keyId, shared }) =>
      (shared?.limits.budgets ?? []).map(({ period }) => [periodName(keyId, period), { keyId, period }] as const),
    ),
  );
  if (asked.size === 0) return [];
  type Raw = { keyId: number; period: string } & Record<"i" | "v" | "u" | "ri" | "rv" | "ru", number>;
  const found = await sql.all<Raw>(
    `SELECT key_id AS "keyId", period, images AS i, video_ms AS v, micro_usd AS u, reserved_images AS ri, reserved_video_ms AS rv,
       reserved_micro_usd AS ru
     FROM key_usage JOIN unnest($keyIds::bigint[], $periods::text[]) AS asked (key_id, period) USING (key_id, period)`,
    { keyIds: [...asked.values()].map(({ keyId }) => keyId), periods: [...asked.values()].map(({ period }) => period) },
  );
  return found.map(({ keyId, period, i, v, u, ri, rv, ru }) => ({
    ...{ keyId, period, used: { images: i, videoMs: v, microUsd: u } },
    reserved: { images: ri, videoMs: rv, microUsd: ru },
  }));
}

/** Writes what was admitted. */
export function writeAdmission(sql: Sql, admission: Admission): void {
  const { keys, periods } = admission.changes();
  if (keys.length > 0)
    sql.send(
      `UPDATE key_states SET in_flight = given.in_flight, recent = given.recent
       FROM unnest($keyIds::bigint[], $inFlight::bigint[], $recent::text[]) AS given (key_id, in_flight, recent)
       WHERE key_states.key_id = given.key_id`,
      {
        keyIds: keys.map(({ keyId }) => keyId),
        inFlight: keys.map(({ inFlight }) => inFlight),
        recent: keys.map(({ recent }) => recent),
      },
    );
  if (periods.length === 0) return;
  sql.send(
    `INSERT INTO key_usage AS held (period, key_id, reserved_images, reserved_video_ms, reserved_micro_usd)
     SELECT * FROM unnest($periods::text[], $keyIds::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
     ON CONFLICT (period, key_id) DO UPDATE SET reserved_images = held.reserved_images + excluded.reserved_images,
       reserved_video_ms = held.reserved_video_ms + excluded.reserved_video_ms,
       reserved_micro_usd = held.reserved_micro_usd + excluded.reserved_micro_usd`,
    listsOf(periods),
  );
}

type PeriodAmounts = { keyId: number; period: string } & Amounts;

const listsOf = (rows: readonly PeriodAmounts[]) => ({
  periods: rows.map(({ period }) => period),
  keyIds: rows.map(({ keyId }) => keyId),
  images: rows.map(({ images }) => images),
  videoMs: rows.map(({ videoMs }) => videoMs),
  microUsd: rows.map(({ microUsd }) => microUsd),
});

/** A reservation that has ended. `periods`: JSON; null: nothing is reserved for it. */
type Ended = { keyId: number; periods: string | null; holdsConcurrency: boolean } & Amounts;

/** What reservations had reserved is free again. Locks their keys, as those do that begin. */
export function releaseReserved(sql: Sql, ended: readonly Ended[]): void {
  const reserved = ended.filter(({ periods }) => periods !== null);
  if (reserved.length === 0) return;
  releaseKeys(sql, reserved);
  const sums = new Map<string, PeriodAmounts>();
  for (const { keyId, periods, images, videoMs, microUsd } of reserved)
    for (const period of JSON.parse(periods!) as string[]) {
      const sum = sums.get(periodName(keyId, period)) ?? { keyId, period, images: 0, videoMs: 0, microUsd: 0 };
      sums.set(periodName(keyId, period), {
        ...{ keyId, period, images: sum.images + images, videoMs: sum.videoMs + videoMs, microUsd: sum.microUsd + microUsd },
      });
    }
  if (sums.size === 0) return;
  sql.send(
    `UPDATE key_usage SET reserved_images = reserved_images - given.images, reserved_video_ms = reserved_video_ms - given.video_ms,
       reserved_micro_usd = reserved_micro_usd - given.micro_usd
     FROM unnest($periods::text[], $keyIds::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
       AS given (period, key_id, images, video_ms, micro_usd)
     WHERE key_usage.period = given.period AND key_usage.key_id = given.key_id`,
    listsOf([...sums.values()]),
  );
}

/** Locks the keys, in order; those that hold concurrency give it back. */
function releaseKeys(sql: Sql, ended: readonly Pick<Ended, "keyId" | "holdsConcurrency">[]): void {
  const counts = new Map<number, number>();
  for (const { keyId, holdsConcurrency } of ended) counts.set(keyId, (counts.get(keyId) ?? 0) + Number(holdsConcurrency));
  const sorted = [...counts].sort(([a], [b]) => a - b);
  sql.send(
    `WITH locked AS MATERIALIZED (
       SELECT key_id, n FROM key_states JOIN unnest($keyIds::bigint[], $ns::bigint[]) AS given (key_id, n) USING (key_id)
       ORDER BY key_id FOR UPDATE OF key_states)
     UPDATE key_states SET in_flight = greatest(0, in_flight - n) FROM locked WHERE key_states.key_id = locked.key_id`,
    { keyIds: sorted.map(([keyId]) => keyId), ns: sorted.map(([, n]) => n) },
  );
}

/** These reservations stay open, but hold none of their key's concurrency any more. */
export async function releaseConcurrency(sql: Sql, ids: readonly number[]): Promise<void> {
  const rows = await sql.all<{ keyId: number }>(
    `UPDATE reservations SET holds_concurrency = false WHERE id = ANY ($ids::bigint[]) AND holds_concurrency AND state = 'reserved'
     RETURNING key_id AS "keyId"`,
    { ids },
  );
  if (rows.length === 0) return;
  releaseKeys(
    sql,
    rows.map(({ keyId }) => ({ keyId, holdsConcurrency: true })),
  );
}
