// SQL of API keys: rows, and the SHA-256 that finds them.

import { type FormerKey, type KeyChange, type KeyHash, type KeyRow, type NewKey, NO_LIMITS } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Reader, Sql } from "./driver.ts";

const COLUMNS = `id, name, prefix, enabled, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt",
  models, kinds, addresses, limits, image_form AS "imageForm", video_form AS "videoForm", side_calls AS "sideCalls",
  images_routes_only AS "imagesRoutesOnly"`;

type Raw = Omit<KeyRow, "models" | "kinds" | "addresses" | "limits"> & { models: string; kinds: string; addresses: string; limits: string };

const toKey = (raw: Raw): KeyRow => ({
  ...raw,
  models: JSON.parse(raw.models),
  kinds: JSON.parse(raw.kinds),
  addresses: JSON.parse(raw.addresses),
  // Rows of earlier versions lack limits that came later.
  limits: { ...NO_LIMITS, ...JSON.parse(raw.limits) },
});

const noKey = (id: number) => new AppError("not_found", `There is no key ${id}.`);

const toBindings = (key: Omit<NewKey, "hash" | "prefix">) => ({
  name: key.name,
  enabled: key.enabled ?? true,
  expiresAt: key.expiresAt ?? null,
  models: JSON.stringify(key.models ?? []),
  kinds: JSON.stringify(key.kinds ?? []),
  addresses: JSON.stringify(key.addresses ?? []),
  limits: JSON.stringify(key.limits ?? NO_LIMITS),
  imageForm: key.imageForm ?? null,
  videoForm: key.videoForm ?? null,
  sideCalls: key.sideCalls ?? null,
  imagesRoutesOnly: key.imagesRoutesOnly ?? false,
});

/** All keys in the order they were made, revoked ones included. */
export async function listKeys(sql: Reader): Promise<KeyRow[]> {
  return (await sql.all<Raw>(`SELECT ${COLUMNS} FROM keys ORDER BY id`)).map(toKey);
}

/** The SHA-256 of every key, revoked ones included, and of former secrets. */
export function listKeyHashes(sql: Reader): Promise<KeyHash[]> {
  const former = 'SELECT key_id AS id, hash, valid_until AS "until" FROM former_keys';
  return sql.all(`SELECT id, hash, NULL::bigint AS "until" FROM keys UNION ALL ${former} ORDER BY id`);
}

/**
 * Replaces the secret of a key; the former one stays valid until `until`. Former ones that ended a day before that are deleted.
 * @throws {AppError} `not_found`
 */
export async function rotateKey(
  sql: Sql,
  id: number,
  { hash, prefix }: { hash: Uint8Array; prefix: string },
  until: number,
): Promise<KeyRow> {
  const old = await sql.get<{ hash: Uint8Array; prefix: string }>("SELECT hash, prefix FROM keys WHERE id = $id FOR UPDATE", { id });
  if (!old) throw noKey(id);
  await sql.run("DELETE FROM former_keys WHERE key_id = $id AND valid_until < $until::bigint - 86400000", { id, until });
  await sql.run(
    `INSERT INTO former_keys (hash, key_id, prefix, valid_until) VALUES ($hash, $id, $prefix, $until)
     ON CONFLICT (hash) DO UPDATE SET valid_until = excluded.valid_until`,
    { ...old, id, until },
  );
  return toKey(
    (await sql.get<Raw>(`UPDATE keys SET hash = $hash, prefix = $prefix WHERE id = $id RETURNING ${COLUMNS}`, { id, hash, prefix }))!,
  );
}

/** Former secrets of a key that are valid after `now`, the one that lasts longest first. */
export function listFormerKeys(sql: Reader, id: number, now: number): Promise<FormerKey[]> {
  return sql.all(
    'SELECT prefix, valid_until AS "until" FROM former_keys WHERE key_id = $id AND valid_until > $now ORDER BY valid_until DESC',
    { id, now },
  );
}

/** Ends the former secrets of a key. Returns how many were valid. */
export function endFormerKeys(sql: Sql, id: number, now: number): Promise<number> {
  return sql.run("UPDATE former_keys SET valid_until = $now WHERE key_id = $id AND valid_until > $now", { id, now });
}

/**
 * @param key `hash` is the SHA-256 of the key, 32 bytes
 * @throws {AppError} `conflict` when the same key was issued before
 */
export async function insertKey(sql: Sql, key: NewKey, now: number): Promise<KeyRow> {
  const raw = await sql.get<Raw>(
    `INSERT INTO keys (name, hash, prefix, enabled, created_at, expires_at, models, kinds, addresses, limits, image_form, video_form,
       side_calls, images_routes_only)
     VALUES ($name, $hash, $prefix, $enabled, $now, $expiresAt, $models, $kinds, $addresses, $limits, $imageForm, $videoForm,
       $sideCalls, $imagesRoutesOnly)
     ON CONFLICT (hash) DO NOTHING RETURNING ${COLUMNS}`,
    { ...toBindings(key), hash: key.hash, prefix: key.prefix, now },
  );
  if (!raw) throw new AppError("conflict", "This key was issued before.");
  return toKey(raw);
}

/** Changes what `change` names; `undefined` changes nothing. @throws {AppError} `not_found` */
export async function updateKey(sql: Sql, id: number, change: KeyChange): Promise<KeyRow> {
  const raw = await sql.get<Raw>(`SELECT ${COLUMNS} FROM keys WHERE id = $id FOR NO KEY UPDATE`, { id });
  if (!raw) throw noKey(id);
  const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const next: KeyRow = { ...toKey(raw), ...defined };
  await sql.run(
    `UPDATE keys SET name = $name, enabled = $enabled, expires_at = $expiresAt, revoked_at = $revokedAt, models = $models, kinds = $kinds,
       addresses = $addresses, limits = $limits, image_form = $imageForm, video_form = $videoForm, side_calls = $sideCalls,
       images_routes_only = $imagesRoutesOnly
     WHERE id = $id`,
    { ...toBindings(next), id, revokedAt: next.revokedAt },
  );
  return next;
}
