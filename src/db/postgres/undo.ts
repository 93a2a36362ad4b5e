// SQL of actions that can be undone, sealed: what they replaced may hold a proxy's password.
import type { UndoAction } from "../../domain/undo.ts";
import { UNDO } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Reader, Sql } from "./driver.ts";

/** Rows stored at most: the rest of a busy minute is in the audit log. */
const MAX_ROWS = 100;

export async function insertUndo(sql: Sql, vault: Vault, action: UndoAction): Promise<void> {
  const { id, at } = action;
  const sealed = vault.seal(UNDO, JSON.stringify(action));
  await sql.run("INSERT INTO undo_actions (id, at, action) VALUES ($id, $at, $sealed)", { id, at, sealed });
  await sql.run(`DELETE FROM undo_actions WHERE at < (SELECT at FROM undo_actions ORDER BY at DESC LIMIT 1 OFFSET ${MAX_ROWS})`, {});
  await sql.run("DELETE FROM undo_actions WHERE at < $at::bigint - 3600000", { at });
}

/** Since a time, newest first. */
export async function listUndo(sql: Reader, vault: Vault, since: number): Promise<UndoAction[]> {
  const rows = await sql.all<{ action: Uint8Array }>("SELECT action FROM undo_actions WHERE at >= $since ORDER BY at DESC, id DESC", {
    since,
  });
  return rows.map(({ action }) => JSON.parse(vault.open(UNDO, action)));
}

/** Takes one out; null: it is older, or was taken. */
export async function takeUndo(sql: Sql, vault: Vault, id: string, since: number): Promise<UndoAction | null> {
  const row = await sql.get<{ action: Uint8Array }>("DELETE FROM undo_actions WHERE id = $id AND at >= $since RETURNING action", {
    id,
    since,
  });
  return row ? JSON.parse(vault.open(UNDO, row.action)) : null;
}
