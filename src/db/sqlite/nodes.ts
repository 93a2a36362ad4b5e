// SQL of nodes: processes on this database, of which one lives, and what it takes over from the others.
import type { Database } from "bun:sqlite";
import type { Json } from "../../domain/generation.ts";
import type { Inheritance, NodeRow } from "../nodes.ts";
import type { Vault } from "../vault.ts";
import { readUnsettled } from "./jobs.ts";
import { type RawReservation, RESERVATION_COLUMNS, toReservation } from "./ledger.ts";

const COLUMNS = "id, state, url, version, started_at AS startedAt, beat_at AS beatAt, gauges";
const ALIVE = "state IN ('serving', 'draining')";
const DAY_MS = 86_400_000;

type Raw = Omit<NodeRow, "gauges"> & { gauges: string };

/** The folder has one owner, so whatever lived before is dead. */
export function joinNode(db: Database, { url, version }: Pick<NodeRow, "url" | "version">): { id: number; now: number } {
  const now = Date.now();
  db.query(`UPDATE nodes SET state = 'dead' WHERE ${ALIVE}`).run();
  db.query(
    "DELETE FROM nodes WHERE beat_at < $old AND id NOT IN (SELECT node FROM reservations WHERE state = 'reserved' AND node IS NOT NULL)",
  ).run({ old: now - DAY_MS });
  const { lastInsertRowid } = db
    .query(`INSERT INTO nodes (state, url, version, started_at, beat_at, gauges) VALUES ('serving', $url, $version, $now, $now, 'null')`)
    .run({ url, version, now });
  return { id: Number(lastInsertRowid), now };
}

export function beatNode(db: Database, id: number, gauges: Json): { now: number; isDraining: boolean } | null {
  const now = Date.now();
  const row = db
    .query<{ state: NodeRow["state"] }, Record<string, string | number>>(
      `UPDATE nodes SET beat_at = $now, gauges = $gauges WHERE id = $id AND ${ALIVE} RETURNING state`,
    )
    .get({ id, now, gauges: JSON.stringify(gauges) });
  return row && { now, isDraining: row.state === "draining" };
}

export function listNodes(db: Database): NodeRow[] {
  return db
    .query<Raw, { since: number }>(`SELECT ${COLUMNS} FROM nodes WHERE beat_at >= $since ORDER BY id DESC`)
    .all({ since: Date.now() - DAY_MS })
    .map((raw) => ({ ...raw, gauges: JSON.parse(raw.gauges) }));
}

export function drainNode(db: Database, id: number, isDraining: boolean): boolean {
  const state = isDraining ? "draining" : "serving";
  return db.query(`UPDATE nodes SET state = $state WHERE id = $id AND ${ALIVE}`).run({ id, state }).changes > 0;
}

export function leaveNode(db: Database, id: number): void {
  db.query(`UPDATE nodes SET state = 'left' WHERE id = $id AND ${ALIVE}`).run({ id });
}

const OF_OTHERS = "(node IS NULL OR node NOT IN (SELECT id FROM nodes WHERE state IN ('serving', 'draining')))";

/** Of every node that does not live, and of those before there were nodes. */
export function takeOver(db: Database, vault: Vault, me: number, silentMs: number): Inheritance {
  if (!isAlive(db, me)) return { jobs: [], reservations: [] };
  const silent = { me, before: Date.now() - silentMs };
  db.query(`UPDATE nodes SET state = 'dead' WHERE ${ALIVE} AND id <> $me AND beat_at < $before`).run(silent);
  const jobs = readUnsettled(db, vault, OF_OTHERS);
  return { jobs, reservations: moveTo(db, me, jobs, OF_OTHERS) };
}

/** Gives up this job, or all that have not ended, with their reservations. */
export function handOver(db: Database, vault: Vault, me: number, jobId?: string): number {
  const own = readUnsettled(db, vault, `node = ${Number(me)}`);
  const jobs = jobId === undefined ? own : own.filter(({ id }) => id === jobId);
  moveTo(db, null, jobs, null);
  return jobs.length;
}

export function claimJobs(db: Database, vault: Vault, me: number, limit: number): Inheritance {
  if (!isAlive(db, me)) return { jobs: [], reservations: [] };
  const jobs = readUnsettled(db, vault, "node IS NULL").slice(0, limit);
  return { jobs, reservations: moveTo(db, me, jobs, null) };
}

export function isAlive(db: Database, id: number): boolean {
  return db.query(`SELECT 1 FROM nodes WHERE id = $id AND ${ALIVE}`).get({ id }) !== null;
}

/** Gives these jobs to a node, with their open reservations and those of `others`. */
function moveTo(db: Database, to: number | null, jobs: Inheritance["jobs"], others: string | null): Inheritance["reservations"] {
  const moved = { to, ids: JSON.stringify(jobs.map(({ id }) => id)), requests: JSON.stringify(jobs.map(({ requestId }) => requestId)) };
  db.query("UPDATE jobs SET node = $to WHERE id IN (SELECT value FROM json_each($ids))").run({ to, ids: moved.ids });
  return db
    .query<RawReservation, { to: number | null; requests: string }>(
      `UPDATE reservations SET node = $to
       WHERE state = 'reserved' AND (request_id IN (SELECT value FROM json_each($requests)) OR ${others ?? "false"})
       RETURNING ${RESERVATION_COLUMNS}`,
    )
    .all({ to, requests: moved.requests })
    .map(toReservation)
    .sort((a, b) => a.id - b.id);
}
