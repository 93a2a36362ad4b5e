// SQL of media: one row per stored file, expiry, oldest first.
import type { Database } from "bun:sqlite";
import type { Media } from "../../domain/generation.ts";
import type { FileFilter, MediaFilter, MediaSource } from "../media.ts";

const COLUMNS = `id, kind, origin, mime, ext, bytes, width, height, key_id AS keyId, created_at AS createdAt, expires_at AS expiresAt,
  request_id AS requestId, name, purpose, family`;

/** With `data` when the row holds the bytes instead of a file. @throws when the id exists: ids are random */
export function insertMedia(db: Database, media: Media, data: Uint8Array | null, source: MediaSource | null): void {
  db.query<never, Record<string, string | number | Uint8Array | null>>(
    `INSERT INTO media (id, kind, origin, mime, ext, bytes, width, height, key_id, created_at, expires_at, request_id, name, purpose, family,
       data, token_id, signature)
     VALUES ($id, $kind, $origin, $mime, $ext, $bytes, $width, $height, $keyId, $createdAt, $expiresAt, $requestId, $name, $purpose, $family,
       $data, $tokenId, $signature)`,
  ).run({ ...media, data, tokenId: source?.tokenId ?? null, signature: source?.signature ?? null });
}

/** The calls that made these media; those that no call made are left out. */
export function readMediaSources(db: Database, ids: readonly string[]): Map<string, MediaSource> {
  const rows = db
    .query<{ id: string } & MediaSource, { ids: string }>(
      `SELECT id, token_id AS tokenId, signature FROM media
       WHERE id IN (SELECT value FROM json_each($ids)) AND token_id IS NOT NULL`,
    )
    .all({ ids: JSON.stringify(ids) });
  return new Map(rows.map(({ id, ...source }) => [id, source]));
}

/** Null when the bytes are in a file, or the media item is absent. */
export function readMediaBytes(db: Database, id: string): Uint8Array | null {
  return db.query<{ data: Uint8Array | null }, { id: string }>("SELECT data FROM media WHERE id = $id").get({ id })?.data ?? null;
}

/** One media item, expired or not; null when there is none. */
export function getMedia(db: Database, id: string): Media | null {
  return db.query<Media, { id: string }>(`SELECT ${COLUMNS} FROM media WHERE id = $id`).get({ id });
}

/** Files of one key that are not past `now`, by age; those with the same age by id. `after` is not among them. */
export function listFiles(db: Database, filter: FileFilter): Media[] {
  const { keyId, now, after, purpose, order, limit } = filter;
  const mark = after === undefined ? null : getMedia(db, after);
  if (after !== undefined && mark === null) return [];
  const [beyond, direction] = order === "asc" ? [">", "ASC"] : ["<", "DESC"];
  return db
    .query<Media, Record<string, string | number | null>>(
      `SELECT ${COLUMNS} FROM media
       WHERE name IS NOT NULL AND key_id = $keyId AND (expires_at IS NULL OR expires_at > $now)
         AND ($purpose IS NULL OR purpose = $purpose) AND ($id IS NULL OR (created_at, id) ${beyond} ($at, $id))
       ORDER BY created_at ${direction}, id ${direction} LIMIT $limit`,
    )
    .all({ keyId, now, limit, purpose: purpose ?? null, id: mark?.id ?? null, at: mark?.createdAt ?? null });
}

/** Newest first; those made in the same millisecond by id. Every condition but ids is answered from one index: see migration 6. */
export function listMedia(db: Database, filter: MediaFilter): Media[] {
  const { source, bindings } = matchOf(filter);
  return db
    .query<Media, Record<string, string | number>>(`SELECT ${COLUMNS} FROM ${source} ORDER BY created_at DESC, id DESC LIMIT $limit`)
    .all(bindings);
}

/** Up to `limit`. */
export function countMedia(db: Database, filter: MediaFilter): number {
  const { source, bindings } = matchOf(filter);
  return db
    .query<{ count: number }, Record<string, string | number>>(`SELECT count(*) AS count FROM (SELECT 1 FROM ${source} LIMIT $limit)`)
    .get(bindings)!.count;
}

/** Table and condition of a filter. */
function matchOf({ origin, limit, before, kind, keyId, family, from, to, ids }: MediaFilter) {
  const conditions = [
    ids === undefined ? "" : "id IN (SELECT value FROM json_each($ids))",
    kind === undefined ? "" : "kind = $kind",
    keyId === undefined ? "" : "key_id = $keyId",
    family === undefined ? "" : "family = $family",
    from === undefined ? "" : "created_at >= $from",
    to === undefined ? "" : "created_at < $to",
    before === undefined ? "" : "(created_at, id) < ($at, $id)",
  ].filter(Boolean);
  const named = { kind, keyId, family, from, to, at: before?.createdAt, id: before?.id, ids: ids && JSON.stringify(ids), origin, limit };
  const bindings = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as Record<string, string | number>;
  const table = ids === undefined ? "media INDEXED BY media_shown" : "media";
  return { source: `${table} WHERE ${["origin = $origin", ...conditions].join(" AND ")}`, bindings };
}

/** At most `limit` media past `now`, in the order of one index: where nothing has expired nothing is read. */
export function listExpiredMedia(db: Database, now: number, limit: number): Media[] {
  return db
    .query<Media, { now: number; limit: number }>(
      `SELECT ${COLUMNS} FROM media INDEXED BY media_by_expiry WHERE expires_at <= $now ORDER BY expires_at LIMIT $limit`,
    )
    .all({ now, limit });
}

/** At most `limit` media of one owner and origin made before `before`, oldest first. */
export function listOldestMedia(
  db: Database,
  filter: { origin: Media["origin"]; keyId: number | null; before: number; limit: number },
): Media[] {
  return db
    .query<Media, typeof filter>(
      `SELECT ${COLUMNS} FROM media INDEXED BY media_shown WHERE origin = $origin AND created_at < $before AND key_id IS $keyId
       ORDER BY created_at, id LIMIT $limit`,
    )
    .all(filter);
}

/** What a request has made, oldest first. */
export function listResults(db: Database, requestId: string): Media[] {
  return db
    .query<Media, { requestId: string }>(
      `SELECT ${COLUMNS} FROM media INDEXED BY media_results WHERE request_id = $requestId AND origin = 'result'
       ORDER BY created_at, rowid`,
    )
    .all({ requestId });
}

/** Unknown ids are passed over. */
export function deleteMedia(db: Database, ids: string[]): void {
  db.query("DELETE FROM media WHERE id IN (SELECT value FROM json_each($ids))").run({ ids: JSON.stringify(ids) });
}

/** The ids without a media item. */
export function listUnknownMedia(db: Database, ids: string[]): string[] {
  return db
    .query<{ id: string }, { ids: string }>("SELECT value AS id FROM json_each($ids) WHERE value NOT IN (SELECT id FROM media)")
    .all({ ids: JSON.stringify(ids) })
    .map(({ id }) => id);
}

/** Bytes of all media, by owner and origin. Triggers maintain the sums. */
export function sumMedia(db: Database): { origin: Media["origin"]; keyId: number | null; bytes: number }[] {
  return db
    .query<{ origin: Media["origin"]; keyId: number | null; bytes: number }, []>(
      "SELECT origin, nullif(key_id, -1) AS keyId, bytes FROM media_sums WHERE bytes > 0 ORDER BY origin, key_id",
    )
    .all();
}
