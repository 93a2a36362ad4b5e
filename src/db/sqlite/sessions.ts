// SQL of admin sessions, by the SHA-256 of their id.
import type { Database } from "bun:sqlite";
import type { SessionPage, SessionRow, SessionsToEnd } from "../admin.ts";

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
export function listSessions(db: Database, { limit = -1, account, before }: SessionPage = {}): SessionRow[] {
  return db
    .query<SessionRow, { limit: number; account: number | null; seenAt: number | null; prefix: Uint8Array }>(
      `SELECT ${COLUMNS} FROM sessions
       WHERE ($account IS NULL OR account_id = $account) AND ($seenAt IS NULL OR (seen_at, hash) < ($seenAt, $prefix))
       ORDER BY seen_at DESC, hash DESC LIMIT $limit`,
    )
    .all({ limit, account: account ?? null, seenAt: before?.seenAt ?? null, prefix: before?.prefix ?? new Uint8Array() });
}

export function getSessionByPrefix(db: Database, prefix: Uint8Array): SessionRow | null {
  return db
    .query<SessionRow, { prefix: Uint8Array }>(
      `SELECT ${COLUMNS} FROM sessions WHERE hash >= $prefix AND substr(hash, 1, length($prefix)) = $prefix ORDER BY hash LIMIT 1`,
    )
    .get({ prefix });
}

export function countSessions(
  db: Database,
  accounts: readonly number[],
  after: { created: number; seen: number },
): { accountId: number; count: number }[] {
  return db
    .query<{ accountId: number; count: number }, { accounts: string; created: number; seen: number }>(
      `SELECT account_id AS accountId, count(*) AS count FROM sessions
       WHERE account_id IN (SELECT value FROM json_each($accounts)) AND created_at > $created AND seen_at > $seen GROUP BY account_id`,
    )
    .all({ accounts: JSON.stringify(accounts), ...after });
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
