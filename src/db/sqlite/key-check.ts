// A known text, sealed when the database is made: only the secret key in force opens it.
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { readFact, writeFact } from "./settings.ts";

/** Its name among the facts, its purpose of the vault, and the text itself. */
export const KEY_CHECK = "secret_key_canary";

/** Null when none was sealed yet. */
export function readKeyCheck(db: Database): Uint8Array | null {
  const box = readFact(db, KEY_CHECK);
  return box === null ? null : Buffer.from(box, "base64");
}

export function writeKeyCheck(db: Database, box: Uint8Array): void {
  writeFact(db, KEY_CHECK, Buffer.from(box).toString("base64"));
}

/** The same of a database file, which is only read; null also where there is no file, or none of ours. */
export function keyCheckOf(file: string): Uint8Array | null {
  if (!existsSync(file)) return null;
  const db = new Database(file, { readonly: true });
  try {
    const hasFacts = db.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'facts'").get() !== null;
    return hasFacts ? readKeyCheck(db) : null;
  } finally {
    db.close();
  }
}
