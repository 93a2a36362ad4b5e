// SQL of jobs: rows in order of creation, changed only from an expected state.

import { JOB_STATES, type JobState } from "../../domain/job.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import { containing, type JobChange, type JobQuery, type JobRow, type NewDelivery } from "../jobs.ts";
import { URL_OF_JOB } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Bound } from "./binding.ts";
import type { Reader, Sql } from "./driver.ts";
import { isAlive } from "./fencing.ts";
import { insertDelivery } from "./webhooks.ts";

export const JOB_COLUMNS = `seq, id, kind, key_id AS "keyId", request_id AS "requestId", state, created_at AS "createdAt", ended_at AS "endedAt", removed,
  webhook_url AS url, body`;
export const ENDED = "('completed', 'failed', 'cancelled')";

type Columns = Pick<JobRow, "id" | "kind" | "keyId" | "requestId" | "state" | "createdAt" | "endedAt" | "removed">;
export type RawJob = Columns & { seq: number; url: Uint8Array | null; body: string };

export function toJob(vault: Vault, raw: RawJob): JobRow {
  const { url, body, ...columns } = omit(raw, ["seq"]);
  const webhookUrl = url && vault.open(URL_OF_JOB, url);
  return { ...JSON.parse(body), ...columns, webhookUrl };
}

function toBindings(vault: Vault, job: JobRow) {
  const { id, kind, keyId, requestId, state, createdAt, endedAt, removed, webhookUrl, ...rest } = job;
  const url = webhookUrl === null ? null : vault.seal(URL_OF_JOB, webhookUrl);
  return { id, kind, keyId, requestId, state, createdAt, endedAt, removed, url, body: JSON.stringify(rest) };
}

/** @throws {AppError} `unavailable` when the node is dead */
export async function insertJob(sql: Sql, vault: Vault, job: JobRow, node: number): Promise<void> {
  if (!(await isAlive(sql, node))) throw new AppError("unavailable", "This server was declared dead.", { reason: "fenced" });
  await sql.run(
    `INSERT INTO jobs (id, kind, key_id, request_id, state, created_at, ended_at, removed, webhook_url, body, node)
     VALUES ($id, $kind, $keyId, $requestId, $state, $createdAt, $endedAt, $removed, $url, $body, $node)`,
    { ...toBindings(vault, job), node },
  );
}

export type JobUpdate = { id: string; from: readonly JobState[]; change: JobChange; delivery?: NewDelivery; node?: number };

/** Compare and set: null when the job is not in one of the states `from`. A delivery is queued only with the change. */
export async function updateJob(sql: Sql, vault: Vault, { id, from, change, delivery, node }: JobUpdate): Promise<JobRow | null> {
  if (node !== undefined && !(await isAlive(sql, node))) return null;
  const raw = await sql.get<RawJob & { node: number | null }>(`SELECT ${JOB_COLUMNS}, node FROM jobs WHERE id = $id FOR NO KEY UPDATE`, {
    id,
  });
  if (!raw || !from.includes(raw.state) || (node !== undefined && raw.node !== node)) return null;
  const next: JobRow = { ...toJob(vault, omit(raw, ["node"])), ...change };
  await sql.run(
    `UPDATE jobs SET request_id = $requestId, state = $state, ended_at = $endedAt, removed = $removed, webhook_url = $url, body = $body
     WHERE id = $id`,
    toBindings(vault, next),
  );
  if (delivery) await insertDelivery(sql, vault, delivery);
  return next;
}

export async function getJob(sql: Reader, vault: Vault, id: string): Promise<JobRow | null> {
  const raw = await sql.get<RawJob>(`SELECT ${JOB_COLUMNS} FROM jobs WHERE id = $id`, { id });
  return raw && toJob(vault, raw);
}

/** The latest job of a request. */
export async function findJob(sql: Reader, vault: Vault, requestId: string): Promise<JobRow | null> {
  const raw = await sql.get<RawJob>(`SELECT ${JOB_COLUMNS} FROM jobs WHERE request_id = $requestId ORDER BY seq DESC LIMIT 1`, {
    requestId,
  });
  return raw && toJob(vault, raw);
}

/** Of the latest job of each request. */
export function promptsOfRequests(sql: Reader, requestIds: readonly string[]): Promise<{ requestId: string; prompt: string }[]> {
  return sql.all(
    `SELECT DISTINCT ON (request_id) request_id AS "requestId", body::json ->> 'prompt' AS prompt FROM jobs
     WHERE request_id = ANY ($ids::text[]) ORDER BY request_id, seq DESC`,
    { ids: [...requestIds] },
  );
}

export async function listJobs(sql: Reader, vault: Vault, { keyId, limit, after, order, kind, states, text }: JobQuery): Promise<JobRow[]> {
  const down = order === "desc";
  const conditions = [
    keyId === null ? "" : "key_id = $keyId AND NOT removed",
    after === undefined ? "" : `seq ${down ? "<" : ">"} (SELECT seq FROM jobs WHERE id = $after)`,
    kind === undefined ? "" : "kind = $kind",
    states === undefined ? "" : "state = ANY ($states::text[])",
    text === undefined ? "" : "body::json ->> 'prompt' ILIKE $text ESCAPE '!'",
  ].filter(Boolean);
  const bound: Bound = {
    limit,
    ...(keyId !== null && { keyId }),
    ...(after !== undefined && { after }),
    ...(kind !== undefined && { kind }),
    ...(states !== undefined && { states }),
    ...(text !== undefined && { text: containing(text) }),
  };
  const rows = await sql.all<RawJob>(
    `SELECT ${JOB_COLUMNS} FROM jobs ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
     ORDER BY seq ${down ? "DESC" : "ASC"} LIMIT $limit`,
    bound,
  );
  return rows.map((raw) => toJob(vault, raw));
}

/** From the index of states. */
export async function countJobs(sql: Reader, most: number): Promise<Record<JobState, number>> {
  const states = JOB_STATES.map(
    (state) => `(SELECT count(*)::int FROM (SELECT 1 FROM jobs WHERE state = '${state}' LIMIT $most) AS found) AS ${state}`,
  );
  return (await sql.get<Record<JobState, number>>(`SELECT ${states.join(", ")}`, { most }))!;
}

/** From the index of those that have not ended. */
export async function countOpenJobs(sql: Reader): Promise<Partial<Record<JobState, number>>> {
  const rows = await sql.all<{ state: JobState; count: number }>(
    `SELECT state, count(*) AS count FROM jobs WHERE state NOT IN ${ENDED} GROUP BY state`,
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** False: its reservation is open. An id that is gone is skipped. */
export async function deleteJob(sql: Sql, id: string): Promise<boolean> {
  const deleted = await sql.run(
    `DELETE FROM jobs WHERE id = $id
       AND NOT EXISTS (SELECT 1 FROM reservations WHERE request_id = jobs.request_id AND state = 'reserved')`,
    { id },
  );
  return deleted > 0 || (await sql.get("SELECT 1 AS found FROM jobs WHERE id = $id", { id })) === null;
}

/** Deletes at most `limit` jobs that ended before `time` (epoch ms); says how many. */
export function deleteJobsBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM jobs WHERE seq IN (
       SELECT seq FROM jobs WHERE ended_at < $time AND state IN ${ENDED} ORDER BY ended_at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { time, limit },
  );
}
