// SQL of admin sessions, by the SHA-256 of their id.
import type { SessionPage, SessionRow, SessionsToEnd } from "../admin.ts";
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
export function listSessions(sql: Reader, { limit, account, before }: SessionPage = {}): Promise<SessionRow[]> {
  return sql.all(
    `SELECT ${COLUMNS} FROM sessions
     WHERE ($account::bigint IS NULL OR account_id = $account)
       AND ($seenAt::bigint IS NULL OR (seen_at, hash) < ($seenAt::bigint, $prefix::bytea))
     ORDER BY seen_at DESC, hash DESC LIMIT $limit`,
    { limit: limit ?? null, account: account ?? null, seenAt: before?.seenAt ?? null, prefix: before?.prefix ?? null },
  );
}

export function getSessionByPrefix(sql: Reader, prefix: Uint8Array): Promise<SessionRow | null> {
  return sql.get(
    `SELECT ${COLUMNS} FROM sessions WHERE hash >= $prefix AND substring(hash FROM 1 FOR length($prefix::bytea)) = $prefix
     ORDER BY hash LIMIT 1`,
    { prefix },
  );
}

export function countSessions(
  sql: Reader,
  accounts: readonly number[],
  after: { created: number; seen: number },
): Promise<{ accountId: number; count: number }[]> {
  return sql.all(
    `SELECT account_id AS "accountId", count(*) AS count FROM sessions
     WHERE account_id = ANY ($accounts::bigint[]) AND created_at > $created AND seen_at > $seen GROUP BY account_id`,
    { accounts: [...accounts], ...after },
  );
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
