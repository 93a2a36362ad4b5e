// SQL of deleted tokens: out of the pool and back, and erased in the end.
import type { Database } from "bun:sqlite";
import { deleteToken } from "./tokens.ts";

/** Deletes tokens at a time, or puts deleted ones back (null). Returns the ids that changed. */
export function setTokensDeleted(db: Database, ids: readonly number[], at: number | null): number[] {
  const statement = db.query("UPDATE tokens SET deleted_at = $at WHERE id = $id AND (deleted_at IS NULL) <> ($at IS NULL)");
  return [...new Set(ids)].filter((id) => statement.run({ id, at }).changes > 0);
}

/** Erases tokens that were deleted before that time, with what is known of them. Returns how many. */
export function deleteTokensBefore(db: Database, time: number, limit: number): number {
  const old = db
    .query<{ id: number }, { time: number; limit: number }>("SELECT id FROM tokens WHERE deleted_at < $time LIMIT $limit")
    .all({ time, limit });
  for (const { id } of old) deleteToken(db, id);
  return old.length;
}

export function countDeletedTokens(db: Database): number {
  return db.query<{ count: number }, []>("SELECT count(*) AS count FROM tokens WHERE deleted_at IS NOT NULL").get()!.count;
}

/** Erases those of the ids that are deleted. Returns the ids that went. */
export function eraseTokens(db: Database, ids: readonly number[]): number[] {
  const statement = db.query<{ id: number }, { id: number }>("SELECT id FROM tokens WHERE id = $id AND deleted_at IS NOT NULL");
  const gone = [...new Set(ids)].filter((id) => statement.get({ id }) !== null);
  for (const id of gone) deleteToken(db, id);
  return gone;
}
