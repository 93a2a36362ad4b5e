// SQL of settings, installation facts, the key check value, and revision counters.

import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { KEY_CHECK, SETTING } from "../sealed.ts";
import type { Revisions } from "../store.ts";
import type { Vault } from "../vault.ts";

/** Values by dotted key; a key that was never written is absent. */
export function readSettings(db: Database, vault: Vault): Record<string, unknown> {
  const rows = db.query<{ name: string; value: Uint8Array }, []>("SELECT name, value FROM settings").all();
  return Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(vault.open(SETTING, value))]));
}

/** Stores values by dotted key; null or undefined deletes one, so that a lower layer applies. */
export function writeSettings(db: Database, vault: Vault, changes: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) db.query("DELETE FROM settings WHERE name = $name").run({ name });
    else
      db.query("INSERT INTO settings (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = excluded.value").run({
        name,
        value: vault.seal(SETTING, JSON.stringify(value)),
      });
  }
}

/** Null when the fact was never written. */
export function readFact(db: Database, name: string): string | null {
  return db.query<{ value: string }, { name: string }>("SELECT value FROM facts WHERE name = $name").get({ name })?.value ?? null;
}

/** Null deletes the fact. */
export function writeFact(db: Database, name: string, value: string | null): void {
  if (value === null) db.query("DELETE FROM facts WHERE name = $name").run({ name });
  else
    db.query("INSERT INTO facts (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = excluded.value").run({
      name,
      value,
    });
}

/** Counters that triggers maintain for every writer. One row: as cheap as SQLite's `data_version`. */
export function readRevisions(db: Database): Revisions {
  const row = db.query<Revisions, []>("SELECT tokens, keys, settings FROM revisions").get();
  if (!row) throw new Error("The revisions row is missing.");
  return row;
}

/** Null when none was written yet. */
export function readKeyCheck(db: Database): Uint8Array | null {
  const box = readFact(db, KEY_CHECK);
  return box === null ? null : Buffer.from(box, "base64");
}

export function writeKeyCheck(db: Database, box: Uint8Array): void {
  writeFact(db, KEY_CHECK, Buffer.from(box).toString("base64"));
}

/** Reads it from a database file; null also when the file is absent or another database. */
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
