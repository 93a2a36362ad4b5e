// SQL of API keys: rows, and the SHA-256 that finds them.

import type { Database } from "bun:sqlite";
import { type FormerKey, type KeyChange, type KeyHash, type KeyRow, type NewKey, NO_LIMITS } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";

const COLUMNS = `id, name, prefix, enabled, created_at AS createdAt, expires_at AS expiresAt, revoked_at AS revokedAt,
  models, kinds, addresses, limits, image_form AS imageForm, video_form AS videoForm, side_calls AS sideCalls,
  images_routes_only AS imagesRoutesOnly`;

type Raw = Omit<KeyRow, "enabled" | "models" | "kinds" | "addresses" | "limits" | "imagesRoutesOnly"> & {
  enabled: number;
  models: string;
  kinds: string;
  addresses: string;
  limits: string;
  imagesRoutesOnly: number;
};

const toKey = (raw: Raw): KeyRow => ({
  ...raw,
  enabled: raw.enabled === 1,
  models: JSON.parse(raw.models),
  kinds: JSON.parse(raw.kinds),
  addresses: JSON.parse(raw.addresses),
  // Rows of earlier versions lack limits that came later.
  limits: { ...NO_LIMITS, ...JSON.parse(raw.limits) },
  imagesRoutesOnly: raw.imagesRoutesOnly === 1,
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
export function listKeys(db: Database): KeyRow[] {
  return db.query<Raw, []>(`SELECT ${COLUMNS} FROM keys ORDER BY id`).all().map(toKey);
}

/** The SHA-256 of every key, revoked ones included, and of former secrets. */
export function listKeyHashes(db: Database): KeyHash[] {
  const former = "SELECT key_id AS id, hash, valid_until AS until FROM former_keys";
  return db.query<KeyHash, []>(`SELECT id, hash, NULL AS until FROM keys UNION ALL ${former} ORDER BY id`).all();
}

/**
 * Replaces the secret of a key; the former one stays valid until `until`. Former ones that ended a day before that are deleted.
 * @throws {AppError} `not_found`
 */
export function rotateKey(db: Database, id: number, { hash, prefix }: { hash: Uint8Array; prefix: string }, until: number): KeyRow {
  db.query("DELETE FROM former_keys WHERE key_id = $id AND valid_until < $until - 86400000").run({ id, until });
  db.query(
    "INSERT OR REPLACE INTO former_keys (hash, key_id, prefix, valid_until) SELECT hash, id, prefix, $until FROM keys WHERE id = $id",
  ).run({ id, until });
  if (db.query("UPDATE keys SET hash = $hash, prefix = $prefix WHERE id = $id").run({ id, hash, prefix }).changes === 0) throw noKey(id);
  return toKey(db.query<Raw, { id: number }>(`SELECT ${COLUMNS} FROM keys WHERE id = $id`).get({ id })!);
}

/** Former secrets of a key that are valid after `now`, the one that lasts longest first. */
export function listFormerKeys(db: Database, id: number, now: number): FormerKey[] {
  return db
    .query<FormerKey, { id: number; now: number }>(
      "SELECT prefix, valid_until AS until FROM former_keys WHERE key_id = $id AND valid_until > $now ORDER BY valid_until DESC",
    )
    .all({ id, now });
}

/** Ends the former secrets of a key. Returns how many were valid. */
export function endFormerKeys(db: Database, id: number, now: number): number {
  return db.query("UPDATE former_keys SET valid_until = $now WHERE key_id = $id AND valid_until > $now").run({ id, now }).changes;
}

/**
 * @param key `hash` is the SHA-256 of the key, 32 bytes
 * @throws {AppError} `conflict` when the same key was issued before
 */
export function insertKey(db: Database, key: NewKey, now: number): KeyRow {
  const raw = db
    .query<Raw, Record<string, string | number | boolean | Uint8Array | null>>(
      `INSERT INTO keys (name, hash, prefix, enabled, created_at, expires_at, models, kinds, addresses, limits, image_form, video_form,
         side_calls, images_routes_only)
       VALUES ($name, $hash, $prefix, $enabled, $now, $expiresAt, $models, $kinds, $addresses, $limits, $imageForm, $videoForm,
         $sideCalls, $imagesRoutesOnly)
       ON CONFLICT (hash) DO NOTHING RETURNING ${COLUMNS}`,
    )
    .get({ ...toBindings(key), hash: key.hash, prefix: key.prefix, now });
  if (!raw) throw new AppError("conflict", "This key was issued before.");
  return toKey(raw);
}

/** Changes what `change` names; `undefined` changes nothing. @throws {AppError} `not_found` */
export function updateKey(db: Database, id: number, change: KeyChange): KeyRow {
  const raw = db.query<Raw, { id: number }>(`SELECT ${COLUMNS} FROM keys WHERE id = $id`).get({ id });
  if (!raw) throw noKey(id);
  const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const next: KeyRow = { ...toKey(raw), ...defined };
  db.query(
    `UPDATE keys SET name = $name, enabled = $enabled, expires_at = $expiresAt, revoked_at = $revokedAt, models = $models, kinds = $kinds,
       addresses = $addresses, limits = $limits, image_form = $imageForm, video_form = $videoForm, side_calls = $sideCalls,
       images_routes_only = $imagesRoutesOnly
     WHERE id = $id`,
  ).run({ ...toBindings(next), id, revokedAt: next.revokedAt });
  return next;
}
