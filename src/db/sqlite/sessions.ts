// SQL of admin sessions, by the SHA-256 of their id.
import type { Database } from "bun:sqlite";
import type { SessionRow, SessionsToEnd } from "../admin.ts";

const COLUMNS = "hash, account_id AS accountId, created_at AS createdAt, seen_at AS seenAt, address, agent";

export function insertSession(db: Database, session: SessionRow): void {
  db.query(
    `INSERT INTO sessions (hash, account_id, created_at, seen_at, address, agent)
     VALUES ($hash, $accountId, $createdAt, $seenAt, $address, $agent)`,
  ).run(session);
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

/** Returns how many. */
export function deleteSessions(db: Database, { account, except }: SessionsToEnd): number {
  return db
    .query("DELETE FROM sessions WHERE ($account IS NULL OR account_id = $account) AND ($except IS NULL OR hash <> $except)")
    .run({ account, except }).changes;
}

/** Those made or last seen before. Returns how many. */
export function deleteSessionsBefore(db: Database, { created, seen }: { created: number; seen: number }): number {
  return db.query("DELETE FROM sessions WHERE created_at < $created OR seen_at < $seen").run({ created, seen }).changes;
}
