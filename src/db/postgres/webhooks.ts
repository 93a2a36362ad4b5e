// SQL of webhooks: deliveries, and URL and secret of each key.

import { hostAndPort } from "../../http.ts";
import type { DeliveryChange, DeliveryFilter, DeliveryRow, KeyWebhook, NewDelivery } from "../jobs.ts";
import { SECRET_OF_KEY, URL_OF_DELIVERY, URL_OF_KEY } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Bound } from "./binding.ts";
import type { Reader, Sql } from "./driver.ts";

const COLUMNS = `id, job_id AS "jobId", key_id AS "keyId", url, type, payload, created_at AS "createdAt", state, attempts,
  next_at AS "nextAt", ended_at AS "endedAt", last_status AS "lastStatus", last_error AS "lastError"`;

type Raw = Omit<DeliveryRow, "url"> & { url: Uint8Array };

const toDelivery = (vault: Vault, raw: Raw): DeliveryRow => ({ ...raw, url: vault.open(URL_OF_DELIVERY, raw.url) });

/** Due at once. */
export async function insertDelivery(sql: Sql, vault: Vault, delivery: NewDelivery): Promise<void> {
  await sql.run(
    `INSERT INTO deliveries (id, job_id, key_id, url, host, type, payload, created_at, state, attempts, next_at)
     VALUES ($id, $jobId, $keyId, $url, $host, $type, $payload, $createdAt, 'waiting', 0, $createdAt)`,
    { ...delivery, host: hostAndPort(delivery.url), url: vault.seal(URL_OF_DELIVERY, delivery.url) },
  );
}

const NOBODY: DeliveryFilter = { ids: [], hosts: [], keyIds: [], pairs: [] };

export async function listDueDeliveries(
  sql: Reader,
  vault: Vault,
  { now, limit, except = NOBODY }: { now: number; limit: number; except?: DeliveryFilter },
): Promise<DeliveryRow[]> {
  const { ids, hosts, keyIds, pairs } = except;
  const rows = await sql.all<Raw>(
    `SELECT ${COLUMNS} FROM deliveries WHERE state = 'waiting' AND next_at <= $now
       AND host <> ALL ($hosts::text[]) AND key_id <> ALL ($keyIds::bigint[]) AND id <> ALL ($ids::text[])
       AND NOT EXISTS (SELECT 1 FROM unnest($pairHosts::text[], $pairKeys::bigint[]) AS pair (host, key_id)
                       WHERE pair.host = deliveries.host AND pair.key_id = deliveries.key_id)
     ORDER BY next_at, seq LIMIT $limit`,
    { now, limit, ids, hosts, keyIds, pairHosts: pairs.map(({ host }) => host), pairKeys: pairs.map(({ keyId }) => keyId) },
  );
  return rows.map((raw) => toDelivery(vault, raw));
}

/** Compare and set: the ids of those that are still due when they were listed. */
export async function claimDeliveries(sql: Sql, listed: readonly Pick<DeliveryRow, "id" | "nextAt">[], until: number): Promise<string[]> {
  const rows = await sql.all<{ id: string }>(
    `UPDATE deliveries SET next_at = $until WHERE seq IN (
       SELECT seq FROM deliveries JOIN unnest($ids::text[], $nextAts::bigint[]) AS listed (id, next_at) USING (id, next_at)
       WHERE state = 'waiting' ORDER BY seq FOR UPDATE OF deliveries SKIP LOCKED)
     RETURNING id`,
    { until, ids: listed.map(({ id }) => id), nextAts: listed.map(({ nextAt }) => nextAt) },
  );
  const claimed = new Set(rows.map(({ id }) => id));
  return listed.filter(({ id }) => claimed.has(id)).map(({ id }) => id);
}

/** When the next one is due that is not due already; null when none is. */
export async function nextDeliveryAt(sql: Reader, after: number): Promise<number | null> {
  const row = await sql.get<{ at: number | null }>(
    "SELECT min(next_at) AS at FROM deliveries WHERE state = 'waiting' AND next_at > $after",
    { after },
  );
  return row?.at ?? null;
}

/** An id that is gone is skipped. */
export async function updateDelivery(sql: Sql, id: string, change: DeliveryChange): Promise<void> {
  const { state, attempts, nextAt, endedAt, lastStatus, lastError } = change;
  await sql.run(
    `UPDATE deliveries SET state = $state, attempts = $attempts, next_at = $nextAt, ended_at = $endedAt, last_status = $lastStatus,
       last_error = $lastError
     WHERE id = $id`,
    { id, state, attempts, nextAt, endedAt, lastStatus, lastError },
  );
}

/** Newest first. */
export async function listDeliveries(
  sql: Reader,
  vault: Vault,
  { keyId, jobId, limit, before }: { keyId?: number; jobId?: string; limit: number; before?: string },
): Promise<DeliveryRow[]> {
  const conditions = [
    keyId === undefined ? "" : "key_id = $keyId",
    jobId === undefined ? "" : "job_id = $jobId",
    before === undefined ? "" : "seq < (SELECT seq FROM deliveries WHERE id = $before)",
  ].filter(Boolean);
  const bound: Bound = {
    limit,
    ...(keyId !== undefined && { keyId }),
    ...(jobId !== undefined && { jobId }),
    ...(before !== undefined && { before }),
  };
  const rows = await sql.all<Raw>(
    `SELECT ${COLUMNS} FROM deliveries ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""} ORDER BY seq DESC LIMIT $limit`,
    bound,
  );
  return rows.map((raw) => toDelivery(vault, raw));
}

/** Deletes at most `limit` deliveries that ended before `time` (epoch ms); says how many. */
export function deleteDeliveriesBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM deliveries WHERE seq IN (
       SELECT seq FROM deliveries WHERE ended_at < $time ORDER BY ended_at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { time, limit },
  );
}

/** Null when nothing was ever sent for the key, nor set. */
export async function readKeyWebhook(sql: Reader, vault: Vault, keyId: number): Promise<KeyWebhook | null> {
  const raw = await sql.get<{ url: Uint8Array | null; secret: Uint8Array }>("SELECT url, secret FROM key_webhooks WHERE key_id = $keyId", {
    keyId,
  });
  return raw && { url: raw.url && vault.open(URL_OF_KEY, raw.url), secret: vault.open(SECRET_OF_KEY, raw.secret) };
}

export async function writeKeyWebhook(sql: Sql, vault: Vault, keyId: number, { url, secret }: KeyWebhook): Promise<void> {
  await sql.run(
    `INSERT INTO key_webhooks (key_id, url, secret) VALUES ($keyId, $url, $secret)
     ON CONFLICT (key_id) DO UPDATE SET url = excluded.url, secret = excluded.secret`,
    { keyId, url: url === null ? null : vault.seal(URL_OF_KEY, url), secret: vault.seal(SECRET_OF_KEY, secret) },
  );
}
