// SQL of idempotency: one row per Idempotency-Key, key and route.
import type { Database } from "bun:sqlite";
import { omit } from "../../domain/omit.ts";
import type { IdempotencyName, IdempotencyRow } from "../jobs.ts";

const COLUMNS = "key_id AS keyId, route, name AS key, hash, run, created_at AS createdAt, submitted, job_id AS jobId, result";
const NAME = "key_id = $keyId AND route = $route AND name = $key";

type Raw = Omit<IdempotencyRow, "submitted" | "result"> & { submitted: number; result: string | null };

const toRow = (raw: Raw): IdempotencyRow => ({
  ...raw,
  submitted: raw.submitted === 1,
  result: raw.result === null ? null : JSON.parse(raw.result),
});

const toBindings = ({ result, ...row }: IdempotencyRow) => ({ ...row, result: result === null ? null : JSON.stringify(result) });

function find(db: Database, { keyId, route, key }: IdempotencyName): IdempotencyRow | null {
  const raw = db.query<Raw, IdempotencyName>(`SELECT ${COLUMNS} FROM idempotency WHERE ${NAME}`).get({ keyId, route, key });
  return raw && toRow(raw);
}

/** Takes the name, or gives the row that has it; one made before `since` makes room. */
export function claimIdempotency(db: Database, row: IdempotencyRow, since: number): { isNew: boolean; row: IdempotencyRow } {
  const held = find(db, row);
  if (held && held.createdAt >= since) return { isNew: false, row: held };
  db.query(
    `INSERT OR REPLACE INTO idempotency (key_id, route, name, hash, run, created_at, submitted, job_id, result)
     VALUES ($keyId, $route, $key, $hash, $run, $createdAt, $submitted, $jobId, $result)`,
  ).run(toBindings(row));
  return { isNew: true, row };
}

/** Compare and set: false when it was submitted, has a job or a result, or another run has it by now. */
export function takeIdempotency(db: Database, { keyId, route, key }: IdempotencyName, run: { from: string; to: string }): boolean {
  return (
    db
      .query(`UPDATE idempotency SET run = $to WHERE ${NAME} AND run = $from AND submitted = 0 AND job_id IS NULL AND result IS NULL`)
      .run({ keyId, route, key, ...run }).changes > 0
  );
}

/** A name that is gone is passed over. */
export function updateIdempotency(db: Database, name: IdempotencyName, change: Partial<IdempotencyRow>): void {
  const row = find(db, name);
  if (!row) return;
  const bindings = omit(toBindings({ ...row, ...change }), ["hash", "createdAt"]);
  db.query(`UPDATE idempotency SET run = $run, submitted = $submitted, job_id = $jobId, result = $result WHERE ${NAME}`).run(bindings);
}

/** Skips a name that is gone, or has another job than the one given. */
export function deleteIdempotency(db: Database, { keyId, route, key }: IdempotencyName, jobId: string | null = null): void {
  db.query(`DELETE FROM idempotency WHERE ${NAME} AND ($jobId IS NULL OR job_id = $jobId)`).run({ keyId, route, key, jobId });
}

/** Deletes at most `limit` names taken before `time` (epoch ms); says how many. */
export function deleteIdempotencyBefore(db: Database, time: number, limit: number): number {
  return db
    .query(
      "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency WHERE created_at < $time ORDER BY created_at LIMIT $limit)",
    )
    .run({ time, limit }).changes;
}
