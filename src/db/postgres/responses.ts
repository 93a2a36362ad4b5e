// SQL of stored responses: by id and key, expiry, oldest of a key.
import type { ResponseRow, ResponseSum } from "../responses.ts";
import type { Reader, Sql } from "./driver.ts";

type Raw = Omit<ResponseRow, "body"> & { body: string };

/** One that is there already is left as it is. */
export async function insertResponse(sql: Sql, { id, keyId, createdAt, body }: ResponseRow): Promise<void> {
  const text = JSON.stringify(body);
  await sql.run(
    `INSERT INTO responses (id, key_id, created_at, bytes, body) VALUES ($id, $keyId, $createdAt, $bytes, $body)
     ON CONFLICT (id) DO NOTHING`,
    { id, keyId, createdAt, bytes: Buffer.byteLength(text), body: text },
  );
}

export async function getResponse(sql: Reader, id: string, keyId: number): Promise<ResponseRow | null> {
  const raw = await sql.get<Raw>(
    `SELECT id, key_id AS "keyId", created_at AS "createdAt", body FROM responses WHERE id = $id AND key_id = $keyId`,
    { id, keyId },
  );
  return raw && { ...raw, body: JSON.parse(raw.body) };
}

/** Whether there was one. */
export async function deleteResponse(sql: Sql, id: string, keyId: number): Promise<boolean> {
  return (await sql.run("DELETE FROM responses WHERE id = $id AND key_id = $keyId", { id, keyId })) > 0;
}

/** Deletes at most `limit` older than `before` (epoch ms); says how many. */
export function deleteResponsesBefore(sql: Sql, before: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM responses WHERE seq IN (
       SELECT seq FROM responses WHERE created_at < $before ORDER BY created_at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { before, limit },
  );
}

/** What each key holds; empty while all of it fits into `maxBytes`. */
export async function sumResponses(sql: Reader, maxBytes: number): Promise<ResponseSum[]> {
  const held = await sql.get<{ bytes: number }>("SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM responses");
  if (!held || held.bytes <= maxBytes) return [];
  return sql.all(`SELECT key_id AS "keyId", sum(bytes)::bigint AS bytes FROM responses GROUP BY key_id ORDER BY key_id`);
}

/** Deletes the oldest of a key, at least `bytes` of them and at most `limit`; says how many. */
export function deleteOldestResponses(sql: Sql, { keyId, bytes }: ResponseSum, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM responses WHERE seq IN (
       SELECT seq FROM (
         SELECT seq, sum(bytes) OVER (ORDER BY created_at, seq) - bytes AS older
         FROM (SELECT seq, created_at, bytes FROM responses WHERE key_id = $keyId ORDER BY created_at, seq LIMIT $limit) AS oldest
       ) AS summed WHERE older < $bytes::bigint)`,
    { keyId, bytes, limit },
  );
}
