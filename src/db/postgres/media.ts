// SQL of media: one row per stored file, expiry, oldest first.
import type { Media } from "../../domain/generation.ts";
import type { FileFilter, MediaFilter, MediaSource } from "../media.ts";
import type { Bound } from "./binding.ts";
import { type Bundle, jsonOf, rowsIn } from "./bundle.ts";
import type { Reader, Sql } from "./driver.ts";

const COLUMNS = `id, kind, origin, mime, ext, bytes, width, height, key_id AS "keyId", created_at AS "createdAt", expires_at AS "expiresAt",
  request_id AS "requestId", name, purpose, family`;

/** A row, its bytes when it holds them instead of a file, and what made it. */
export type NewMedia = readonly [media: Media, data: Uint8Array | null, source: MediaSource | null];

const GIVEN = `id text, kind text, origin text, mime text, ext text, bytes bigint, width int, height int, "keyId" bigint, "createdAt" bigint,
  "expiresAt" bigint, "requestId" text, name text, purpose text, family text, data text, "tokenId" bigint, signature text`;

/** In order. The transaction fails when an id exists: ids are random. */
export function insertMedia(bundle: Bundle, rows: readonly NewMedia[]): void {
  if (rows.length === 0) return;
  bundle.send({
    name: "new_media",
    text: `INSERT INTO media (id, kind, origin, mime, ext, bytes, width, height, key_id, created_at, expires_at, request_id, name, purpose,
         family, data, token_id, signature)
       SELECT id, kind, origin, mime, ext, bytes, width, height, "keyId", "createdAt", "expiresAt", "requestId", name, purpose, family,
         decode(data, 'hex'), "tokenId", signature
       FROM ${rowsIn("media", GIVEN)}
       RETURNING 1`,
    bound: { media: jsonOf(rows.map(([media, data, source]) => ({ ...media, data: data?.toHex(), ...source }))) },
  });
}

/** Media without a source, and unknown ids, are left out. */
export async function readMediaSources(sql: Reader, ids: readonly string[]): Promise<Map<string, MediaSource>> {
  const rows = await sql.all<MediaSource & { id: string }>(
    `SELECT id, token_id AS "tokenId", signature FROM media WHERE id = ANY ($ids::text[]) AND token_id IS NOT NULL`,
    { ids },
  );
  return new Map(rows.map(({ id, tokenId, signature }) => [id, { tokenId, signature }]));
}

/** Null when the bytes are in a file, or the media item is absent. */
export async function readMediaBytes(sql: Reader, id: string): Promise<Uint8Array | null> {
  return (await sql.get<{ data: Uint8Array | null }>("SELECT data FROM media WHERE id = $id", { id }))?.data ?? null;
}

/** One media item, expired or not; null when there is none. */
export function getMedia(sql: Reader, id: string): Promise<Media | null> {
  return sql.get(`SELECT ${COLUMNS} FROM media WHERE id = $id`, { id });
}

/** Files of one key that are not past `now`, by age; those with the same age by id. `after` is not among them. */
export async function listFiles(sql: Reader, filter: FileFilter): Promise<Media[]> {
  const { keyId, now, after, purpose, order, limit } = filter;
  const mark = after === undefined ? null : await getMedia(sql, after);
  if (after !== undefined && mark === null) return [];
  const [beyond, direction] = order === "asc" ? [">", "ASC"] : ["<", "DESC"];
  return sql.all(
    `SELECT ${COLUMNS} FROM media
     WHERE name IS NOT NULL AND key_id = $keyId AND (expires_at IS NULL OR expires_at > $now)
       AND ($purpose::text IS NULL OR purpose = $purpose) AND ($id::text IS NULL OR (created_at, id) ${beyond} ($at::bigint, $id))
     ORDER BY created_at ${direction}, id ${direction} LIMIT $limit`,
    { keyId, now, limit, purpose: purpose ?? null, id: mark?.id ?? null, at: mark?.createdAt ?? null },
  );
}

/** Newest first; those made in the same millisecond by id. */
export function listMedia(sql: Reader, filter: MediaFilter): Promise<Media[]> {
  const { condition, bound } = matchOf(filter);
  return sql.all(`SELECT ${COLUMNS} FROM media WHERE ${condition} ORDER BY created_at DESC, id DESC LIMIT $limit`, bound);
}

/** Up to `limit`. */
export async function countMedia(sql: Reader, filter: MediaFilter): Promise<number> {
  const { condition, bound } = matchOf(filter);
  const text = `SELECT count(*)::int AS count FROM (SELECT 1 FROM media WHERE ${condition} LIMIT $limit) AS found`;
  return (await sql.get<{ count: number }>(text, bound))!.count;
}

function matchOf({ origin, limit, before, kind, keyId, family, from, to, ids }: MediaFilter): { condition: string; bound: Bound } {
  const conditions = [
    ids === undefined ? "" : "id = ANY ($ids::text[])",
    kind === undefined ? "" : "kind = $kind",
    keyId === undefined ? "" : "key_id = $keyId",
    family === undefined ? "" : "family = $family",
    from === undefined ? "" : "created_at >= $from",
    to === undefined ? "" : "created_at < $to",
    before === undefined ? "" : "(created_at, id) < ($at, $id)",
  ].filter(Boolean);
  const bound: Bound = {
    ...{ origin, limit },
    ...(kind !== undefined && { kind }),
    ...(keyId !== undefined && { keyId }),
    ...(family !== undefined && { family }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(before !== undefined && { at: before.createdAt, id: before.id }),
    ...(ids !== undefined && { ids: [...ids] }),
  };
  return { condition: ["origin = $origin", ...conditions].join(" AND "), bound };
}

/** At most `limit` media past `now`, first those that expired first. */
export function listExpiredMedia(sql: Reader, now: number, limit: number): Promise<Media[]> {
  return sql.all(`SELECT ${COLUMNS} FROM media WHERE expires_at <= $now ORDER BY expires_at LIMIT $limit`, { now, limit });
}

/** At most `limit` media of one owner and origin made before `before`, oldest first. */
export function listOldestMedia(
  sql: Reader,
  { origin, keyId, before, limit }: { origin: Media["origin"]; keyId: number | null; before: number; limit: number },
): Promise<Media[]> {
  const bound: Bound = { origin, before, limit, ...(keyId !== null && { keyId }) };
  return sql.all(
    `SELECT ${COLUMNS} FROM media WHERE origin = $origin AND created_at < $before AND key_id ${keyId === null ? "IS NULL" : "= $keyId"}
     ORDER BY created_at, id LIMIT $limit`,
    bound,
  );
}

/** What a request has made, oldest first. */
export function listResults(sql: Reader, requestId: string): Promise<Media[]> {
  return sql.all(`SELECT ${COLUMNS} FROM media WHERE request_id = $requestId AND origin = 'result' ORDER BY created_at, seq`, {
    requestId,
  });
}

/** Unknown ids are skipped. */
export async function deleteMedia(sql: Sql, ids: string[]): Promise<void> {
  await sql.run("DELETE FROM media WHERE id = ANY ($ids::text[])", { ids });
}

/** The ids without a media item. */
export async function listUnknownMedia(sql: Reader, ids: string[]): Promise<string[]> {
  const rows = await sql.all<{ id: string }>(
    `SELECT asked.id FROM unnest($ids::text[]) WITH ORDINALITY AS asked (id, position)
     WHERE NOT EXISTS (SELECT 1 FROM media WHERE media.id = asked.id) ORDER BY position`,
    { ids },
  );
  return rows.map(({ id }) => id);
}

/** Bytes of all media, by owner and origin. Triggers maintain the sums. */
export function sumMedia(sql: Reader): Promise<{ origin: Media["origin"]; keyId: number | null; bytes: number }[]> {
  return sql.all(`SELECT origin, nullif(key_id, -1) AS "keyId", bytes FROM media_sums WHERE bytes > 0 ORDER BY origin, key_id`);
}
