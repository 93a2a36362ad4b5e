// Consistent copies of a database in use.
import type { Database } from "bun:sqlite";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { AppError } from "../../../errors.ts";
import { createPrivateFile } from "../database.ts";

/**
 * Writes a compact, consistent copy of `db` to `file`, which appears whole or not at all and is readable by its owner only.
 * Blocks while it copies (about half a second for 150 MB).
 * @throws {AppError} `conflict` when `file` is there already
 */
export function copyDatabase(db: Database, file: string): void {
  if (existsSync(file)) throw new AppError("conflict", `${file} is there already.`);
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  createPrivateFile(partial);
  try {
    db.query("VACUUM INTO ?").run(partial);
    flushToDisk(partial);
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
}

function flushToDisk(file: string): void {
  const handle = openSync(file, "r+");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
