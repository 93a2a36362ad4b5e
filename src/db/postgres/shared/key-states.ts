// SQL of the limits of keys that several nodes share: requests of the last minute, concurrency, what is reserved in periods.
import type { NewReservation } from "../../ledger.ts";
import { type Bundle, countOf, jsonOf, namesIn, rowsIn } from "../bundle.ts";
import type { Sql } from "../driver.ts";
import { type KeyChange, type KeyState, type PeriodChange, type PeriodState, periodName } from "./admission.ts";

/**
 * The keys of these reservations. Locked, with those of the reservations with these ids: what is read behind it, in the same round trip,
 * nobody else changes until the transaction ends.
 */
export function readKeys(bundle: Bundle, rows: readonly NewReservation[], ends: readonly number[], isLocked: boolean): Promise<KeyState[]> {
  const keyIds = keysOf(rows);
  const read = `SELECT key_id AS "keyId", in_flight AS "inFlight", recent FROM key_states WHERE key_id = ANY`;
  if (!isLocked && keyIds.length === 0) return NO_KEYS;
  if (!isLocked) return bundle.read({ name: "keys", text: `${read} ($keyIds::bigint[])`, bound: { keyIds } });
  return bundle.read({
    name: "keys",
    text: `${read} (ARRAY (
         SELECT unnest($keyIds::bigint[]) UNION SELECT key_id FROM reservations WHERE id = ANY ($endIds::bigint[])))
       ORDER BY key_id FOR UPDATE`,
    bound: { keyIds, endIds: ends },
  });
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
export async function readPeriods(bundle: Bundle, rows: readonly NewReservation[]): Promise<PeriodState[]> {
  const asked = new Map(
    rows.flatMap(({ keyId, shared }) =>
      (shared?.limits.budgets ?? []).map(({ period }) => [periodName(keyId, period), { keyId, period }] as const),
    ),
  );
  if (asked.size === 0) return [];
  type Raw = { keyId: number; period: string } & Record<"i" | "v" | "u" | "ri" | "rv" | "ru", number>;
  const found = await bundle.read<Raw>({
    name: "periods",
    text: `SELECT key_id AS "keyId", period, images AS i, video_ms AS v, micro_usd AS u, reserved_images AS ri, reserved_video_ms AS rv,
         reserved_micro_usd AS ru
       FROM key_usage JOIN unnest($periodKeys::bigint[], $periodNames::text[]) AS asked (key_id, period) USING (key_id, period)`,
    bound: { periodKeys: [...asked.values()].map(({ keyId }) => keyId), periodNames: [...asked.values()].map(({ period }) => period) },
  });
  return found.map(({ keyId, period, i, v, u, ri, rv, ru }) => ({
    ...{ keyId, period, used: { images: i, videoMs: v, microUsd: u } },
    reserved: { images: ri, videoMs: rv, microUsd: ru },
  }));
}

const SECOND = "floor(extract(epoch FROM clock_timestamp()))::bigint";

/** Writes what becomes of keys, by id. @param isGuarded the transaction fails where limits do not allow it any more */
export function writeKeys(bundle: Bundle, keys: readonly KeyChange[], isGuarded: boolean): void {
  if (keys.length === 0) return;
  bundle.sendAlone({
    name: "key_changes",
    text: `UPDATE key_states SET in_flight = greatest(0, key_states.in_flight + "inFlight"),
         recent = CASE WHEN requests = 0 THEN recent ELSE add_recent(recent, ${SECOND}, requests) END
       FROM ${namesIn("keyChanges", '"keyId" bigint, "inFlight" bigint, requests bigint, rpm bigint, concurrency bigint, seen text')}
       WHERE key_states.key_id = "keyId" AND (rpm IS NULL OR recent = seen OR recent_requests(recent, ${SECOND}) + requests <= rpm)
         AND (concurrency IS NULL OR key_states.in_flight + "inFlight" <= concurrency)
       RETURNING 1`,
    check: `1 / (${countOf("key_changes")} >= $expectedKeys::int)::int`,
    bound: {
      keyChanges: jsonOf(isGuarded ? keys : keys.map(({ rpm, concurrency, ...change }) => change)),
      expectedKeys: isGuarded ? keys.length : 0,
    },
  });
}

/** Writes what their periods used and have reserved, behind {@link writeKeys}. */
export function writePeriods(bundle: Bundle, periods: readonly PeriodChange[], isGuarded: boolean): void {
  if (periods.length === 0) return;
  const rows = periods.map(({ keyId, period, used, reserved, limits }) => ({
    ...{ keyId, period, i: used.images, v: used.videoMs, u: used.microUsd },
    ...{ ri: reserved.images, rv: reserved.videoMs, ru: reserved.microUsd },
    ...(isGuarded && { mi: limits.images, mv: limits.videoMs, mu: limits.microUsd }),
  }));
  const isLimited = isGuarded && periods.some(({ limits }) => Object.values(limits).some((limit) => limit !== null));
  bundle.send({
    name: "period_changes",
    text: `INSERT INTO key_usage AS held (period, key_id, images, video_ms, micro_usd, reserved_images, reserved_video_ms, reserved_micro_usd)
       SELECT period, "keyId", i, v, u, ri, rv, ru
       FROM ${rowsIn("periodChanges", 'period text, "keyId" bigint, i bigint, v bigint, u bigint, ri bigint, rv bigint, ru bigint')}
       ON CONFLICT (period, key_id) DO UPDATE SET images = held.images + excluded.images, video_ms = held.video_ms + excluded.video_ms,
         micro_usd = held.micro_usd + excluded.micro_usd, reserved_images = held.reserved_images + excluded.reserved_images,
         reserved_video_ms = held.reserved_video_ms + excluded.reserved_video_ms,
         reserved_micro_usd = held.reserved_micro_usd + excluded.reserved_micro_usd
       RETURNING period, key_id, images + reserved_images AS i, video_ms + reserved_video_ms AS v, micro_usd + reserved_micro_usd AS u`,
    ...(isLimited && { check: WITHIN }),
    bound: { periodChanges: jsonOf(rows) },
  });
}

/** Nobody else changes periods of a key whose row is locked. */
const WITHIN = `(SELECT 1 / (count(*) = 0)::int FROM period_changes AS now
   JOIN ${rowsIn("periodChanges", 'period text, "keyId" bigint, mi bigint, mv bigint, mu bigint')}
     ON given.period = now.period AND "keyId" = key_id
   WHERE i > mi OR v > mv OR u > mu)`;

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
