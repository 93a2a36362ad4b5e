// SQL of actions that can be undone, sealed: what they replaced may hold a proxy's password.
import type { Database } from "bun:sqlite";
import type { UndoAction } from "../../domain/undo.ts";
import { UNDO } from "../sealed.ts";
import type { Vault } from "../vault.ts";

/** Rows stored at most: the rest of a busy minute is in the audit log. */
const MAX_ROWS = 100;

export function insertUndo(db: Database, vault: Vault, action: UndoAction): void {
  const { id, at } = action;
  db.query("INSERT INTO undo_actions (id, at, action) VALUES ($id, $at, $sealed)").run({
    id,
    at,
    sealed: vault.seal(UNDO, JSON.stringify(action)),
  });
  db.query(`DELETE FROM undo_actions WHERE at < (SELECT at FROM undo_actions ORDER BY at DESC LIMIT 1 OFFSET ${MAX_ROWS})`).run();
  db.query("DELETE FROM undo_actions WHERE at < $at - 3600000").run({ at });
}

/** Since a time, newest first. */
export function listUndo(db: Database, vault: Vault, since: number): UndoAction[] {
  const rows = db
    .query<{ action: Uint8Array }, { since: number }>("SELECT action FROM undo_actions WHERE at >= $since ORDER BY at DESC, id DESC")
    .all({ since });
  return rows.map(({ action }) => JSON.parse(vault.open(UNDO, action)));
}

/** Takes one out; null: it is older, or was taken. */
export function takeUndo(db: Database, vault: Vault, id: string, since: number): UndoAction | null {
  const row = db
    .query<{ action: Uint8Array }, { id: string; since: number }>(
      "DELETE FROM undo_actions WHERE id = $id AND at >= $since RETURNING action",
    )
    .get({ id, since });
  return row ? JSON.parse(vault.open(UNDO, row.action)) : null;
}
