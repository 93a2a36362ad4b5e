// Store contract: persistence of the program. One method per business action, atomic, async.
// A second engine is a second folder beside sqlite/; one contract suite runs against both.

import type { FormerKey, KeyChange, KeyHash, KeyRow, NewKey } from "../domain/key.ts";
import type { FailureCount, FailureQuery, FailureSum, RequestFilter, RequestRow } from "../domain/request.ts";
import type { CooldownRow, HealthChange, HealthRow, NewToken, TokenChange, TokenRow, TokenSecret } from "../domain/token.ts";
import type { AccountStore } from "./accounts.ts";
import type { AdminStore } from "./admin.ts";
import type { AlertStore } from "./alerts.ts";
import type { JobStore } from "./jobs.ts";
import type { LedgerStore } from "./ledger.ts";
import type { MediaRows } from "./media.ts";
import type { NodeStore } from "./nodes.ts";
import type { ResponseStore } from "./responses.ts";
import type { ScratchStore } from "./scratch.ts";
import type { SharedStore } from "./shared.ts";
import type { UndeliveredStore } from "./undelivered.ts";

/** Counters per table that rise with every edit, also by other processes (the command line on the same folder). */
export type Revisions = { tokens: number; keys: number; settings: number };

type Parts = LedgerStore &
  JobStore &
  MediaRows &
  ResponseStore &
  UndeliveredStore &
  AdminStore &
  AccountStore &
  AlertStore &
  NodeStore &
  ScratchStore;

/** `before`: of the last one of the page before. */
export type DeletedPage = { limit?: number; before?: { deletedAt: number; id: number } };

/** With the parts in ledger.ts, jobs.ts, media.ts, responses.ts, undelivered.ts, admin.ts, accounts.ts, alerts.ts, nodes.ts and scratch.ts. */
export interface Store extends Parts {
  /** What several nodes decide together; null: one process owns the store. */
  readonly shared: SharedStore | null;

  // tokens
  /** Those in the pool; deleted ones are in {@link Store.listDeletedTokens}. */
  listTokens(): Promise<TokenRow[]>;
  /** Latest deleted first; a page of them. */
  listDeletedTokens(page?: DeletedPage): Promise<TokenRow[]>;
  countDeletedTokens(): Promise<number>;
  /** Erases those of the ids that are deleted, at most 500, with what is known of them. Resolves with the ids that went. */
  eraseTokens(ids: readonly number[]): Promise<number[]>;
  /** Replaces a deleted token that has the same secret. @throws {AppError} `conflict` when the same secret is already there */
  insertToken(token: NewToken, now: number): Promise<TokenRow>;
  /** Many in one transaction, at most 500: for each whether it was inserted or its secret was there already. */
  insertTokens(tokens: readonly NewToken[], now: number): Promise<("inserted" | "known")[]>;
  /** For each whether its secret is there already. */
  hasTokens(tokens: readonly Pick<NewToken, "provider" | "secret">[]): Promise<boolean[]>;
  /** @throws {AppError} `not_found` */
  updateToken(id: number, change: TokenChange): Promise<TokenRow>;
  /** Takes tokens out of the pool with their secrets stored, or puts them back (`at` null). Resolves with the ids that changed. */
  setTokensDeleted(ids: readonly number[], at: number | null): Promise<number[]>;
  /** Erases a token with its secret. @throws {AppError} `not_found` */
  deleteToken(id: number): Promise<void>;
  /** Erases tokens that were deleted before that time; at most `limit`. Resolves with how many. */
  deleteTokensBefore(time: number, limit: number): Promise<number>;
  /** Decrypts. @throws {AppError} `not_found` */
  readTokenSecret(id: number): Promise<TokenSecret>;
  /**
   * Writes a rotated secret and merges `state`. Resolves with the version from then on.
   * @throws {AppError} `not_found`; `conflict` when another token has this secret, or `version` is given and not the present one
   */
  writeTokenSecret(id: number, change: { secret?: string; state?: Record<string, unknown>; version?: number }): Promise<number>;
  /**
   * Health of many tokens and their new cooldowns, in one transaction; unknown ids are skipped. A change that names a version is written
   * over no other one: resolves with the present rows of those that were not written. Each that is written has the next version.
   */
  saveHealth(changes: readonly HealthChange[]): Promise<HealthRow[]>;
  /** Health as it is stored, with its version; 0: none was ever stored. Unknown ids are left out. */
  listHealth(ids: readonly number[]): Promise<HealthRow[]>;
  /** Cooldowns of these subjects, newest first; the latest 50 of each are stored. */
  listCooldowns(subjects: readonly string[], limit: number): Promise<CooldownRow[]>;

  // keys
  listKeys(): Promise<KeyRow[]>;
  /** The SHA-256 of every key and of former secrets that are still stored, for the guard's table in memory. */
  listKeyHashes(): Promise<KeyHash[]>;
  /** @throws {AppError} `conflict` when the same key was issued before */
  insertKey(key: NewKey, now: number): Promise<KeyRow>;
  /** @throws {AppError} `not_found` */
  updateKey(id: number, change: KeyChange): Promise<KeyRow>;
  /** Replaces a key's secret; the former one is valid until `until`, epoch ms. @throws {AppError} `not_found` */
  rotateKey(id: number, secret: { hash: Uint8Array; prefix: string }, until: number): Promise<KeyRow>;
  /** Former secrets of a key that are valid after `now`. */
  listFormerKeys(id: number, now: number): Promise<FormerKey[]>;
  /** Ends the former secrets of a key at `now`. Resolves with how many there were. */
  endFormerKeys(id: number, now: number): Promise<number>;

  // settings edited at run time, as JSON by dotted key
  readSettings(): Promise<Record<string, unknown>>;
  /** Null or undefined deletes a key, so that a lower layer applies. */
  writeSettings(changes: Record<string, unknown>): Promise<void>;

  // small facts of this installation (first-start marks, progress of the setup)
  readFact(name: string): Promise<string | null>;
  writeFact(name: string, value: string | null): Promise<void>;

  /** Cheap; read every second. Counts edits of an operator; not health, results of checks, rotated secrets. */
  revisions(): Promise<Revisions>;
  close(): Promise<void>;
}

/** The request log: a file of its own. Losing the last second is allowed. */
export interface RequestLog {
  /** Recorded prompts by request id; those without one are left out. */
  promptsOf(ids: readonly string[]): Promise<{ id: string; prompt: string }[]>;
  /** Never throws and never waits; rows are written in batches. */
  append(row: RequestRow): void;
  /** Rows appended before the call are seen. */
  list(filter: RequestFilter): Promise<RequestRow[]>;
  get(id: string): Promise<RequestRow | null>;
  /** Failures by outcome and reason, the most first. Costs the same however many there are of one kind. */
  failures(query: FailureQuery): Promise<FailureSum[]>;
  /** Failures by time, ascending; or by token, the most first, at most `limit` of them. */
  countFailures(query: FailureQuery & { by: "hour" | "day" | "token"; limit?: number }): Promise<FailureCount[]>;
  /** Rows that began before, slice by slice until none is left or `signal` aborts. */
  deleteBefore(time: number, signal?: AbortSignal): Promise<number>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
