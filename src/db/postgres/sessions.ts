// SQL of admin sessions, by the SHA-256 of their id.
import type { SessionRow, SessionsToEnd } from "../admin.ts";
import type { Reader, Sql } from "./driver.ts";

const COLUMNS = `hash, account_id AS "accountId", created_at AS "createdAt", seen_at AS "seenAt", address, agent`;

export async function insertSession(sql: Sql, session: SessionRow): Promise<void> {
  await sql.run(
    `INSERT INTO sessions (hash, account_id, created_at, seen_at, address, agent)
     VALUES ($hash, $accountId, $createdAt, $seenAt, $address, $agent)`,
    session,
  );
}

export function getSession(sql: Reader, hash: Uint8Array): Promise<SessionRow | null> {
  return sql.get(`SELECT ${COLUMNS} FROM sessions WHERE hash = $hash`, { hash });
}

/** Latest seen first. */
export function listSessions(sql: Reader): Promise<SessionRow[]> {
  return sql.all(`SELECT ${COLUMNS} FROM sessions ORDER BY seen_at DESC`);
}

/** A session that is gone stays gone. */
export async function extendSession(sql: Sql, hash: Uint8Array, seenAt: number): Promise<void> {
  await sql.run("UPDATE sessions SET seen_at = $seenAt WHERE hash = $hash", { hash, seenAt });
}

export async function deleteSession(sql: Sql, hash: Uint8Array): Promise<void> {
  await sql.run("DELETE FROM sessions WHERE hash = $hash", { hash });
}

/** Returns how many. */
export function deleteSessions(sql: Sql, { account, except }: SessionsToEnd): Promise<number> {
  return sql.run(
    `DELETE FROM sessions WHERE ($account::bigint IS NULL OR account_id = $account) AND ($except::bytea IS NULL OR hash <> $except)`,
    { account, except },
  );
}

/** Those made or last seen before. Returns how many. */
export function deleteSessionsBefore(sql: Sql, { created, seen }: { created: number; seen: number }): Promise<number> {
  return sql.run("DELETE FROM sessions WHERE created_at < $created OR seen_at < $seen", { created, seen });
}
