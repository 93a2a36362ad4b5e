// SQL of actions that can be undone, sealed: what they replaced may hold a proxy's password.
import type { UndoAction, UndoEntry } from "../../domain/undo.ts";
import { UNDO } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Reader, Sql } from "./driver.ts";

/** Rows stored at most: the rest of a busy minute is in the audit log. */
const MAX_ROWS = 100;

export async function insertUndo(sql: Sql, vault: Vault, action: UndoAction): Promise<void> {
  const { id, at } = action;
  const sealed = vault.seal(UNDO, JSON.stringify(action));
  await sql.run("INSERT INTO undo_actions (id, at, head, action) VALUES ($id, $at, $head, $sealed)", {
    id,
    at,
    head: headOf(action),
    sealed,
  });
  await sql.run(`DELETE FROM undo_actions WHERE at < (SELECT at FROM undo_actions ORDER BY at DESC LIMIT 1 OFFSET ${MAX_ROWS})`, {});
  await sql.run("DELETE FROM undo_actions WHERE at < $at::bigint - 3600000", { at });
}

/** What is listed holds no secret. */
const headOf = ({ actor, action, count, name }: UndoAction) => JSON.stringify({ actor, action, count, name });

/** The action itself is read only where a build before wrote it: it may be thousands of rows long. */
const LIST = `SELECT id, at, head, CASE WHEN head IS NULL THEN action END AS action FROM undo_actions
  WHERE at >= $since ORDER BY at DESC, id DESC LIMIT $limit`;
type Listed = { id: string; at: number; head: string | null; action: Uint8Array | null };

/** Since a time, newest first. */
export async function listUndo(sql: Reader, vault: Vault, since: number, limit: number): Promise<UndoEntry[]> {
  const rows = await sql.all<Listed>(LIST, { since, limit });
  return rows.map(({ id, at, head, action }) => {
    if (head !== null) return { id, at, ...JSON.parse(head) };
    const { steps: _steps, ...entry }: UndoAction = JSON.parse(vault.open(UNDO, action!));
    return entry;
  });
}

/** Takes one out; null: it is older, or was taken. */
export async function takeUndo(sql: Sql, vault: Vault, id: string, since: number): Promise<UndoAction | null> {
  const row = await sql.get<{ action: Uint8Array }>("DELETE FROM undo_actions WHERE id = $id AND at >= $since RETURNING action", {
    id,
    since,
  });
  return row ? JSON.parse(vault.open(UNDO, row.action)) : null;
}
