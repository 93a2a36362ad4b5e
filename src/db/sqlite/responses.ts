// SQL of stored responses: by id and key, expiry, oldest of a key.
import type { Database } from "bun:sqlite";
import type { ResponseRow, ResponseSum } from "../responses.ts";

type Raw = Omit<ResponseRow, "body"> & { body: string };

/** One that is there already is left as it is. */
export function insertResponse(db: Database, { body, ...row }: ResponseRow): void {
  const text = JSON.stringify(body);
  db.query("INSERT OR IGNORE INTO responses (id, key_id, created_at, bytes, body) VALUES ($id, $keyId, $createdAt, $bytes, $body)").run({
    ...row,
    bytes: Buffer.byteLength(text),
    body: text,
  });
}

export function getResponse(db: Database, id: string, keyId: number): ResponseRow | null {
  const raw = db
    .query<Raw, { id: string; keyId: number }>(
      "SELECT id, key_id AS keyId, created_at AS createdAt, body FROM responses WHERE id = $id AND key_id = $keyId",
    )
    .get({ id, keyId });
  return raw && { ...raw, body: JSON.parse(raw.body) };
}

/** Whether there was one. */
export function deleteResponse(db: Database, id: string, keyId: number): boolean {
  return db.query("DELETE FROM responses WHERE id = $id AND key_id = $keyId").run({ id, keyId }).changes > 0;
}

/** Deletes at most `limit` older than `before` (epoch ms); says how many. */
export function deleteResponsesBefore(db: Database, before: number, limit: number): number {
  return db
    .query("DELETE FROM responses WHERE seq IN (SELECT seq FROM responses WHERE created_at < $before ORDER BY created_at LIMIT $limit)")
    .run({ before, limit }).changes;
}

/** What each key holds; empty while all of it fits into `maxBytes`. */
export function sumResponses(db: Database, maxBytes: number): ResponseSum[] {
  const held = db.query<{ bytes: number }, []>("SELECT coalesce(sum(bytes), 0) AS bytes FROM responses").get()!.bytes;
  if (held <= maxBytes) return [];
  return db.query<ResponseSum, []>("SELECT key_id AS keyId, sum(bytes) AS bytes FROM responses GROUP BY key_id").all();
}

/** Deletes the oldest of a key, at least `bytes` of them and at most `limit`; says how many. */
export function deleteOldestResponses(db: Database, { keyId, bytes }: ResponseSum, limit: number): number {
  const oldest = db
    .query<{ seq: number; bytes: number }, { keyId: number; limit: number }>(
      "SELECT seq, bytes FROM responses WHERE key_id = $keyId ORDER BY created_at, seq LIMIT $limit",
    )
    .all({ keyId, limit });
  let excess = bytes;
  let deleted = 0;
  for (const row of oldest) {
    if (excess <= 0) break;
    db.query("DELETE FROM responses WHERE seq = $seq").run({ seq: row.seq });
    excess -= row.bytes;
    deleted += 1;
  }
  return deleted;
}
