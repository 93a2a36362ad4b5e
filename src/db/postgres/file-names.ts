// SQL of uploaded file names: unique per key, deleted with the file.
import type { FileName } from "../media.ts";
import type { Reader, Sql } from "./driver.ts";

/** False: the key has a file of this name that is not past `now`. A name whose file is past its time is free. */
export async function nameFile(sql: Sql, { keyId, name, mediaId }: FileName, now: number): Promise<boolean> {
  await sql.run(
    `DELETE FROM file_names WHERE key_id = $keyId AND name = $name AND media_id IN (SELECT id FROM media WHERE expires_at <= $now)`,
    { keyId, name, now },
  );
  const written = await sql.run("INSERT INTO file_names (key_id, name, media_id) VALUES ($keyId, $name, $mediaId) ON CONFLICT DO NOTHING", {
    keyId,
    name,
    mediaId,
  });
  return written === 1;
}

/** Id of the media item that a key gave this name, expired or not; null when there is none. */
export async function fileNamed(sql: Reader, keyId: number, name: string): Promise<string | null> {
  const row = await sql.get<{ id: string }>("SELECT media_id AS id FROM file_names WHERE key_id = $keyId AND name = $name", {
    keyId,
    name,
  });
  return row?.id ?? null;
}

/** Names of those of these media that have one. */
export function listFileNames(sql: Reader, ids: string[]): Promise<FileName[]> {
  return sql.all(`SELECT key_id AS "keyId", name, media_id AS "mediaId" FROM file_names WHERE media_id = ANY ($ids::text[])`, { ids });
}
