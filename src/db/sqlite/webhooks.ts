// SQL of webhooks: deliveries, and URL and secret of each key.

import type { Database } from "bun:sqlite";
import { hostAndPort } from "../../http.ts";
import type { DeliveryChange, DeliveryFilter, DeliveryRow, KeyWebhook, NewDelivery } from "../jobs.ts";
import { SECRET_OF_KEY, URL_OF_DELIVERY, URL_OF_KEY } from "../sealed.ts";
import type { Vault } from "../vault.ts";

const COLUMNS = `id, job_id AS jobId, key_id AS keyId, url, type, payload, created_at AS createdAt, state, attempts, next_at AS nextAt,
  ended_at AS endedAt, last_status AS lastStatus, last_error AS lastError`;

type Raw = Omit<DeliveryRow, "url"> & { url: Uint8Array };

const toDelivery = (vault: Vault, raw: Raw): DeliveryRow => ({ ...raw, url: vault.open(URL_OF_DELIVERY, raw.url) });

/** Due at once. */
export function insertDelivery(db: Database, vault: Vault, delivery: NewDelivery): void {
  db.query(
    `INSERT INTO deliveries (id, job_id, key_id, url, host, type, payload, created_at, state, attempts, next_at)
     VALUES ($id, $jobId, $keyId, $url, $host, $type, $payload, $createdAt, 'waiting', 0, $createdAt)`,
  ).run({ ...delivery, host: hostAndPort(delivery.url), url: vault.seal(URL_OF_DELIVERY, delivery.url) });
}

const NOBODY: DeliveryFilter = { ids: [], hosts: [], keyIds: [], pairs: [] };

/** What is passed over is passed over within the index. */
export function listDueDeliveries(
  db: Database,
  vault: Vault,
  { now, limit, except = NOBODY }: { now: number; limit: number; except?: DeliveryFilter },
): DeliveryRow[] {
  return db
    .query<Raw, Record<string, string | number>>(
      `SELECT ${COLUMNS} FROM deliveries WHERE state = 'waiting' AND next_at <= $now
         AND host NOT IN (SELECT value FROM json_each($hosts)) AND key_id NOT IN (SELECT value FROM json_each($keyIds))
         AND id NOT IN (SELECT value FROM json_each($ids))
         AND (host, key_id) NOT IN (SELECT value ->> 'host', value ->> 'keyId' FROM json_each($pairs))
       ORDER BY next_at, seq LIMIT $limit`,
    )
    .all({ now, limit, ...names(except) })
    .map((raw) => toDelivery(vault, raw));
}

/** Compare and set: the ids of those that are still due when they were listed. */
export function claimDeliveries(db: Database, listed: readonly Pick<DeliveryRow, "id" | "nextAt">[], until: number): string[] {
  const claim = db.query("UPDATE deliveries SET next_at = $until WHERE id = $id AND state = 'waiting' AND next_at = $nextAt");
  return listed.filter(({ id, nextAt }) => claim.run({ id, nextAt, until }).changes > 0).map(({ id }) => id);
}

const names = (filter: DeliveryFilter): Record<keyof DeliveryFilter, string> => ({
  ids: JSON.stringify(filter.ids),
  hosts: JSON.stringify(filter.hosts),
  keyIds: JSON.stringify(filter.keyIds),
  pairs: JSON.stringify(filter.pairs),
});

/** When the next one is due that is not due already; null when none is. */
export function nextDeliveryAt(db: Database, after: number): number | null {
  return (
    db
      .query<{ at: number | null }, { after: number }>(
        "SELECT min(next_at) AS at FROM deliveries WHERE state = 'waiting' AND next_at > $after",
      )
      .get({ after })?.at ?? null
  );
}

/** An id that is gone is passed over. */
export function updateDelivery(db: Database, id: string, change: DeliveryChange): void {
  db.query(
    `UPDATE deliveries SET state = $state, attempts = $attempts, next_at = $nextAt, ended_at = $endedAt, last_status = $lastStatus,
       last_error = $lastError
     WHERE id = $id`,
  ).run({ ...change, id });
}

/** Newest first. */
export function listDeliveries(
  db: Database,
  vault: Vault,
  { limit, ...filter }: { keyId?: number; jobId?: string; limit: number; before?: string },
): DeliveryRow[] {
  const conditions = [
    filter.keyId === undefined ? "" : "key_id = $keyId",
    filter.jobId === undefined ? "" : "job_id = $jobId",
    filter.before === undefined ? "" : "seq < (SELECT seq FROM deliveries WHERE id = $before)",
  ].filter(Boolean);
  const named = Object.entries(filter).filter(([, value]) => value !== undefined);
  return db
    .query<Raw, Record<string, string | number>>(
      `SELECT ${COLUMNS} FROM deliveries ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY seq DESC LIMIT $limit`,
    )
    .all({ ...(Object.fromEntries(named) as Record<string, string | number>), limit })
    .map((raw) => toDelivery(vault, raw));
}

/** Deletes at most `limit` deliveries that ended before `time` (epoch ms); says how many. */
export function deleteDeliveriesBefore(db: Database, time: number, limit: number): number {
  return db
    .query("DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE ended_at < $time ORDER BY seq LIMIT $limit)")
    .run({ time, limit }).changes;
}

/** Null when nothing was ever sent for the key, nor set. */
export function readKeyWebhook(db: Database, vault: Vault, keyId: number): KeyWebhook | null {
  const raw = db
    .query<{ url: Uint8Array | null; secret: Uint8Array }, { keyId: number }>("SELECT url, secret FROM key_webhooks WHERE key_id = $keyId")
    .get({ keyId });
  return raw && { url: raw.url && vault.open(URL_OF_KEY, raw.url), secret: vault.open(SECRET_OF_KEY, raw.secret) };
}

export function writeKeyWebhook(db: Database, vault: Vault, keyId: number, { url, secret }: KeyWebhook): void {
  db.query(
    `INSERT INTO key_webhooks (key_id, url, secret) VALUES ($keyId, $url, $secret)
     ON CONFLICT (key_id) DO UPDATE SET url = excluded.url, secret = excluded.secret`,
  ).run({ keyId, url: url === null ? null : vault.seal(URL_OF_KEY, url), secret: vault.seal(SECRET_OF_KEY, secret) });
}
