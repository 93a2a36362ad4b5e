// SQL of the request log: a row per request, a row per upstream call, pages by position.
import type { Database } from "bun:sqlite";
import type { AttemptRow, RequestFilter, RequestRow } from "../store.ts";

const COLUMNS = `seq, id, at, requests.ms AS ms, dialect, route, key_id AS keyId, model, requests.family AS family, kind,
  requests.outcome AS outcome, message, images, video_seconds AS videoSeconds, input_tokens AS inputTokens,
  output_tokens AS outputTokens, usd, stream, media_ids AS mediaIds`;

/** Every filter, for rows that an index has found by one of them. Null: not asked. */
const MATCHES = `($keyId IS NULL OR key_id = $keyId) AND ($model IS NULL OR model = $model)
  AND ($outcome IS NULL OR requests.outcome = $outcome)`;

const MODEL_LENGTH = 200;

type Raw = Omit<RequestRow, "stream" | "mediaIds" | "attempts"> & { seq: number; stream: number; mediaIds: string };

/** Writes rows in one go; a row whose id is there already is passed over. */
export function insertRequests(db: Database, rows: readonly RequestRow[]): void {
  const insert = db.query<never, Record<string, string | number | boolean | null>>(
    `INSERT INTO requests (id, at, ms, dialect, route, key_id, model, family, kind, outcome, message, images, video_seconds,
       input_tokens, output_tokens, usd, stream, media_ids)
     VALUES ($id, $at, $ms, $dialect, $route, $keyId, $model, $family, $kind, $outcome, $message, $images, $videoSeconds,
       $inputTokens, $outputTokens, $usd, $stream, $mediaIds)
     ON CONFLICT (id) DO NOTHING`,
  );
  for (const { attempts, ...row } of rows) {
    const { changes, lastInsertRowid } = insert.run({
      ...row,
      at: Math.round(row.at),
      ms: Math.round(row.ms),
      model: row.model.slice(0, MODEL_LENGTH),
      mediaIds: JSON.stringify(row.mediaIds),
    });
    if (changes > 0) insertAttempts(db, Number(lastInsertRowid), attempts);
  }
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
  const before = filter.before === undefined ? Number.MAX_SAFE_INTEGER : positionOf(db, filter.before);
  if (before === null) return [];
  const rows = pageStatement(db, filter).all({
    before,
    limit: filter.limit,
    tokenId: filter.tokenId ?? null,
    keyId: filter.keyId ?? null,
    model: filter.model ?? null,
    outcome: filter.outcome ?? null,
  });
  return withAttempts(db, rows);
}

/** The statement that finds its rows by the filter likely to match fewest; each is served by its own index, in order. */
function pageStatement(db: Database, filter: RequestFilter) {
  type Page = Record<string, string | number | null>;
  if (filter.tokenId !== undefined)
    return db.query<Raw, Page>(
      `SELECT ${COLUMNS} FROM attempts JOIN requests ON seq = request
       WHERE token_id = $tokenId AND request < $before AND ${MATCHES} AND NOT EXISTS (
         SELECT 1 FROM attempts AS earlier
         WHERE earlier.request = attempts.request AND earlier.token_id = $tokenId AND earlier.position < attempts.position)
       ORDER BY request DESC LIMIT $limit`,
    );
  if (filter.outcome !== undefined && filter.outcome !== "ok")
    return db.query<Raw, Page>(
      `SELECT ${COLUMNS} FROM requests WHERE outcome = $outcome AND outcome <> 'ok' AND seq < $before AND ${MATCHES}
       ORDER BY seq DESC LIMIT $limit`,
    );
  if (filter.keyId !== undefined)
    return db.query<Raw, Page>(
      `SELECT ${COLUMNS} FROM requests WHERE key_id = $keyId AND seq < $before AND ${MATCHES} ORDER BY seq DESC LIMIT $limit`,
    );
  if (filter.model !== undefined)
    return db.query<Raw, Page>(
      `SELECT ${COLUMNS} FROM requests WHERE model = $model AND seq < $before AND ${MATCHES} ORDER BY seq DESC LIMIT $limit`,
    );
  return db.query<Raw, Page>(`SELECT ${COLUMNS} FROM requests WHERE seq < $before AND ${MATCHES} ORDER BY seq DESC LIMIT $limit`);
}

function positionOf(db: Database, id: string): number | null {
  return db.query<{ seq: number }, { id: string }>("SELECT seq FROM requests WHERE id = $id").get({ id })?.seq ?? null;
}

/** Null when the log has no such request. */
export function getRequest(db: Database, id: string): RequestRow | null {
  const raw = db.query<Raw, { id: string }>(`SELECT ${COLUMNS} FROM requests WHERE id = $id`).get({ id });
  return raw ? (withAttempts(db, [raw])[0] ?? null) : null;
}

function withAttempts(db: Database, rows: Raw[]): RequestRow[] {
  const attempts = db
    .query<AttemptRow & { request: number }, { requests: string }>(
      `SELECT request, token_id AS tokenId, provider, family, started_at AS startedAt, ms, outcome, reason, upstream_status AS upstreamStatus
       FROM attempts WHERE request IN (SELECT value FROM json_each($requests)) ORDER BY request, position`,
    )
    .all({ requests: JSON.stringify(rows.map((row) => row.seq)) });
  const byRequest = Map.groupBy(attempts, (attempt) => attempt.request);
  return rows.map(({ seq, stream, mediaIds, ...row }) => ({
    ...row,
    stream: stream === 1,
    mediaIds: JSON.parse(mediaIds),
    attempts: (byRequest.get(seq) ?? []).map(({ request: _, ...attempt }) => attempt),
  }));
}

/** Deletes at most `limit` rows that began before `time` (epoch ms), oldest first; says how many. */
export function deleteRequestsBefore(db: Database, time: number, limit: number): number {
  return db
    .query("DELETE FROM requests WHERE seq IN (SELECT seq FROM requests WHERE at < $time ORDER BY at LIMIT $limit)")
    .run({ time, limit }).changes;
}
