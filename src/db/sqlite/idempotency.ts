// SQL of idempotency: one row per Idempotency-Key, key and route.
import type { Database } from "bun:sqlite";
import type { IdempotencyName, IdempotencyRow } from "../jobs.ts";

const COLUMNS = "key_id AS keyId, route, name AS key, hash, run, created_at AS createdAt, job_id AS jobId";
const NAME = "key_id = $keyId AND route = $route AND name = $key";

function find(db: Database, { keyId, route, key }: IdempotencyName): IdempotencyRow | null {
  return db.query<IdempotencyRow, IdempotencyName>(`SELECT ${COLUMNS} FROM idempotency WHERE ${NAME}`).get({ keyId, route, key });
}

/** Takes the name, or gives the row that has it; one made before `since` makes room. */
export function claimIdempotency(db: Database, row: IdempotencyRow, since: number): { isNew: boolean; row: IdempotencyRow } {
  const held = find(db, row);
  if (held && held.createdAt >= since) return { isNew: false, row: held };
  db.query(
    `INSERT OR REPLACE INTO idempotency (key_id, route, name, hash, run, created_at, submitted, job_id)
     VALUES ($keyId, $route, $key, $hash, $run, $createdAt, 0, $jobId)`,
  ).run(row);
  return { isNew: true, row };
}

/** Compare and set: false when it has a job, or another run has it by now. */
export function takeIdempotency(db: Database, { keyId, route, key }: IdempotencyName, run: { from: string; to: string }): boolean {
  return (
    db.query(`UPDATE idempotency SET run = $to WHERE ${NAME} AND run = $from AND job_id IS NULL`).run({ keyId, route, key, ...run })
      .changes > 0
  );
}

/** A name that is gone, or that another run has, is passed over. */
export function attachIdempotency(db: Database, { keyId, route, key }: IdempotencyName, jobId: string, run: string): void {
  db.query(`UPDATE idempotency SET job_id = $jobId WHERE ${NAME} AND run = $run`).run({ keyId, route, key, jobId, run });
}

/** Skips a name that has another job, or is of another run, than the one given. */
export function deleteIdempotency(db: Database, { keyId, route, key }: IdempotencyName, held: { jobId: string } | { run: string }): void {
  const [column, value] = "run" in held ? ["run", held.run] : ["job_id", held.jobId];
  db.query(`DELETE FROM idempotency WHERE ${NAME} AND ${column} = $value`).run({ keyId, route, key, value });
}

/** Deletes at most `limit` names taken before `time` (epoch ms); says how many. */
export function deleteIdempotencyBefore(db: Database, time: number, limit: number): number {
  return db
    .query(
      "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < $time ORDER BY created_at LIMIT $limit)",
    )
    .run({ time, limit }).changes;
}
