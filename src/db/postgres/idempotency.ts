// SQL of idempotency: one row per Idempotency-Key, key and route.
import type { IdempotencyName, IdempotencyRow } from "../jobs.ts";
import type { Sql } from "./driver.ts";

const COLUMNS = `key_id AS "keyId", route, name AS key, hash, run, created_at AS "createdAt", job_id AS "jobId"`;
const NAME = "key_id = $keyId AND route = $route AND name = $key";

/** Locks the name until the transaction ends. */
function lock(sql: Sql, { keyId, route, key }: IdempotencyName): Promise<IdempotencyRow | null> {
  return sql.get(`SELECT ${COLUMNS} FROM idempotency WHERE ${NAME} FOR UPDATE`, { keyId, route, key });
}

/** Takes the name, or gives the row that has it; one made before `since` makes room. */
export async function claimIdempotency(sql: Sql, row: IdempotencyRow, since: number): Promise<{ isNew: boolean; row: IdempotencyRow }> {
  const written = await sql.run(
    `INSERT INTO idempotency AS held (key_id, route, name, hash, run, created_at, submitted, job_id, result)
     VALUES ($keyId, $route, $key, $hash, $run, $createdAt, false, $jobId, NULL)
     ON CONFLICT (key_id, route, name) DO UPDATE SET hash = excluded.hash, run = excluded.run, created_at = excluded.created_at,
       submitted = excluded.submitted, job_id = excluded.job_id, result = excluded.result
     WHERE held.created_at < $since`,
    { ...row, since },
  );
  if (written === 1) return { isNew: true, row };
  const held = await lock(sql, row);
  // Deleted between the two statements, by another process.
  if (!held) return claimIdempotency(sql, row, since);
  return { isNew: false, row: held };
}

/** Compare and set: false when it has a job, or another run has it by now. */
export async function takeIdempotency(
  sql: Sql,
  { keyId, route, key }: IdempotencyName,
  run: { from: string; to: string },
): Promise<boolean> {
  const bound = { keyId, route, key, from: run.from, to: run.to };
  const taken = await sql.run(`UPDATE idempotency SET run = $to WHERE ${NAME} AND run = $from AND job_id IS NULL`, bound);
  return taken > 0;
}

/** A name that is gone, or that another run has, is skipped. */
export async function attachIdempotency(sql: Sql, { keyId, route, key }: IdempotencyName, jobId: string, run: string): Promise<void> {
  await sql.run(`UPDATE idempotency SET job_id = $jobId WHERE ${NAME} AND run = $run`, { keyId, route, key, jobId, run });
}

/** Skips a name that has another job, or is of another run, than the one given. */
export async function deleteIdempotency(
  sql: Sql,
  { keyId, route, key }: IdempotencyName,
  held: { jobId: string } | { run: string },
): Promise<void> {
  const [column, value] = "run" in held ? ["run", held.run] : ["job_id", held.jobId];
  await sql.run(`DELETE FROM idempotency WHERE ${NAME} AND ${column} = $value`, { keyId, route, key, value });
}

/** Deletes at most `limit` names taken before `time` (epoch ms); says how many. */
export function deleteIdempotencyBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM idempotency WHERE (key_id, route, name) IN (
       SELECT key_id, route, name FROM idempotency WHERE created_at < $time ORDER BY created_at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { time, limit },
  );
}
