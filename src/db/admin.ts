// Store contract: admin sessions, the audit log, and actions that can be undone.

import type { UndoAction, UndoEntry } from "../domain/undo.ts";

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
  /** How many subjects it concerned, each with its own before and after; 0: the one that is named. */
  items: number;
};

/** What an entry of the audit log did to one of many subjects. */
export type AuditItem = Pick<AuditRow, "subject" | "before" | "after">;

export type AuditFilter = { limit: number /** Id of the last row of the page before. */; before?: number; subject?: string };

/** `before`: when the last one of the page before was seen, and the beginning of its hash. */
export type SessionPage = { limit?: number; account?: number; before?: { seenAt: number; prefix: Uint8Array } };

export interface AdminStore {
  insertSession(session: SessionRow): Promise<void>;
  getSession(hash: Uint8Array): Promise<SessionRow | null>;
  /** Latest seen first; a page of them. */
  listSessions(page?: SessionPage): Promise<SessionRow[]>;
  /** The session whose hash begins so; null: there is none. */
  getSessionByPrefix(prefix: Uint8Array): Promise<SessionRow | null>;
  /** By account, of those made and last seen after these times; accounts without any are left out. */
  countSessions(accounts: readonly number[], after: { created: number; seen: number }): Promise<{ accountId: number; count: number }[]>;
  extendSession(hash: Uint8Array, seenAt: number): Promise<void>;
  deleteSession(hash: Uint8Array): Promise<void>;
  /** Resolves with how many. */
  deleteSessions(which: SessionsToEnd): Promise<number>;
  /** Those made or last seen before. */
  deleteSessionsBefore(before: { created: number; seen: number }): Promise<number>;

  /** One entry, with what it did to each of many subjects. */
  insertAudit(row: Omit<AuditRow, "id" | "items">, items?: readonly AuditItem[]): Promise<void>;
  /** Newest first. With `subject`, an entry of many shows what it did to that one. */
  listAudit(filter: AuditFilter): Promise<AuditRow[]>;
  listAuditItems(id: number, limit: number): Promise<AuditItem[]>;

  /** Stores what undoes an action; older ones than its ten minutes are deleted. */
  insertUndo(action: UndoAction): Promise<void>;
  /** Since a time, newest first, at most `limit`; without what they replaced. */
  listUndo(since: number, limit: number): Promise<UndoEntry[]>;
  /** Takes one out, so that it is undone once; null: it is older, or was taken. */
  takeUndo(id: string, since: number): Promise<UndoAction | null>;
}
