// SQL of deleted tokens: out of the pool and back, and erased in the end.
import type { Reader, Sql } from "./driver.ts";
import { deleteToken } from "./tokens.ts";

/** Deletes tokens at a time, or puts deleted ones back (null). Returns the ids that changed. */
export async function setTokensDeleted(sql: Sql, ids: readonly number[], at: number | null): Promise<number[]> {
  const changed = await sql.all<{ id: number }>(
    `UPDATE tokens SET deleted_at = $at WHERE id IN (
       SELECT id FROM tokens WHERE id = ANY($ids::bigint[]) AND (deleted_at IS NULL) <> ($at::bigint IS NULL)
       ORDER BY id FOR NO KEY UPDATE) RETURNING id`,
    { ids: [...ids], at },
  );
  const done = new Set(changed.map(({ id }) => id));
  return [...new Set(ids)].filter((id) => done.has(id));
}

/** Erases tokens that were deleted before that time, with what is known of them. Returns how many. */
export async function deleteTokensBefore(sql: Sql, time: number, limit: number): Promise<number> {
  const old = await sql.all<{ id: number }>(
    "SELECT id FROM tokens WHERE deleted_at < $time ORDER BY id LIMIT $limit FOR UPDATE SKIP LOCKED",
    { time, limit },
  );
  for (const { id } of old) await deleteToken(sql, id);
  return old.length;
}

export async function countDeletedTokens(sql: Reader): Promise<number> {
  return (await sql.get<{ count: number }>("SELECT count(*) AS count FROM tokens WHERE deleted_at IS NOT NULL", {}))!.count;
}

/** Erases those of the ids that are deleted. Returns the ids that went. */
export async function eraseTokens(sql: Sql, ids: readonly number[]): Promise<number[]> {
  const gone = await sql.all<{ id: number }>(
    "SELECT id FROM tokens WHERE id = ANY ($ids::bigint[]) AND deleted_at IS NOT NULL ORDER BY id FOR UPDATE",
    { ids: [...ids] },
  );
  for (const { id } of gone) await deleteToken(sql, id);
  return gone.map(({ id }) => id);
}
