// SQL of scratch values: sealed JSON by name, for minutes.
import type { Json } from "../../domain/generation.ts";
import { SCRATCH } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Reader, Sql } from "./driver.ts";

type Stored = { value: Uint8Array };

const read = (vault: Vault, row: Stored | null): Json | null => row && JSON.parse(vault.open(SCRATCH, row.value));

export type ScratchRow = { name: string; value: Json; expiresAt: number };

export async function putScratch(sql: Sql, vault: Vault, { name, value, expiresAt }: ScratchRow): Promise<void> {
  await sql.run(
    `INSERT INTO scratch (name, value, expires_at) VALUES ($name, $value, $expiresAt)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
    { name, expiresAt, value: vault.seal(SCRATCH, JSON.stringify(value)) },
  );
}

/** Null: it was written. */
export async function claimScratch(sql: Sql, vault: Vault, { name, value, expiresAt }: ScratchRow, now: number): Promise<Json | null> {
  const bound = { name, expiresAt, now, value: vault.seal(SCRATCH, JSON.stringify(value)) };
  for (;;) {
    const written = await sql.run(
      `INSERT INTO scratch AS held (name, value, expires_at) VALUES ($name, $value, $expiresAt)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at WHERE held.expires_at <= $now`,
      bound,
    );
    if (written > 0) return null;
    const known = await getScratch(sql, vault, name, now);
    // Deleted in between: it is free.
    if (known !== null) return known;
  }
}

export async function getScratch(sql: Reader, vault: Vault, name: string, now: number): Promise<Json | null> {
  return read(vault, await sql.get<Stored>("SELECT value FROM scratch WHERE name = $name AND expires_at > $now", { name, now }));
}

export async function takeScratch(sql: Sql, vault: Vault, name: string, now: number): Promise<Json | null> {
  return read(vault, await sql.get<Stored>("DELETE FROM scratch WHERE name = $name AND expires_at > $now RETURNING value", { name, now }));
}

export async function deleteScratch(sql: Sql, name: string): Promise<void> {
  await sql.run("DELETE FROM scratch WHERE name = $name", { name });
}

export function deleteScratchBefore(sql: Sql, now: number): Promise<number> {
  return sql.run("DELETE FROM scratch WHERE expires_at <= $now", { now });
}
