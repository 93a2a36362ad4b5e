// SQL of uploaded file names: unique per key, deleted with the file.
import type { Database } from "bun:sqlite";
import type { FileName } from "../media.ts";

/** False: the key has a file of this name that is not past `now`. A name whose file is past its time is free. */
export function nameFile(db: Database, { keyId, name, mediaId }: FileName, now: number): boolean {
  db.query<never, { keyId: number; name: string; now: number }>(
    `DELETE FROM file_names WHERE key_id = $keyId AND name = $name
       AND media_id IN (SELECT id FROM media WHERE expires_at <= $now)`,
  ).run({ keyId, name, now });
  return (
    db
      .query<never, FileName>("INSERT OR IGNORE INTO file_names (key_id, name, media_id) VALUES ($keyId, $name, $mediaId)")
      .run({ keyId, name, mediaId }).changes === 1
  );
}

/** Id of the media item that a key gave this name, expired or not; null when there is none. */
export function fileNamed(db: Database, keyId: number, name: string): string | null {
  return (
    db
      .query<{ id: string }, { keyId: number; name: string }>(
        "SELECT media_id AS id FROM file_names WHERE key_id = $keyId AND name = $name",
      )
      .get({ keyId, name })?.id ?? null
  );
}

/** Names of those of these media that have one. */
export function listFileNames(db: Database, ids: string[]): FileName[] {
  return db
    .query<FileName, { ids: string }>(
      "SELECT key_id AS keyId, name, media_id AS mediaId FROM file_names WHERE media_id IN (SELECT value FROM json_each($ids))",
    )
    .all({ ids: JSON.stringify(ids) });
}
