// SQL of actions that can be undone, sealed: what they replaced may hold a proxy's password.
import type { Database } from "bun:sqlite";
import type { UndoAction, UndoEntry } from "../../domain/undo.ts";
import { UNDO } from "../sealed.ts";
import type { Vault } from "../vault.ts";

/** Rows stored at most: the rest of a busy minute is in the audit log. */
const MAX_ROWS = 100;

export function insertUndo(db: Database, vault: Vault, action: UndoAction): void {
  const { id, at } = action;
  db.query("INSERT INTO undo_actions (id, at, head, action) VALUES ($id, $at, $head, $sealed)").run({
    id,
    at,
    head: headOf(action),
    sealed: vault.seal(UNDO, JSON.stringify(action)),
  });
  db.query(`DELETE FROM undo_actions WHERE at < (SELECT at FROM undo_actions ORDER BY at DESC LIMIT 1 OFFSET ${MAX_ROWS})`).run();
  db.query("DELETE FROM undo_actions WHERE at < $at - 3600000").run({ at });
}

/** What is listed holds no secret. */
const headOf = ({ actor, action, count, name }: UndoAction) => JSON.stringify({ actor, action, count, name });

type Listed = { id: string; at: number; head: string | null; action: Uint8Array | null };

/** Since a time, newest first. The action itself is read only where a build before wrote it: it may be thousands of rows long. */
export function listUndo(db: Database, vault: Vault, since: number, limit: number): UndoEntry[] {
  const rows = db
    .query<Listed, { since: number; limit: number }>(
      `SELECT id, at, head, CASE WHEN head IS NULL THEN action END AS action FROM undo_actions
         WHERE at >= $since ORDER BY at DESC, id DESC LIMIT $limit`,
    )
    .all({ since, limit });
  return rows.map(({ id, at, head, action }) => {
    if (head !== null) return { id, at, ...JSON.parse(head) };
    const { steps: _steps, ...entry }: UndoAction = JSON.parse(vault.open(UNDO, action!));
    return entry;
  });
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
