// SQL of scratch values: sealed JSON by name, for minutes.
import type { Database } from "bun:sqlite";
import type { Json } from "../../domain/generation.ts";
import { SCRATCH } from "../sealed.ts";
import type { Vault } from "../vault.ts";

type Stored = { value: Uint8Array };
type Name = { name: string; now: number };

type Row = { name: string; value: Json; expiresAt: number };

export function putScratch(db: Database, vault: Vault, { name, value, expiresAt }: Row): void {
  db.query("INSERT OR REPLACE INTO scratch (name, value, expires_at) VALUES ($name, $value, $expiresAt)").run({
    ...{ name, expiresAt },
    value: vault.seal(SCRATCH, JSON.stringify(value)),
  });
}

/** Null: it was written. */
export function claimScratch(db: Database, vault: Vault, row: Row, now: number): Json | null {
  const known = getScratch(db, vault, row.name, now);
  if (known === null) putScratch(db, vault, row);
  return known;
}

export function getScratch(db: Database, vault: Vault, name: string, now: number): Json | null {
  const row = db.query<Stored, Name>("SELECT value FROM scratch WHERE name = $name AND expires_at > $now").get({ name, now });
  return row && JSON.parse(vault.open(SCRATCH, row.value));
}

export function takeScratch(db: Database, vault: Vault, name: string, now: number): Json | null {
  const row = db.query<Stored, Name>("DELETE FROM scratch WHERE name = $name AND expires_at > $now RETURNING value").get({ name, now });
  return row && JSON.parse(vault.open(SCRATCH, row.value));
}

export function deleteScratch(db: Database, name: string): void {
  db.query("DELETE FROM scratch WHERE name = $name").run({ name });
}

export function deleteScratchBefore(db: Database, now: number): number {
  return db.query("DELETE FROM scratch WHERE expires_at <= $now").run({ now }).changes;
}
