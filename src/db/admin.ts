// Store contract: admin sessions and the audit log.

/** A signed-in browser. Times are epoch ms. */
export type SessionRow = {
  /** SHA-256 of the session's id, 32 bytes. */
  hash: Uint8Array;
  accountId: number;
  createdAt: number;
  seenAt: number;
  address: string | null;
  /** The browser's own name for itself, cut to 200 characters. */
  agent: string;
};

/** Whose sessions end: of one account (null: of all), but for the one of a hash. */
export type SessionsToEnd = { account: number | null; except: Uint8Array | null };

/** An entry of the audit log. Secrets are masked by the caller. */
export type AuditRow = {
  id: number;
  at: number;
  /** Who: the name of an account, `command line`, or `extension`. */
  actor: string;
  address: string | null;
  /** What was done, e.g. `key.create`. */
  action: string;
  /** To what, e.g. `key 3`. */
  subject: string;
  /** The changed fields as JSON values; null: nothing was there, or nothing is. */
  before: unknown;
  after: unknown;
};

export type AuditFilter = { limit: number /** Id of the last row of the page before. */; before?: number; subject?: string };

export interface AdminStore {
  insertSession(session: SessionRow): Promise<void>;
  getSession(hash: Uint8Array): Promise<SessionRow | null>;
  /** Latest seen first. */
  listSessions(): Promise<SessionRow[]>;
  extendSession(hash: Uint8Array, seenAt: number): Promise<void>;
  deleteSession(hash: Uint8Array): Promise<void>;
  /** Resolves with how many. */
  deleteSessions(which: SessionsToEnd): Promise<number>;
  /** Those made or last seen before. */
  deleteSessionsBefore(before: { created: number; seen: number }): Promise<number>;

  insertAudit(row: Omit<AuditRow, "id">): Promise<void>;
  /** Newest first. */
  listAudit(filter: AuditFilter): Promise<AuditRow[]>;
}
