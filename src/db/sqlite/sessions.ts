// SQL of admin sessions, by the SHA-256 of their id.
import type { Database } from "bun:sqlite";
import type { SessionRow } from "../admin.ts";

const COLUMNS = "hash, created_at AS createdAt, seen_at AS seenAt, address, agent";

export function insertSession(db: Database, { hash, createdAt, seenAt, address, agent }: SessionRow): void {
  db.query("INSERT INTO sessions (hash, created_at, seen_at, address, agent) VALUES ($hash, $createdAt, $seenAt, $address, $agent)").run({
    hash,
    createdAt,
    seenAt,
    address,
    agent,
  });
}

export function getSession(db: Database, hash: Uint8Array): SessionRow | null {
  return db.query<SessionRow, { hash: Uint8Array }>(`SELECT ${COLUMNS} FROM sessions WHERE hash = $hash`).get({ hash });
}

/** Latest seen first. */
export function listSessions(db: Database): SessionRow[] {
  return db.query<SessionRow, []>(`SELECT ${COLUMNS} FROM sessions ORDER BY seen_at DESC`).all();
}

/** A session that is gone stays gone. */
export function extendSession(db: Database, hash: Uint8Array, seenAt: number): void {
  db.query("UPDATE sessions SET seen_at = $seenAt WHERE hash = $hash").run({ hash, seenAt });
}

export function deleteSession(db: Database, hash: Uint8Array): void {
  db.query("DELETE FROM sessions WHERE hash = $hash").run({ hash });
}

/** All but one; null: all. Returns how many. */
export function deleteSessions(db: Database, except: Uint8Array | null): number {
  return db.query("DELETE FROM sessions WHERE $except IS NULL OR hash <> $except").run({ except }).changes;
}

/** Those made or last seen before. Returns how many. */
export function deleteSessionsBefore(db: Database, { created, seen }: { created: number; seen: number }): number {
  return db.query("DELETE FROM sessions WHERE created_at < $created OR seen_at < $seen").run({ created, seen }).changes;
}
