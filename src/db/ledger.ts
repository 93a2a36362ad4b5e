// Store contract: ledger of reservations, usage by key and period, rollups by hour.
import type { Kind } from "../domain/generation.ts";

/** What a generation costs, in whole numbers so that sums are exact: images, milliseconds of video, millionths of a US dollar. */
export type Amounts = { images: number; videoMs: number; microUsd: number };

export type NewReservation = {
  keyId: number;
  requestId: string;
  kind: Kind;
  /** Public family id that serves it. */
  family: string;
  /** Admission, epoch ms. */
  at: number;
  estimate: Amounts;
  /** It belongs to a job: nothing is sent for it before that is on disk. */
  forJob?: boolean;
  /** The node that runs it; absent: 0. */
  node?: number;
  /** What a store that several nodes share decides in the same action. One that a process owns does not read it. */
  shared?: SharedChecks;
};

/** Limits of a reservation's key, over all nodes; null: none. */
export type KeyChecks = {
  /** Admissions in a sliding minute. */
  rpm: number | null;
  /** Reservations that hold the key's concurrency. */
  concurrency: number | null;
  /** Most that what was used and what is reserved in a period may come to, with this estimate. Estimates of 0 are not checked. */
  budgets: readonly { period: string; of: keyof Amounts; limit: number }[];
};

export type SharedChecks = {
  /** Names of the periods of the key in which the estimate is reserved. */
  periods: readonly string[];
  limits: KeyChecks;
};

export type Reservation = NewReservation & { id: number };

/** One upstream call of a generation that has ended. */
export type ReservationCall = { tokenId: number; ok: boolean; ms: number; amounts: Amounts };

/** How a reservation ends, and where that counts. */
export type ReservationEnd = {
  id: number;
  /** `released`: nothing was charged, `actual` is zero. */
  state: "settled" | "released";
  endedAt: number;
  actual: Amounts;
  /** Names of the periods of the key (its day, its month, …) whose sums grow by `actual`. */
  periods: readonly string[];
  /** Start of the hour whose rollups grow, epoch ms. */
  hour: number;
  ok: boolean;
  /** From arrival to the end. */
  ms: number;
  inputTokens: number;
  outputTokens: number;
  calls: readonly ReservationCall[];
};

/** What limits are rebuilt from after a start. */
export type LedgerState = {
  /** Open reservations, oldest first. */
  open: Reservation[];
  /** What ended generations used, in the periods asked for. */
  spent: { keyId: number; period: string; amounts: Amounts }[];
  /** Admissions since the time asked for, oldest first. */
  recent: { keyId: number; at: number }[];
};

/** Asks for sums of generations admitted in hours that begin in [from, to), epoch ms. */
export type UsageQuery = {
  from: number;
  to: number;
  /** Only this family. */
  model?: string;
  /** Only these families. */
  models?: readonly string[];
} & (
  | { by: "hour" | "day" | "model" | "span"; of?: { key: number } | { token: number } }
  | {
      by: "key" | "token";
      /** Only ids above this one, and so many of them: ten thousand at once would hold everybody up. */
      after?: number;
      limit?: number;
      /** Only these. */
      ids?: readonly number[];
    }
);

/** Sums of one group. Of a token, requests are upstream calls; else generations that were admitted. */
export type UsageRow = {
  /** Start of the hour, UTC day or span (epoch ms), family, or id of the key or token. */
  group: number | string;
  requests: number;
  errors: number;
  images: number;
  videoSeconds: number;
  usd: number;
  /** Of generations, not of single calls: 0 when asked for tokens. */
  inputTokens: number;
  outputTokens: number;
  /** Of those that succeeded; percentiles are interpolated between fixed bounds; null: none did. */
  meanMs: number | null;
  p50Ms: number | null;
  p95Ms: number | null;
  maxMs: number | null;
};

/** Asks for what keys used in UTC days that begin in [from, to), epoch ms. */
export type KeyDayQuery = {
  from: number;
  to: number;
  key?: number;
  model?: string;
  /** The last row of the page before. */
  after?: Pick<KeyDay, "day" | "keyId" | "family">;
  limit: number;
};

/** What one key used of one family in one UTC day (its start, epoch ms). */
export type KeyDay = { day: number; keyId: number; family: string } & Pick<
  UsageRow,
  "requests" | "errors" | "images" | "videoSeconds" | "usd" | "inputTokens" | "outputTokens"
>;

/** Upstream calls of a token that ended in the half-hour from `at` on, epoch ms. */
export type TokenBeat = { tokenId: number; at: number; served: number; failed: number };

/** Bytes that a key has uploaded in a period. */
export type UploadSum = { keyId: number; period: string; bytes: number };

/** The first limit that a reservation did not fit. `until`: when another would, epoch ms. `used`: with what is reserved. */
export type Refusal = { of: "rpm"; until: number } | { of: "concurrency" } | { of: keyof Amounts; period: string; used: number };

/**
 * What became of one of a batch: the id of its reservation, or who refused it. An engine that one process owns refuses none, because the
 * process has checked limits in memory; one that several processes share checks them in the same action. `node`: it is dead.
 */
export type Begun = { id: number } | { refused: "limit"; by: Refusal } | { refused: "node" };

/**
 * The ledger: one action before a call, one after it, each over a batch of generations in one transaction. Writes take effect in the order
 * they are asked for: one that survives a crash has all before it with it.
 */
export interface LedgerStore {
  /**
   * Writes down what generations reserve. Resolves with what became of each, in order, once those that began outlive this process: nothing
   * that costs money is started before. Rejects when none began.
   */
  begin(batch: readonly NewReservation[]): Promise<Begun[]>;
  /**
   * Ends reservations and adds what they used to sums and rollups. One that is not open is skipped, so that the same end may be asked for
   * again. Resolves with the number that were open.
   */
  end(batch: readonly ReservationEnd[]): Promise<number>;
  /** @param since epoch ms, for `recent` */
  readLedger(periods: readonly string[], since: number): Promise<LedgerState>;
  /** Adds what keys have uploaded to the sums of a period. */
  addUploads(rows: readonly UploadSum[]): Promise<void>;
  readUploads(period: string): Promise<Omit<UploadSum, "period">[]>;
  /** Groups in ascending order; those without any generation are left out. */
  readUsage(query: UsageQuery): Promise<UsageRow[]>;
  /** Ordered by day, key and family. */
  readKeyDays(query: KeyDayQuery): Promise<KeyDay[]>;
  /** Half-hours of these tokens that began at `since` or later, by token and time; at most a day back, those without a call left out. */
  readBeats(ids: readonly number[], since: number): Promise<TokenBeat[]>;
  /** Deletes at most `limit` ended reservations and as many rollups that are older than the times given; says how many went. */
  deleteUsageBefore(before: { reservations: number; hours: number }, limit: number): Promise<number>;
}
