// Lock of the data folder: one serving process, released when that process dies.
import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import { createPrivateFile, isBusy } from "./database.ts";

const lockFile = (dataDir: string): string => join(dataDir, "lock.db");

/**
 * Takes the data folder for this process until disposed; the folder is created when it is missing. No stale lock can remain:
 * the operating system drops it with the process.
 * @throws {AppError} `conflict` when another process (or another owner in this one) has it
 */
export function acquireFolder(dataDir: string): Disposable {
  createPrivateFile(lockFile(dataDir));
  if (isNoDatabase(lockFile(dataDir))) truncateSync(lockFile(dataDir));
  const db = new Database(lockFile(dataDir));
  try {
    // Long enough to outlast somebody who only looks (isFolderOwned).
    db.run("PRAGMA busy_timeout = 200");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw error;
    throw new AppError("conflict", `The data folder ${dataDir} is in use by another flow2api. Stop it, or choose another folder.`);
  }
  return { [Symbol.dispose]: () => db.close() };
}

/** Nothing is ever stored in it: whatever else lies there is damage, and only its lock counts. */
function isNoDatabase(file: string): boolean {
  using db = new Database(file, { readwrite: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.query("PRAGMA schema_version").get();
    return false;
  } catch (error) {
    return error instanceof SQLiteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code ?? "");
  }
}

/** Whether somebody holds the folder right now. */
export function isFolderOwned(dataDir: string): boolean {
  if (!existsSync(lockFile(dataDir)) || isNoDatabase(lockFile(dataDir))) return false;
  const db = new Database(lockFile(dataDir), { readwrite: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN IMMEDIATE");
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    db.close();
  }
}
