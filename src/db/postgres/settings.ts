// SQL of settings, installation facts, the key check value, and revision counters.

import { AppError } from "../../errors.ts";
import { KEY_CHECK, SETTING } from "../sealed.ts";
import type { Revisions } from "../store.ts";
import type { Vault } from "../vault.ts";
import type { Postgres, Reader, Sql } from "./driver.ts";

/** Values by dotted key; a key that was never written is absent. */
export async function readSettings(sql: Reader, vault: Vault): Promise<Record<string, unknown>> {
  const rows = await sql.all<{ name: string; value: Uint8Array }>("SELECT name, value FROM settings");
  return Object.fromEntries(rows.map(({ name, value }) => [name, JSON.parse(vault.open(SETTING, value))]));
}

/** Stores values by dotted key; null or undefined deletes one, so that a lower layer applies. */
export async function writeSettings(sql: Sql, vault: Vault, changes: Record<string, unknown>): Promise<void> {
  for (const [name, value] of Object.entries(changes).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === null || value === undefined) await sql.run("DELETE FROM settings WHERE name = $name", { name });
    else
      await sql.run("INSERT INTO settings (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", {
        name,
        value: vault.seal(SETTING, JSON.stringify(value)),
      });
  }
}

/** Null when the fact was never written. */
export async function readFact(sql: Reader, name: string): Promise<string | null> {
  return (await sql.get<{ value: string }>("SELECT value FROM facts WHERE name = $name", { name }))?.value ?? null;
}

/** Null deletes the fact. */
export async function writeFact(sql: Sql, name: string, value: string | null): Promise<void> {
  if (value === null) await sql.run("DELETE FROM facts WHERE name = $name", { name });
  else
    await sql.run("INSERT INTO facts (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", {
      name,
      value,
    });
}

/** Counters that triggers maintain for every writer. */
export async function readRevisions(sql: Reader): Promise<Revisions> {
  const row = await sql.get<Revisions>("SELECT tokens, keys, settings FROM revisions");
  if (!row) throw new Error("The revisions row is missing.");
  return row;
}

/** Writes the key check value where there is none, and refuses a secret key that does not open it. @throws {AppError} `conflict` */
export async function checkKey(db: Postgres, vault: Vault): Promise<void> {
  await db.transaction((sql) =>
    sql.run("INSERT INTO facts (name, value) VALUES ($name, $value) ON CONFLICT (name) DO NOTHING", {
      name: KEY_CHECK,
      value: Buffer.from(vault.seal(KEY_CHECK, KEY_CHECK)).toString("base64"),
    }),
  );
  try {
    vault.open(KEY_CHECK, Buffer.from((await readFact(db, KEY_CHECK)) ?? "", "base64"));
  } catch (error) {
    throw new AppError(
      "conflict",
      "FLOW2API_SECRET_KEY: expected the secret key that this database was made with, got another one. All nodes share one key.",
      { cause: error },
    );
  }
}
