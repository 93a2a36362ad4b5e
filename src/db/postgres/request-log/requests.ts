// SQL of the request log: rows with their attempts, pages, search.

import type { RequestFilter, RequestRow } from "../../../domain/request.ts";
import type { Bound } from "../binding.ts";
import { jsonOf, rowsIn } from "../bundle.ts";
import type { Reader, Sql } from "../driver.ts";
import { addFailures, deleteFailuresBefore } from "./failure-sums.ts";
import { queryOf, searchOfRow } from "./search.ts";

const COLUMNS = `id, at, ms, dialect, route, key_id AS "keyId", model, family, kind, outcome, message, images, video_seconds AS "videoSeconds",
  input_tokens AS "inputTokens", output_tokens AS "outputTokens", usd, stream, media_ids AS "mediaIds", attempts, reason AS "refusedFor",
  address, times`;

const MODEL_LENGTH = 200;

/** One of the advisory locks of this program: rows get their `seq` in the order of the commits. */
const WRITE_LOCK = 4_807_526_977;

type Raw = Omit<RequestRow, "mediaIds" | "attempts" | "payload" | "refusal"> & {
  mediaIds: string;
  attempts: string;
  refusedFor: string | null;
  address: string | null;
  /** Null: it was not refused. */
  times: number | null;
  /** Read with one row only. */
  payload?: string | null;
};

const toRow = ({ mediaIds, attempts, payload, refusedFor: reason, address, times, ...row }: Raw): RequestRow => ({
  ...row,
  mediaIds: JSON.parse(mediaIds),
  attempts: JSON.parse(attempts),
  ...(payload ? { payload: JSON.parse(payload) } : {}),
  ...(times === null ? {} : { refusal: { reason, address, times } }),
});

/** As the log stores it: no fractions of a millisecond. */
const rounded = (row: RequestRow): RequestRow => ({
  ...row,
  at: Math.round(row.at),
  ms: Math.round(row.ms),
  model: row.model.slice(0, MODEL_LENGTH),
  attempts: row.attempts.map((attempt) => ({ ...attempt, startedAt: Math.round(attempt.startedAt), ms: Math.round(attempt.ms) })),
});

const NAMES = `id, at, ms, dialect, route, key_id, model, family, kind, outcome, message, images, video_seconds, input_tokens, output_tokens,
  usd, stream, media_ids, attempts, payload, reason, address, times`;

const GIVEN = `id text, at bigint, ms bigint, dialect text, route text, "keyId" bigint, model text, family text, kind text, outcome text,
  message text, images bigint, "videoSeconds" float8, "inputTokens" bigint, "outputTokens" bigint, usd float8, stream boolean,
  "mediaIds" json, attempts json, payload json, refusal json, search text`;

/** Writes rows together; a row whose id is there already is skipped. */
export async function insertRequests(sql: Sql, given: readonly RequestRow[]): Promise<void> {
  const rows = given.map(rounded);
  await sql.run("SELECT pg_advisory_xact_lock($lock)", { lock: WRITE_LOCK });
  const added = await sql.all<{ id: string }>(
    `INSERT INTO requests (${NAMES}, search)
     SELECT id, at, ms, dialect, route, "keyId", model, family, kind, outcome, message, images, "videoSeconds", "inputTokens", "outputTokens",
       usd, stream, "mediaIds"::text, attempts::text, payload::text, refusal ->> 'reason', refusal ->> 'address',
       (refusal ->> 'times')::bigint, search::tsvector
     FROM ${rowsIn("rows", GIVEN)}
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    { rows: jsonOf(rows.map((row) => ({ ...row, search: searchOfRow(row) }))) },
  );
  const fresh = new Map(added.map(({ id }) => [id, true]));
  // The first of those that came twice.
  await addFailures(
    sql,
    rows.filter(({ id }) => fresh.delete(id)),
  );
}

/** Newest first. */
export async function listRequests(sql: Reader, filter: RequestFilter): Promise<RequestRow[]> {
  const range = await rangeOf(sql, filter);
  if (range === null) return [];
  const named = filter.text === undefined ? [] : await idsLike(sql, filter.text);
  if (named.length > 0) return listNamed(sql, { filter, range, named });
  const query = await queryText(sql, filter);
  if (query === null) return [];
  return query === "" ? listAll(sql, filter.limit, range) : listMatching(sql, { limit: filter.limit, range, query });
}

/** Conditions on the rows of a page, and what is read of each. */
type Range = { where: string; bound: Bound; columns: string };

const NEWEST_FIRST = "ORDER BY ended_at DESC, seq DESC";

const pageOf = async (sql: Reader, { columns }: Pick<Range, "columns">, from: string, bound: Bound) =>
  (await sql.all<Raw>(`SELECT ${columns} FROM ${from} ${NEWEST_FIRST} LIMIT $limit`, bound)).map(toRow);

function listAll(sql: Reader, limit: number, range: Range): Promise<RequestRow[]> {
  const { where, bound } = range;
  return pageOf(sql, range, `requests WHERE ${where}`, { ...bound, limit });
}

/** Ids that a person wrote are few: they are checked one by one. */
function listNamed(sql: Reader, { filter, range, named }: { filter: RequestFilter; range: Range; named: number[] }): Promise<RequestRow[]> {
  const query = queryOf({ ...filter, text: undefined }) ?? "";
  return pageOf(
    sql,
    range,
    `requests WHERE ${range.where} AND seq = ANY ($named::bigint[]) AND ($query = '' OR search @@ $query::tsquery)`,
    {
      ...range.bound,
      ...{ named, query, limit: filter.limit },
    },
  );
}

/** Rows that are read one after the other before the index is asked. */
const WALKED = 2000;

/**
 * What many rows match is found among the newest; else the index has it. Neither alone is fast for both, and the planner, which knows only
 * the limit, walks the whole log for a rare word.
 */
async function listMatching(sql: Reader, { limit, range, query }: { limit: number; range: Range; query: string }): Promise<RequestRow[]> {
  const { where, bound } = range;
  const walked = await pageOf(
    sql,
    range,
    `(SELECT * FROM requests WHERE ${where} ${NEWEST_FIRST} LIMIT ${WALKED}) AS newest WHERE search @@ $query::tsquery`,
    { ...bound, query, limit },
  );
  if (walked.length === limit || !(await hasMore(sql, range))) return walked;
  return pageOf(
    sql,
    range,
    `requests WHERE seq IN (
       WITH matching AS MATERIALIZED (SELECT seq, ended_at FROM requests WHERE search @@ $query::tsquery AND ${where})
       SELECT seq FROM matching ${NEWEST_FIRST} LIMIT $limit)`,
    { ...bound, query, limit },
  );
}

/** Whether the range holds more rows than are walked. */
async function hasMore(sql: Reader, { where, bound }: Range): Promise<boolean> {
  return (await sql.get(`SELECT 1 AS found FROM requests WHERE ${where} ${NEWEST_FIRST} OFFSET ${WALKED} LIMIT 1`, bound)) !== null;
}

/** The last word of the text matches whole where the log has it; else as a prefix. */
async function queryText(sql: Reader, filter: RequestFilter): Promise<string | null> {
  const whole = queryOf(filter);
  if (!whole || filter.text === undefined) return whole;
  const row = await sql.get<{ found: boolean }>(
    `WITH matching AS MATERIALIZED (SELECT 1 FROM requests WHERE search @@ $whole::tsquery) SELECT EXISTS (SELECT 1 FROM matching) AS found`,
    { whole },
  );
  return row?.found ? whole : queryOf(filter, { isBegun: true });
}

const MAX_NAMED = 200;

/** Positions of the requests whose id begins like this; only for texts long enough to mean one. */
async function idsLike(sql: Reader, text: string): Promise<number[]> {
  const start = text.trim().toLowerCase();
  if (!/^[a-z0-9_-]{6,64}$/.test(start)) return [];
  const rows = await sql.all<{ seq: number }>("SELECT seq FROM requests WHERE id >= $start AND id < $end ORDER BY id DESC LIMIT $limit", {
    ...{ start, end: `${start}~`, limit: MAX_NAMED },
  });
  return rows.map(({ seq }) => seq);
}

/** Null: the page begins or ends at a row that is gone. `after` goes by the order of the commits, so that no row of any node is missed. */
async function rangeOf(sql: Reader, { before, after, from, to, withPayload }: RequestFilter): Promise<Range | null> {
  const [last, first] = await Promise.all([positionOf(sql, before), positionOf(sql, after)]);
  if (last === null || first === null) return null;
  const conditions = [
    "true",
    last && "(ended_at, seq) < ($lastEnded::bigint, $last::bigint)",
    first && "seq > $first",
    from !== undefined && "ended_at >= $from",
    to !== undefined && "ended_at < $to",
  ];
  const bound: Bound = {
    ...(last && { last: last.seq, lastEnded: last.endedAt }),
    ...(first && { first: first.seq }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
  return { where: conditions.filter(Boolean).join(" AND "), bound, columns: withPayload ? `${COLUMNS}, payload` : COLUMNS };
}

type Position = { seq: number; endedAt: number };

/** Undefined: not asked for; null: the row is gone. */
async function positionOf(sql: Reader, id: string | undefined): Promise<Position | null | undefined> {
  return id === undefined ? undefined : sql.get<Position>(`SELECT seq, ended_at AS "endedAt" FROM requests WHERE id = $id`, { id });
}

/** With its payload. Null when the log has no such request. */
export async function getRequest(sql: Reader, id: string): Promise<RequestRow | null> {
  const raw = await sql.get<Raw>(`SELECT ${COLUMNS}, payload FROM requests WHERE id = $id`, { id });
  return raw && toRow(raw);
}

/** Of those that have one. */
export function promptsOf(sql: Reader, ids: readonly string[]): Promise<{ id: string; prompt: string }[]> {
  return sql.all("SELECT id, payload::json ->> 'prompt' AS prompt FROM requests WHERE id = ANY ($ids::text[]) AND payload IS NOT NULL", {
    ids: [...ids],
  });
}

/** Deletes at most `limit` rows that began before `time` (epoch ms), oldest first; says how many. */
export async function deleteRequestsBefore(sql: Sql, time: number, limit: number): Promise<number> {
  await deleteFailuresBefore(sql, time, limit);
  return sql.run(
    "DELETE FROM requests WHERE seq IN (SELECT seq FROM requests WHERE at < $time ORDER BY at LIMIT $limit FOR UPDATE SKIP LOCKED)",
    { time, limit },
  );
}
