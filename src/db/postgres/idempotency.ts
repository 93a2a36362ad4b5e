// SQL of idempotency: one row per Idempotency-Key, key and route.
import type { IdempotencyName, IdempotencyRow } from "../jobs.ts";
import type { Sql } from "./driver.ts";

const COLUMNS = `key_id AS "keyId", route, name AS key, hash, run, created_at AS "createdAt", submitted, job_id AS "jobId", result`;
const NAME = "key_id = $keyId AND route = $route AND name = $key";

type Raw = Omit<IdempotencyRow, "result"> & { result: string | null };

const toRow = (raw: Raw): IdempotencyRow => ({ ...raw, result: raw.result === null ? null : JSON.parse(raw.result) });

const toBindings = ({ keyId, route, key, hash, run, createdAt, submitted, jobId, result }: IdempotencyRow) => ({
  ...{ keyId, route, key, hash, run, createdAt, submitted, jobId },
  result: result === null ? null : JSON.stringify(result),
});

/** Locks the name until the transaction ends. */
async function lock(sql: Sql, { keyId, route, key }: IdempotencyName): Promise<IdempotencyRow | null> {
  const raw = await sql.get<Raw>(`SELECT ${COLUMNS} FROM idempotency WHERE ${NAME} FOR UPDATE`, { keyId, route, key });
  return raw && toRow(raw);
}

/** Takes the name, or gives the row that has it; one made before `since` makes room. */
export async function claimIdempotency(sql: Sql, row: IdempotencyRow, since: number): Promise<{ isNew: boolean; row: IdempotencyRow }> {
  const written = await sql.run(
    `INSERT INTO idempotency AS held (key_id, route, name, hash, run, created_at, submitted, job_id, result)
     VALUES ($keyId, $route, $key, $hash, $run, $createdAt, $submitted, $jobId, $result)
     ON CONFLICT (key_id, route, name) DO UPDATE SET hash = excluded.hash, run = excluded.run, created_at = excluded.created_at,
       submitted = excluded.submitted, job_id = excluded.job_id, result = excluded.result
     WHERE held.created_at < $since`,
    { ...toBindings(row), since },
  );
  if (written === 1) return { isNew: true, row };
  const held = await lock(sql, row);
  // Deleted between the two statements, by another process.
  if (!held) return claimIdempotency(sql, row, since);
  return { isNew: false, row: held };
}

/** Compare and set: false when it was submitted, has a job or a result, or another run has it by now. */
export async function takeIdempotency(
  sql: Sql,
  { keyId, route, key }: IdempotencyName,
  run: { from: string; to: string },
): Promise<boolean> {
  const taken = await sql.run(
    `UPDATE idempotency SET run = $to WHERE ${NAME} AND run = $from AND NOT submitted AND job_id IS NULL AND result IS NULL`,
    { keyId, route, key, from: run.from, to: run.to },
  );
  return taken > 0;
}

/** A name that is gone is skipped. */
export async function updateIdempotency(sql: Sql, name: IdempotencyName, change: Partial<IdempotencyRow>): Promise<void> {
  const row = await lock(sql, name);
  if (!row) return;
  const { keyId, route, key, run, submitted, jobId, result } = toBindings({ ...row, ...change });
  await sql.run(`UPDATE idempotency SET run = $run, submitted = $submitted, job_id = $jobId, result = $result WHERE ${NAME}`, {
    ...{ keyId, route, key, run, submitted, jobId, result },
  });
}

/** Skips a name that is gone, or has another job than the one given. */
export async function deleteIdempotency(sql: Sql, { keyId, route, key }: IdempotencyName, jobId: string | null = null): Promise<void> {
  await sql.run(`DELETE FROM idempotency WHERE ${NAME} AND ($jobId::text IS NULL OR job_id = $jobId)`, { keyId, route, key, jobId });
}

/** Deletes at most `limit` names taken before `time` (epoch ms); says how many. */
export function deleteIdempotencyBefore(sql: Sql, time: number, limit: number): Promise<number> {
  return sql.run(
    `DELETE FROM idempotency WHERE (key_id, route, name) IN (
       SELECT key_id, route, name FROM idempotency WHERE created_at < $time ORDER BY created_at LIMIT $limit FOR UPDATE SKIP LOCKED)`,
    { time, limit },
  );
}
