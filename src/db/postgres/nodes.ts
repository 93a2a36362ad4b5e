// SQL of nodes: heartbeat, death, and what is taken over, handed over and claimed.
import type { Json } from "../../domain/generation.ts";
import type { JobRow } from "../jobs.ts";
import type { Inheritance, NodeRow } from "../nodes.ts";
import type { Vault } from "../vault.ts";
import type { Reader, Sql } from "./driver.ts";
import { ALIVE, CLOCK, isAlive } from "./fencing.ts";
import { ENDED, JOB_COLUMNS, type RawJob, toJob } from "./jobs.ts";
import { type RawReservation, RESERVATION_COLUMNS, toReservation } from "./ledger.ts";
import { giveBackSlots } from "./shared/slots.ts";

const COLUMNS = `id, state, url, version, started_at AS "startedAt", beat_at AS "beatAt", gauges`;
const DAY_MS = 86_400_000;

/** Deletes nodes that were not heard of for a day and own nothing, and remembers owners that are not known: others take over from them. */
export async function joinNode(sql: Sql, { url, version }: Pick<NodeRow, "url" | "version">): Promise<{ id: number; now: number }> {
  await sql.run(
    `DELETE FROM nodes WHERE id IN (
       SELECT id FROM nodes WHERE beat_at < ${CLOCK} - ${DAY_MS} AND NOT (${ALIVE})
         AND NOT EXISTS (SELECT 1 FROM reservations WHERE node = nodes.id AND state = 'reserved')
         AND NOT EXISTS (SELECT 1 FROM jobs WHERE node = nodes.id AND state NOT IN ${ENDED})
       FOR UPDATE SKIP LOCKED)`,
  );
  await sql.run(
    `INSERT INTO nodes (id, state, url, version, started_at, beat_at, gauges)
     SELECT node, 'left', NULL, '', 0, 0, 'null'
     FROM (SELECT node FROM jobs WHERE state NOT IN ${ENDED} UNION SELECT node FROM reservations WHERE state = 'reserved') AS owners
     WHERE node IS NOT NULL AND node NOT IN (SELECT id FROM nodes WHERE NOT taken_over) ORDER BY node
     ON CONFLICT (id) DO UPDATE SET taken_over = false`,
  );
  const row = await sql.get<{ id: number; now: number }>(
    `INSERT INTO nodes (state, url, version, started_at, beat_at, gauges) SELECT 'serving', $url, $version, now, now, 'null'
     FROM (SELECT ${CLOCK} AS now) AS clock RETURNING id, beat_at AS now`,
    { url, version },
  );
  return row!;
}

export async function beatNode(sql: Sql, id: number, gauges: Json): Promise<{ now: number; isDraining: boolean } | null> {
  const row = await sql.get<{ state: NodeRow["state"]; now: number }>(
    `UPDATE nodes SET beat_at = ${CLOCK}, gauges = $gauges WHERE id = $id AND ${ALIVE} RETURNING state, beat_at AS now`,
    { id, gauges: JSON.stringify(gauges) },
  );
  return row && { now: row.now, isDraining: row.state === "draining" };
}

export async function listNodes(sql: Reader): Promise<NodeRow[]> {
  const rows = await sql.all<Omit<NodeRow, "gauges"> & { gauges: string }>(
    `SELECT ${COLUMNS} FROM nodes WHERE beat_at >= ${CLOCK} - ${DAY_MS} ORDER BY id DESC`,
  );
  return rows.map((raw) => ({ ...raw, gauges: JSON.parse(raw.gauges) }));
}

export async function drainNode(sql: Sql, id: number, isDraining: boolean): Promise<boolean> {
  const state = isDraining ? "draining" : "serving";
  return (await sql.run(`UPDATE nodes SET state = $state WHERE id = $id AND ${ALIVE}`, { id, state })) > 0;
}

export async function leaveNode(sql: Sql, id: number): Promise<void> {
  await sql.run(`UPDATE nodes SET state = 'left' WHERE id = $id AND ${ALIVE}`, { id });
}

const NOTHING: Inheritance = { jobs: [], reservations: [] };

/** Each dead node is locked, so that one node takes it over, once: what is dead writes nothing any more. */
export async function takeOver(sql: Sql, vault: Vault, me: number, silentMs: number): Promise<Inheritance> {
  if (!(await isAlive(sql, me))) return NOTHING;
  await sql.run(
    `UPDATE nodes SET state = 'dead' WHERE id IN (
       SELECT id FROM nodes WHERE ${ALIVE} AND id <> $me AND beat_at < ${CLOCK} - $silentMs::bigint ORDER BY id FOR UPDATE SKIP LOCKED)`,
    { me, silentMs },
  );
  const gone = await sql.all<{ id: number }>(
    `SELECT id FROM nodes WHERE NOT (${ALIVE}) AND NOT taken_over ORDER BY id FOR UPDATE SKIP LOCKED`,
  );
  if (gone.length === 0) return NOTHING;
  const bound = { me, gone: gone.map(({ id }) => id) };
  const owned = "node = ANY ($gone::bigint[])";
  const jobs = await sql.all<RawJob>(
    `UPDATE jobs SET node = $me WHERE seq IN (
       SELECT seq FROM jobs WHERE ${owned} AND state NOT IN ${ENDED}
       UNION SELECT jobs.seq FROM jobs JOIN reservations AS open ON open.request_id = jobs.request_id AND open.state = 'reserved'
         WHERE jobs.${owned})
     RETURNING ${JOB_COLUMNS}`,
    bound,
  );
  const reservations = await sql.all<RawReservation>(
    `UPDATE reservations SET node = $me WHERE state = 'reserved' AND (${owned} OR request_id = ANY ($requests::text[]))
     RETURNING ${RESERVATION_COLUMNS}`,
    { ...bound, requests: jobs.map(({ requestId }) => requestId) },
  );
  await giveBackSlots(sql, bound.gone);
  await sql.run("DELETE FROM locks WHERE node = ANY ($gone::bigint[])", { gone: bound.gone });
  await sql.run("UPDATE nodes SET taken_over = true WHERE id = ANY ($gone::bigint[])", { gone: bound.gone });
  return inheritance(vault, jobs, reservations);
}

/** Gives up this job, or all that have not ended, with their reservations. */
export async function handOver(sql: Sql, me: number, jobId: string | null = null): Promise<number> {
  const jobs = await sql.all<{ requestId: string }>(
    `UPDATE jobs SET node = NULL WHERE node = $me AND state NOT IN ${ENDED} AND ($jobId::text IS NULL OR id = $jobId)
     RETURNING request_id AS "requestId"`,
    { me, jobId },
  );
  await sql.run("UPDATE reservations SET node = NULL WHERE state = 'reserved' AND node = $me AND request_id = ANY ($requests::text[])", {
    me,
    requests: jobs.map(({ requestId }) => requestId),
  });
  return jobs.length;
}

export async function claimJobs(sql: Sql, vault: Vault, me: number, limit: number): Promise<Inheritance> {
  if (!(await isAlive(sql, me))) return NOTHING;
  const jobs = await sql.all<RawJob>(
    `WITH waiting AS (
       SELECT seq FROM jobs WHERE node IS NULL AND state NOT IN ${ENDED} ORDER BY seq LIMIT $limit FOR UPDATE SKIP LOCKED),
     unsettled AS (
       SELECT jobs.seq FROM reservations AS open JOIN jobs ON jobs.request_id = open.request_id
       WHERE open.node IS NULL AND open.state = 'reserved' AND jobs.node IS NULL AND jobs.state IN ${ENDED}
       LIMIT $limit FOR UPDATE OF jobs SKIP LOCKED)
     UPDATE jobs SET node = $me WHERE seq IN (SELECT seq FROM waiting UNION SELECT seq FROM unsettled)
     RETURNING ${JOB_COLUMNS}`,
    { me, limit },
  );
  const reservations = await sql.all<RawReservation>(
    `UPDATE reservations SET node = $me WHERE state = 'reserved' AND node IS NULL AND request_id = ANY ($requests::text[])
     RETURNING ${RESERVATION_COLUMNS}`,
    { me, requests: jobs.map(({ requestId }) => requestId) },
  );
  return inheritance(vault, jobs, reservations);
}

/** Oldest first. */
function inheritance(vault: Vault, jobs: RawJob[], reservations: RawReservation[]): Inheritance {
  const sorted: JobRow[] = jobs.sort((a, b) => a.seq - b.seq).map((raw) => toJob(vault, raw));
  return { jobs: sorted, reservations: reservations.map(toReservation).sort((a, b) => a.id - b.id) };
}
