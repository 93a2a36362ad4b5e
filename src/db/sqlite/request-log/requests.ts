// SQL of the request log: requests, attempts, search index, pages.

import type { Database } from "bun:sqlite";
import { omit } from "../../../domain/omit.ts";
import type { AttemptRow, RequestFilter, RequestRow } from "../../../domain/request.ts";
import { addFailures, deleteFailuresBefore } from "./failure-sums.ts";
import { indexRequests, type SplitWords, splitWords } from "./request-index.ts";
import { matchOf } from "./request-match.ts";

const COLUMNS = `seq, id, at, requests.ms AS ms, dialect, route, key_id AS keyId, model, requests.family AS family, kind,
  requests.outcome AS outcome, message, images, video_seconds AS videoSeconds, input_tokens AS inputTokens,
  output_tokens AS outputTokens, usd, stream, media_ids AS mediaIds, requests.reason AS refusedFor, address, times`;

const MODEL_LENGTH = 200;

type Raw = Omit<RequestRow, "stream" | "mediaIds" | "attempts" | "payload" | "refusal"> & {
  seq: number;
  stream: number;
  mediaIds: string;
  refusedFor: string | null;
  address: string | null;
  /** Null: it was not refused. */
  times: number | null;
  /** Read with one row only. */
  payload?: string | null;
};
type Bound = Record<string, string | number | null>;

/** Writes rows together; a row whose id is there already is skipped. */
export function insertRequests(db: Database, rows: readonly RequestRow[]): void {
  const insert = db.query<never, Record<string, string | number | boolean | null>>(
    `INSERT INTO requests (id, at, ms, dialect, route, key_id, model, family, kind, outcome, message, images, video_seconds,
       input_tokens, output_tokens, usd, stream, media_ids, payload, reason, address, times)
     VALUES ($id, $at, $ms, $dialect, $route, $keyId, $model, $family, $kind, $outcome, $message, $images, $videoSeconds,
       $inputTokens, $outputTokens, $usd, $stream, $mediaIds, $payload, $reason, $address, $times)
     ON CONFLICT (id) DO NOTHING`,
  );
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  const added: RequestRow[] = [];
  const split: SplitWords = [];
  for (const one of rows) {
    const { attempts, payload = null, refusal, ...row } = one;
    const { changes, lastInsertRowid } = insert.run({
      ...row,
      at: Math.round(row.at),
      ms: Math.round(row.ms),
      model: row.model.slice(0, MODEL_LENGTH),
      mediaIds: JSON.stringify(row.mediaIds),
      payload: payload && JSON.stringify(payload),
      reason: refusal?.reason ?? null,
      address: refusal?.address ?? null,
      times: refusal?.times ?? null,
    });
    if (changes === 0) continue;
    const seq = Number(lastInsertRowid);
    insertAttempts(db, seq, attempts);
    added.push(one);
    const words = splitWords(one);
    if (words !== null) split.push({ seq, words });
    first = Math.min(first, seq);
    last = seq;
  }
  // At once: a statement of its own for each row costs four times as much.
  if (last > 0) indexRequests(db, { from: first, to: last }, split);
  addFailures(db, added);
}

function insertAttempts(db: Database, request: number, attempts: readonly AttemptRow[]): void {
  const insert = db.query(
    `INSERT INTO attempts (request, position, token_id, provider, family, started_at, ms, outcome, reason, upstream_status)
     VALUES ($request, $position, $tokenId, $provider, $family, $startedAt, $ms, $outcome, $reason, $upstreamStatus)`,
  );
  for (const [position, attempt] of attempts.entries())
    insert.run({ ...attempt, request, position, startedAt: Math.round(attempt.startedAt), ms: Math.round(attempt.ms) });
}

/** Newest first. */
export function listRequests(db: Database, filter: RequestFilter): RequestRow[] {
  const span = spanOf(db, filter);
  if (span === null) return [];
  const named = filter.text === undefined ? [] : idsLike(db, filter.text);
  const match = named.length > 0 ? matchOf({ ...filter, text: undefined }) : matchText(db, filter);
  if (match === null) return [];
  const bound: Bound = { ...span, limit: filter.limit };
  if (named.length > 0) bound.named = JSON.stringify(named);
  return withAttempts(db, pageStatement(db, filter, match !== "", named.length > 0).all(match === "" ? bound : { ...bound, match }));
}

/** Rows between two positions, those of the index that match or all. Ids that a person wrote are few: they are checked one by one. */
function pageStatement(db: Database, { withPayload }: RequestFilter, hasMatch: boolean, hasIds: boolean) {
  const columns = withPayload ? `${COLUMNS}, payload` : COLUMNS;
  const isNamed = hasIds ? "AND seq IN (SELECT value FROM json_each($named))" : "";
  return hasMatch
    ? db.query<Raw, Bound>(
        `SELECT ${columns} FROM request_words JOIN requests ON seq = request_words.rowid
         WHERE request_words MATCH $match AND request_words.rowid > $after AND request_words.rowid < $before ${isNamed}
         ORDER BY request_words.rowid DESC LIMIT $limit`,
      )
    : db.query<Raw, Bound>(
        `SELECT ${columns} FROM requests WHERE seq > $after AND seq < $before ${isNamed} ORDER BY seq DESC LIMIT $limit`,
      );
}

/** The last word of the text matches whole where the log has it, which is read in order; else as a prefix. */
function matchText(db: Database, filter: RequestFilter): string | null {
  const whole = matchOf(filter);
  if (!whole || filter.text === undefined) return whole;
  const found = db
    .query<{ rowid: number }, { whole: string }>("SELECT rowid FROM request_words WHERE request_words MATCH $whole LIMIT 1")
    .get({ whole });
  return found ? whole : matchOf(filter, { isBegun: true });
}

const MAX_NAMED = 200;

/** Positions of the requests whose id begins like this; only for texts long enough to mean one. */
function idsLike(db: Database, text: string): number[] {
  const start = text.trim().toLowerCase();
  if (!/^[a-z0-9_-]{6,64}$/.test(start)) return [];
  return db
    .query<{ seq: number }, { start: string; limit: number }>(
      "SELECT seq FROM requests WHERE id >= $start AND id < $start || '~' ORDER BY id DESC LIMIT $limit",
    )
    .all({ start, limit: MAX_NAMED })
    .map(({ seq }) => seq);
}

/** Positions that the page lies strictly between; null: it begins or ends at a row that is gone. */
function spanOf(db: Database, { before, after, from, to }: RequestFilter): { after: number; before: number } | null {
  const above = after === undefined ? 0 : positionOf(db, after);
  const below = before === undefined ? Number.MAX_SAFE_INTEGER : positionOf(db, before);
  if (above === null || below === null) return null;
  return {
    after: from === undefined ? above : Math.max(above, firstEndedAt(db, from) - 1),
    before: to === undefined ? below : Math.min(below, firstEndedAt(db, to)),
  };
}

function positionOf(db: Database, id: string): number | null {
  return db.query<{ seq: number }, { id: string }>("SELECT seq FROM requests WHERE id = $id").get({ id })?.seq ?? null;
}

/** Position of the first request that ended at or after `time` (epoch ms); rows are written as they end, so halving finds it. */
function firstEndedAt(db: Database, time: number): number {
  const at = db.query<{ seq: number; ended: number }, { seq: number }>(
    "SELECT seq, at + ms AS ended FROM requests WHERE seq >= $seq ORDER BY seq LIMIT 1",
  );
  const ends = db
    .query<{ low: number | null; high: number | null }, []>(
      "SELECT (SELECT min(seq) FROM requests) AS low, (SELECT max(seq) FROM requests) AS high",
    )
    .get();
  let [low, high] = [ends?.low ?? 1, (ends?.high ?? 0) + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = at.get({ seq: middle });
    if (row && row.ended < time) low = row.seq + 1;
    else high = middle;
  }
  return low;
}

/** With its payload. Null when the log has no such request. */
export function getRequest(db: Database, id: string): RequestRow | null {
  const raw = db.query<Raw, { id: string }>(`SELECT ${COLUMNS}, payload FROM requests WHERE id = $id`).get({ id });
  return raw ? (withAttempts(db, [raw])[0] ?? null) : null;
}

/** Of those that have one. */
export function promptsOf(db: Database, ids: readonly string[]): { id: string; prompt: string }[] {
  return db
    .query<{ id: string; prompt: string }, { ids: string }>(
      `SELECT id, payload ->> '$.prompt' AS prompt FROM requests
       WHERE id IN (SELECT value FROM json_each($ids)) AND payload IS NOT NULL`,
    )
    .all({ ids: JSON.stringify(ids) });
}

function withAttempts(db: Database, rows: Raw[]): RequestRow[] {
  const attempts = db
    .query<AttemptRow & { request: number }, { requests: string }>(
      `SELECT request, token_id AS tokenId, provider, family, started_at AS startedAt, ms, outcome, reason, upstream_status AS upstreamStatus
       FROM attempts WHERE request IN (SELECT value FROM json_each($requests)) ORDER BY request, position`,
    )
    .all({ requests: JSON.stringify(rows.map((row) => row.seq)) });
  const byRequest = Map.groupBy(attempts, (attempt) => attempt.request);
  return rows.map(({ seq, stream, mediaIds, payload, refusedFor: reason, address, times, ...row }) => ({
    ...row,
    stream: stream === 1,
    mediaIds: JSON.parse(mediaIds),
    attempts: (byRequest.get(seq) ?? []).map((attempt) => omit(attempt, ["request"])),
    ...(payload ? { payload: JSON.parse(payload) } : {}),
    ...(times === null ? {} : { refusal: { reason, address, times } }),
  }));
}

/** Deletes at most `limit` rows that began before `time` (epoch ms), oldest first, and their words; says how many. */
export function deleteRequestsBefore(db: Database, time: number, limit: number): number {
  const old = JSON.stringify(
    db
      .query<{ seq: number }, { time: number; limit: number }>("SELECT seq FROM requests WHERE at < $time ORDER BY at LIMIT $limit")
      .all({ time, limit })
      .map(({ seq }) => seq),
  );
  db.query("DELETE FROM request_words WHERE rowid IN (SELECT value FROM json_each($old))").run({ old });
  deleteFailuresBefore(db, time, limit);
  return db.query("DELETE FROM requests WHERE seq IN (SELECT value FROM json_each($old))").run({ old }).changes;
}
