// Upstream calls by token: stored with their batch in one row, added to the rollups later, many at once.
import type { Database } from "bun:sqlite";
import type { UsageShare } from "../usage-sums.ts";
import { addBeats } from "./token-beats.ts";
import { addUsage } from "./usage.ts";

/**
 * Calls from which on they are added up. Of ten thousand tokens nearly every call changes a page of its own in both rollups: together they
 * change each page once, and this many are a few of each token.
 */
export const MANY_CALLS = 30_000;
/** Calls that are added up with one batch: a few milliseconds for which later ones wait. */
export const SLICE_CALLS = 400;

/** `at`: when it ended, epoch ms. */
export type TokenCall = Omit<UsageShare, "dimension" | "inputTokens" | "outputTokens"> & { at: number };
type Sums = [subject: number, hour: number, family: string, ok: 0 | 1, ms: number, images: number, videoMs: number, microUsd: number];
/** Rows that an earlier version has left lack the end of the call. */
type Stored = [...Sums, at?: number];

/** Of one database, as far as this process knows: after a rollback a slice may be gone, and fewer may be counted than wait. */
type Backlog = {
  /** Calls that are in no slice. */ waiting: number /** Rows that hold a slice each, to be added up one by one. */;
  slices: number[];
};
const backlogs = new WeakMap<Database, Backlog>();

function backlogOf(db: Database): Backlog {
  const known = backlogs.get(db);
  if (known) return known;
  // What an earlier process has left.
  const left = db.query<{ calls: number | null }, []>("SELECT sum(json_array_length(calls)) AS calls FROM token_calls").get();
  const backlog = { waiting: left?.calls ?? 0, slices: [] };
  backlogs.set(db, backlog);
  return backlog;
}

const insertRow = (db: Database, calls: readonly Stored[]): number =>
  Number(db.query("INSERT INTO token_calls (calls) VALUES (?)").run(JSON.stringify(calls)).lastInsertRowid);

/** Stores the calls of a batch, and adds up a slice where many wait. Many calls of few tokens are added up at once. */
export function putTokenCalls(db: Database, calls: readonly TokenCall[]): void {
  if (calls.length === 0) return;
  if (areOfFew(calls)) {
    addUp(db, calls);
    return;
  }
  const backlog = backlogOf(db);
  insertRow(
    db,
    calls.map((call): Stored => {
      return [call.subject, call.hour, call.family, call.ok ? 1 : 0, call.ms, call.images, call.videoMs, call.microUsd, call.at];
    }),
  );
  backlog.waiting += calls.length;
  if (backlog.slices.length > 0 || backlog.waiting >= MANY_CALLS) sumSomeTokenCalls(db, false);
}

/** Calls of each token of a batch, on average, from which on it is added up at once: that changes few pages, and needs no row. */
const CALLS_EACH = 4;

const areOfFew = (calls: readonly TokenCall[]) =>
  calls.length >= CALLS_EACH && calls.length >= CALLS_EACH * new Set(calls.map(({ subject }) => subject)).size;

/**
 * Adds up one slice of the stored calls; true: there are more. With `isFirst` the slices are of all calls that are stored now: who calls
 * again until there are no more reads sums that lack none of them.
 */
export function sumSomeTokenCalls(db: Database, isFirst: boolean): boolean {
  const backlog = backlogOf(db);
  if (isFirst || backlog.slices.length === 0) {
    backlog.slices = cutIntoSlices(db);
    backlog.waiting = 0;
  }
  const seq = backlog.slices.shift();
  if (seq === undefined) return false;
  const row = db.query<{ calls: string }, { seq: number }>("DELETE FROM token_calls WHERE seq = $seq RETURNING calls").get({ seq });
  if (row) addUp(db, (JSON.parse(row.calls) as Stored[]).map(toCall));
  return backlog.slices.length > 0;
}

/** Stores the same calls again by token, so that a slice changes few pages; their rows. */
function cutIntoSlices(db: Database): number[] {
  const calls = takeAll(db).sort(([one], [other]) => one - other);
  const rows: number[] = [];
  for (let from = 0, to = 0; from < calls.length; from = to) {
    to = Math.min(from + SLICE_CALLS, calls.length);
    while (to < calls.length && calls[to]![0] === calls[to - 1]![0] && to - from < 2 * SLICE_CALLS) to++;
    rows.push(insertRow(db, calls.slice(from, to)));
  }
  return rows;
}

function takeAll(db: Database): Stored[] {
  const rows = db.query<{ calls: string }, []>("SELECT calls FROM token_calls ORDER BY seq").all();
  db.query("DELETE FROM token_calls").run();
  return rows.flatMap(({ calls }) => JSON.parse(calls) as Stored[]);
}

/** Adds all stored calls to the rollups at once. */
export function sumTokenCalls(db: Database): void {
  backlogs.delete(db);
  addUp(db, takeAll(db).map(toCall));
}

function addUp(db: Database, calls: readonly TokenCall[]): void {
  addUsage(db, calls.map(toShare));
  addBeats(db, calls);
}

function toShare({ subject, hour, family, ok, ms, images, videoMs, microUsd }: TokenCall): UsageShare {
  return { dimension: "token", subject, hour, family, ok, ms, images, videoMs, microUsd, inputTokens: 0, outputTokens: 0 };
}

function toCall([subject, hour, family, ok, ms, images, videoMs, microUsd, at = hour]: Stored): TokenCall {
  return { subject, hour, family, ok: ok === 1, ms, images, videoMs, microUsd, at };
}

export const hasTokenCalls = (db: Database): boolean => db.query("SELECT 1 FROM token_calls LIMIT 1").get() !== null;
