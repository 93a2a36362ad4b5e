// SQL of the limits of keys that several nodes share: requests of the last minute, concurrency, what is reserved in periods.
import type { NewReservation } from "../../ledger.ts";
import type { Sql } from "../driver.ts";
import { type KeyChange, type KeyState, type PeriodChange, type PeriodState, periodName } from "./admission.ts";

/**
 * The keys of these reservations. Locked, with those of the reservations with these ids: what is read behind it, in the same round trip,
 * nobody else changes until the transaction ends.
 */
export function readKeys(sql: Sql, rows: readonly NewReservation[], ends: readonly number[], isLocked: boolean): Promise<KeyState[]> {
  const keyIds = keysOf(rows);
  const read = `SELECT key_id AS "keyId", in_flight AS "inFlight", recent FROM key_states WHERE key_id = ANY`;
  if (!isLocked) return keyIds.length === 0 ? NO_KEYS : sql.all(`${read} ($keyIds::bigint[])`, { keyIds });
  return sql.all(
    `${read} (ARRAY (
       SELECT unnest($keyIds::bigint[]) UNION SELECT key_id FROM reservations WHERE id = ANY ($ends::bigint[])))
     ORDER BY key_id FOR UPDATE`,
    { keyIds, ends },
  );
}

const NO_KEYS: Promise<KeyState[]> = Promise.resolve([]);

const keysOf = (rows: readonly NewReservation[]): number[] => [...new Set(rows.flatMap(({ keyId, shared }) => (shared ? [keyId] : [])))];

/** What is not there cannot be locked: makes the rows that are missing; false: none is. */
export function makeKeys(sql: Sql, rows: readonly NewReservation[], locked: readonly KeyState[]): boolean {
  const known = new Set(locked.map(({ keyId }) => keyId));
  const keyIds = keysOf(rows).filter((keyId) => !known.has(keyId));
  if (keyIds.length === 0) return false;
  sql.send("INSERT INTO key_states (key_id) SELECT unnest($keyIds::bigint[]) ON CONFLICT DO NOTHING", {
    keyIds: keyIds.sort((a, b) => a - b),
  });
  return true;
}

/** Of the periods in which these reservations have a budget. */
export async function readPeriods(sql: Sql, rows: readonly NewReservation[]): Promise<PeriodState[]> {
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

const SECOND = "floor(extract(epoch FROM clock_timestamp()))::bigint";

/** Writes what becomes of keys. @param isGuarded the transaction fails where limits do not allow it any more */
export function writeKeys(sql: Sql, keys: readonly KeyChange[], isGuarded: boolean): void {
  if (keys.length === 0) return;
  if (isGuarded) lockInOrder(sql, keys);
  sql.send(
    `WITH changed AS (
       UPDATE key_states SET in_flight = greatest(0, key_states.in_flight + given.in_flight),
         recent = CASE WHEN requests = 0 THEN recent ELSE add_recent(recent, ${SECOND}, requests) END
       FROM unnest($keyIds::bigint[], $inFlight::bigint[], $requests::bigint[], $rpms::bigint[], $concurrencies::bigint[], $seen::text[])
         AS given (key_id, in_flight, requests, rpm, concurrency, seen)
       WHERE key_states.key_id = given.key_id AND (rpm IS NULL OR recent = seen OR recent_requests(recent, ${SECOND}) + requests <= rpm)
         AND (concurrency IS NULL OR key_states.in_flight + given.in_flight <= concurrency)
       RETURNING 1)
     SELECT 1 / (count(*) >= $expected::bigint)::int FROM changed`,
    {
      ...{ keyIds: keys.map(({ keyId }) => keyId), inFlight: keys.map(({ inFlight }) => inFlight) },
      expected: isGuarded ? keys.length : 0,
      requests: keys.map(({ requests }) => requests),
      seen: keys.map(({ seen }) => seen),
      rpms: keys.map(({ rpm }) => (isGuarded ? rpm : null)),
      concurrencies: keys.map(({ concurrency }) => (isGuarded ? concurrency : null)),
    },
  );
}

/** Writes what their periods used and have reserved, behind {@link writeKeys}. */
export function writePeriods(sql: Sql, periods: readonly PeriodChange[], isGuarded: boolean): void {
  if (periods.length === 0) return;
  sql.send(
    `INSERT INTO key_usage AS held (period, key_id, images, video_ms, micro_usd, reserved_images, reserved_video_ms, reserved_micro_usd)
     SELECT * FROM unnest($periods::text[], $keyIds::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[],
       $reservedImages::bigint[], $reservedVideoMs::bigint[], $reservedMicroUsd::bigint[])
     ON CONFLICT (period, key_id) DO UPDATE SET images = held.images + excluded.images, video_ms = held.video_ms + excluded.video_ms,
       micro_usd = held.micro_usd + excluded.micro_usd, reserved_images = held.reserved_images + excluded.reserved_images,
       reserved_video_ms = held.reserved_video_ms + excluded.reserved_video_ms,
       reserved_micro_usd = held.reserved_micro_usd + excluded.reserved_micro_usd`,
    {
      ...{ periods: periods.map(({ period }) => period), keyIds: periods.map(({ keyId }) => keyId) },
      ...{ images: periods.map(({ used }) => used.images), videoMs: periods.map(({ used }) => used.videoMs) },
      ...{ microUsd: periods.map(({ used }) => used.microUsd), reservedImages: periods.map(({ reserved }) => reserved.images) },
      reservedVideoMs: periods.map(({ reserved }) => reserved.videoMs),
      reservedMicroUsd: periods.map(({ reserved }) => reserved.microUsd),
    },
  );
  if (isGuarded) guardPeriods(sql, periods);
}

/** One alone is locked by what changes it. */
function lockInOrder(sql: Sql, keys: readonly KeyChange[]): void {
  if (keys.length < 2) return;
  sql.send("SELECT 1 FROM key_states WHERE key_id = ANY ($keyIds::bigint[]) ORDER BY key_id FOR UPDATE", {
    keyIds: keys.map(({ keyId }) => keyId),
  });
}

/** Behind the change: the key's row is locked, so that nobody else changes its periods. */
function guardPeriods(sql: Sql, periods: readonly PeriodChange[]): void {
  const limited = periods.filter(({ limits }) => Object.values(limits).some((limit) => limit !== null));
  if (limited.length === 0) return;
  sql.send(
    `SELECT 1 / (count(*) = 0)::int FROM key_usage
     JOIN unnest($periods::text[], $keyIds::bigint[], $images::bigint[], $videoMs::bigint[], $microUsd::bigint[])
       AS most (period, key_id, images, video_ms, micro_usd) USING (period, key_id)
     WHERE key_usage.images + reserved_images > most.images OR key_usage.video_ms + reserved_video_ms > most.video_ms
       OR key_usage.micro_usd + reserved_micro_usd > most.micro_usd`,
    {
      ...{ periods: limited.map(({ period }) => period), keyIds: limited.map(({ keyId }) => keyId) },
      ...{ images: limited.map(({ limits }) => limits.images), videoMs: limited.map(({ limits }) => limits.videoMs) },
      microUsd: limited.map(({ limits }) => limits.microUsd),
    },
  );
}

/** Locks the keys, in order; each gives back as much concurrency as it is named. */
function releaseKeys(sql: Sql, keyIds: readonly number[]): void {
  const counts = new Map<number, number>();
  for (const keyId of keyIds) counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
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
    rows.map(({ keyId }) => keyId),
  );
}
