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
