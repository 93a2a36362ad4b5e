// Upstream calls by token: stored with their batch in one row, added to the rollups later, many at once.
import type { Database } from "bun:sqlite";
import type { UsageShare } from "../usage-sums.ts";
import { addBeats } from "./token-beats.ts";
import { addUsage } from "./usage.ts";

/**
 * Calls from which on they are added up. Of ten thousand tokens nearly every call changes a page of its own in both rollups: together they
 * change each page once.
 */
const MANY = 5000;

/** `at`: when it ended, epoch ms. */
export type TokenCall = Omit<UsageShare, "dimension" | "inputTokens" | "outputTokens"> & { at: number };
type Sums = [subject: number, hour: number, family: string, ok: 0 | 1, ms: number, images: number, videoMs: number, microUsd: number];
/** Rows that an earlier version has left lack the end of the call. */
type Stored = [...Sums, at?: number];

/** Calls stored since the last sum, as far as this process knows. */
const waiting = new WeakMap<Database, number>();

/** Stores the calls of a batch. */
export function putTokenCalls(db: Database, calls: readonly TokenCall[]): void {
  if (calls.length === 0) return;
  const stored = calls.map((call): Stored => {
    return [call.subject, call.hour, call.family, call.ok ? 1 : 0, call.ms, call.images, call.videoMs, call.microUsd, call.at];
  });
  db.query("INSERT INTO token_calls (calls) VALUES (?)").run(JSON.stringify(stored));
  const count = (waiting.get(db) ?? 0) + calls.length;
  waiting.set(db, count);
  if (count >= MANY) sumTokenCalls(db);
}

/** Adds all stored calls to the rollups; those who read sums by token ask for it before. */
export function sumTokenCalls(db: Database): void {
  waiting.set(db, 0);
  const rows = db.query<{ calls: string }, []>("SELECT calls FROM token_calls").all();
  if (rows.length === 0) return;
  const stored = rows.flatMap(({ calls }) => JSON.parse(calls) as Stored[]);
  addUsage(db, stored.map(toShare));
  addBeats(
    db,
    stored.map(([subject, hour, , ok, , , , , at = hour]) => ({ subject, at, ok: ok === 1 })),
  );
  db.query("DELETE FROM token_calls").run();
}

function toShare([subject, hour, family, ok, ms, images, videoMs, microUsd]: Stored): UsageShare {
  return { dimension: "token", subject, hour, family, ok: ok === 1, ms, images, videoMs, microUsd, inputTokens: 0, outputTokens: 0 };
}

export const hasTokenCalls = (db: Database): boolean => db.query("SELECT 1 FROM token_calls LIMIT 1").get() !== null;
