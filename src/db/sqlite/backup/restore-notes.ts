// Restore notes on disk: the staged restore, the applied one, differences since a backup.

import { Database } from "bun:sqlite";
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AppliedRestore, BackupDifference, StagedRestore } from "../../../domain/backup.ts";

/** A backup that waits, whole, with its note. */
export const STAGED = "restore.staged";
const STAGED_NOTE = "restore.json";
const APPLIED_NOTE = "restored.json";
/** A restore that waits longer is dropped: whatever restarts the server then has something else in mind. */
export const STAGED_MS = 24 * 3_600_000;

/** Named in the staged folder itself; `stagedAt` and what follows is absent in notes of earlier versions. */
type StagedNote = { aside: string } & Partial<Omit<StagedRestore, "aside" | "expiresAt">>;

export function writeStagedNote(folder: string, note: Omit<StagedRestore, "expiresAt">): void {
  writeFileSync(join(folder, STAGED_NOTE), JSON.stringify(note), { mode: 0o600 });
}

/** What waits for the next start; null when nothing does. One past its time is dropped. */
export function stagedRestore(dataDir: string, now: number): StagedRestore | null {
  const file = join(dataDir, STAGED, STAGED_NOTE);
  if (!existsSync(file)) return null;
  const { aside, stagedAt = statSync(file).mtimeMs, backupAt = null, holds = [] } = JSON.parse(readFileSync(file, "utf8")) as StagedNote;
  // A restore that has started (its folder is there) is finished: half of the data is moved aside by then.
  if (now - stagedAt >= STAGED_MS && !existsSync(join(dataDir, aside))) {
    dropStagedRestore(dataDir);
    return null;
  }
  return { aside, stagedAt, backupAt, holds, expiresAt: stagedAt + STAGED_MS };
}

/** Gives up a restore that waits. */
export function dropStagedRestore(dataDir: string): void {
  rmSync(join(dataDir, STAGED), { recursive: true, force: true });
}

/** The last restore that was put in place; null when there was none. */
export function appliedRestore(dataDir: string): AppliedRestore | null {
  const file = join(dataDir, APPLIED_NOTE);
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as AppliedRestore) : null;
  } catch {
    // Only shown in the admin: a damaged note must not stop the server from starting.
    return null;
  }
}

/** Replaces the note whole: a crash leaves the former one. */
export function writeAppliedRestore(dataDir: string, note: AppliedRestore): void {
  const file = join(dataDir, APPLIED_NOTE);
  writeFileSync(`${file}.next`, JSON.stringify(note), { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

/** Tables whose rows an operator would miss, each with the column that tells its rows apart. */
const COUNTED = { tokens: "id", keys: "id", jobs: "id", media: "id", settings: "name", audit: "id" } as const;

/** What the data have that a waiting backup has not, and the other way round; empty when none waits. */
export function differencesToStaged(dataDir: string): BackupDifference[] {
  const [now, then] = [join(dataDir, "flow2api.db"), join(dataDir, STAGED, "flow2api.db")];
  if (!existsSync(now) || !existsSync(then)) return [];
  using db = new Database(now, { readonly: true });
  db.query("ATTACH $then AS backup").run({ then });
  const has = (schema: string, table: string) =>
    db.query(`SELECT 1 FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = $table`).get({ table }) !== null;
  const count = (from: string, other: string, column: string, table: string) =>
    db
      .query<{ count: number }, []>(
        `SELECT count(*) AS count FROM ${from}.${table} WHERE ${column} NOT IN (SELECT ${column} FROM ${other}.${table})`,
      )
      .get()!.count;
  return Object.entries(COUNTED)
    .filter(([table]) => has("main", table) && has("backup", table))
    .map(([table, column]) => ({
      table: table as BackupDifference["table"],
      lost: count("main", "backup", column, table),
      back: count("backup", "main", column, table),
    }))
    .filter(({ lost, back }) => lost > 0 || back > 0);
}
