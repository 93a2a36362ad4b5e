// SQL of the answers of /v1/responses: found by their id and their key, deleted by age and total size.
import type { Database } from "bun:sqlite";
import type { ResponseRow } from "../responses.ts";

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

/** Deletes at most `limit`: those older than `before` (epoch ms), then the oldest beyond `maxBytes`; says how many. */
export function deleteResponsesBefore(db: Database, before: number, maxBytes: number, limit: number): number {
  const expired = db
    .query("DELETE FROM responses WHERE seq IN (SELECT seq FROM responses WHERE created_at < $before ORDER BY created_at LIMIT $limit)")
    .run({ before, limit }).changes;
  const surplus = listSurplus(db, maxBytes, limit - expired);
  for (const seq of surplus) db.query("DELETE FROM responses WHERE seq = $seq").run({ seq });
  return expired + surplus.length;
}

/** The oldest, as many as bring the sum under `maxBytes`, at most `limit`. */
function listSurplus(db: Database, maxBytes: number, limit: number): number[] {
  const held = db.query<{ bytes: number }, []>("SELECT coalesce(sum(bytes), 0) AS bytes FROM responses").get()!.bytes;
  if (held <= maxBytes) return [];
  let excess = held - maxBytes;
  const oldest = db
    .query<{ seq: number; bytes: number }, { limit: number }>("SELECT seq, bytes FROM responses ORDER BY created_at, seq LIMIT $limit")
    .all({ limit });
  const surplus: number[] = [];
  for (const { seq, bytes } of oldest) {
    if (excess <= 0) break;
    surplus.push(seq);
    excess -= bytes;
  }
  return surplus;
}
