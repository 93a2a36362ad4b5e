// SQL of jobs: rows in order of creation, changed only from an expected state.

import type { Database } from "bun:sqlite";
import { JOB_STATES, type JobState } from "../../domain/job.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import { containing, type JobChange, type JobQuery, type JobRow, type NewDelivery } from "../jobs.ts";
import { URL_OF_JOB } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import { insertDelivery } from "./webhooks.ts";

const COLUMNS =
  "seq, id, kind, key_id AS keyId, request_id AS requestId, state, created_at AS createdAt, ended_at AS endedAt, removed, webhook_url AS url, body";
const ENDED = "('completed', 'failed', 'cancelled')";

type Columns = Pick<JobRow, "id" | "kind" | "keyId" | "requestId" | "state" | "createdAt" | "endedAt">;
type Raw = Columns & { seq: number; removed: number; url: Uint8Array | null; body: string };

function toJob(vault: Vault, raw: Raw): JobRow {
  const { url, removed, body, ...columns } = omit(raw, ["seq"]);
  const webhookUrl = url && vault.open(URL_OF_JOB, url);
  return { ...JSON.parse(body), ...columns, removed: removed === 1, webhookUrl };
}

function toBindings(vault: Vault, job: JobRow) {
  const { id, kind, keyId, requestId, state, createdAt, endedAt, removed, webhookUrl, ...rest } = job;
  const url = webhookUrl === null ? null : vault.seal(URL_OF_JOB, webhookUrl);
  return { id, kind, keyId, requestId, state, createdAt, endedAt, removed, url, body: JSON.stringify(rest) };
}

/** @throws {AppError} `unavailable` when the node is dead */
export function insertJob(db: Database, vault: Vault, job: JobRow, node: number): void {
  if (isFenced(db, node)) throw new AppError("unavailable", "This server was declared dead.", { reason: "fenced" });
  db.query(
    `INSERT INTO jobs (id, kind, key_id, request_id, state, created_at, ended_at, removed, webhook_url, body, node)
     VALUES ($id, $kind, $keyId, $requestId, $state, $createdAt, $endedAt, $removed, $url, $body, $node)`,
  ).run({ ...toBindings(vault, job), node });
}

/** Whether a node is dead or has left. 0 is none. */
function isFenced(db: Database, node: number): boolean {
  return node !== 0 && db.query("SELECT 1 FROM nodes WHERE id = $node AND state IN ('serving', 'draining')").get({ node }) === null;
}

/** Compare and set: null when the job is not in one of the states `from`. A delivery is queued only with the change. */
export function updateJob(
  db: Database,
  vault: Vault,
  { id, from, change, delivery, node }: { id: string; from: readonly JobState[]; change: JobChange; delivery?: NewDelivery; node?: number },
): JobRow | null {
  const job = getJob(db, vault, id);
  if (!job || !from.includes(job.state)) return null;
  if (node !== undefined && (nodeOf(db, id) !== node || isFenced(db, node))) return null;
  const next: JobRow = { ...job, ...change };
  const bindings = omit(toBindings(vault, next), ["kind", "keyId", "createdAt"]);
  db.query(
    `UPDATE jobs SET request_id = $requestId, state = $state, ended_at = $endedAt, removed = $removed, webhook_url = $url, body = $body
     WHERE id = $id`,
  ).run(bindings);
  if (delivery) insertDelivery(db, vault, delivery);
  return next;
}

export function getJob(db: Database, vault: Vault, id: string): JobRow | null {
  const raw = db.query<Raw, { id: string }>(`SELECT ${COLUMNS} FROM jobs WHERE id = $id`).get({ id });
  return raw && toJob(vault, raw);
}

/** Null: it was handed over. */
function nodeOf(db: Database, id: string): number | null {
  return db.query<{ node: number | null }, { id: string }>("SELECT node FROM jobs WHERE id = $id").get({ id })?.node ?? null;
}

/** The latest job of a request. */
export function findJob(db: Database, vault: Vault, requestId: string): JobRow | null {
  const raw = db
    .query<Raw, { requestId: string }>(`SELECT ${COLUMNS} FROM jobs WHERE request_id = $requestId ORDER BY seq DESC LIMIT 1`)
    .get({ requestId });
  return raw && toJob(vault, raw);
}

/** Of the latest job of each request. */
export function promptsOfRequests(db: Database, requestIds: readonly string[]): { requestId: string; prompt: string }[] {
  return db
    .query<{ requestId: string; prompt: string }, { ids: string }>(
      `SELECT request_id AS requestId, body ->> '$.prompt' AS prompt FROM jobs
       WHERE seq IN (SELECT max(seq) FROM jobs WHERE request_id IN (SELECT value FROM json_each($ids)) GROUP BY request_id)`,
    )
    .all({ ids: JSON.stringify(requestIds) });
}

export function listJobs(db: Database, vault: Vault, { keyId, limit, after, order, kind, states, text }: JobQuery): JobRow[] {
  const down = order === "desc";
  const conditions = [
    keyId === null ? "" : "key_id = $keyId AND removed = 0",
    after === undefined ? "" : `seq ${down ? "<" : ">"} (SELECT seq FROM jobs WHERE id = $after)`,
    kind === undefined ? "" : "kind = $kind",
    // One state is read in the order of its index.
    states === undefined ? "" : states.length === 1 ? "state = $states" : "state IN (SELECT value FROM json_each($states))",
    text === undefined ? "" : "body ->> '$.prompt' LIKE $text ESCAPE '!'",
  ].filter(Boolean);
  const wanted = states?.length === 1 ? states[0] : states && JSON.stringify(states);
  const named = { keyId, after, kind, states: wanted, text: text && containing(text) };
  const bindings = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined && value !== null));
  return db
    .query<Raw, Record<string, string | number>>(
      `SELECT ${COLUMNS} FROM jobs ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
       ORDER BY seq ${down ? "DESC" : "ASC"} LIMIT $limit`,
    )
    .all({ ...(bindings as Record<string, string | number>), limit })
    .map((raw) => toJob(vault, raw));
}

/** Jobs that have not ended, and ended ones whose reservation is open; oldest first. `owned`: a condition on the column `node`. */
export function readUnsettled(db: Database, vault: Vault, owned: string): JobRow[] {
  return db
    .query<Raw, []>(
      `SELECT ${COLUMNS} FROM jobs WHERE state NOT IN ${ENDED} AND ${owned}
       UNION SELECT ${COLUMNS} FROM jobs WHERE request_id IN (SELECT request_id FROM reservations WHERE state = 'reserved') AND ${owned}
       ORDER BY seq`,
    )
    .all()
    .map((raw) => toJob(vault, raw));
}

/** From the index of states. */
export function countJobs(db: Database, most: number): Record<JobState, number> {
  const states = JOB_STATES.map(
    (state) => `(SELECT count(*) FROM (SELECT 1 FROM jobs INDEXED BY jobs_by_state WHERE state = '${state}' LIMIT $most)) AS ${state}`,
  );
  return db.query<Record<JobState, number>, { most: number }>(`SELECT ${states.join(", ")}`).get({ most })!;
}

/** From the index of those that have not ended. */
export function countOpenJobs(db: Database): Partial<Record<JobState, number>> {
  const rows = db
    .query<{ state: JobState; count: number }, []>(`SELECT state, count(*) AS count FROM jobs WHERE state NOT IN ${ENDED} GROUP BY state`)
    .all();
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** False: its reservation is open. An id that is gone is passed over. */
export function deleteJob(db: Database, id: string): boolean {
  const { changes } = db
    .query(
      `DELETE FROM jobs WHERE id = $id
         AND NOT EXISTS (SELECT 1 FROM reservations WHERE request_id = jobs.request_id AND state = 'reserved')`,
    )
    .run({ id });
  return changes > 0 || db.query("SELECT 1 FROM jobs WHERE id = $id").get({ id }) === null;
}

/** Deletes at most `limit` jobs that ended before `time` (epoch ms); says how many. */
export function deleteJobsBefore(db: Database, time: number, limit: number): number {
  return db
    .query(
      `DELETE FROM jobs WHERE seq IN (
         SELECT seq FROM jobs WHERE ended_at < $time AND state IN ${ENDED} ORDER BY ended_at LIMIT $limit)`,
    )
    .run({ time, limit }).changes;
}
