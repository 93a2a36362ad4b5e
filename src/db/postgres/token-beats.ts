// SQL of token beats: calls of each token by half-hours of the last day, in a ring of 49 rows a token.
import { BEAT_MS } from "../../domain/token.ts";
import type { TokenBeat } from "../ledger.ts";
import type { Reader, Sql } from "./driver.ts";

/** A day, and the half-hour that has begun. */
const PLACES = 49;

/** Adds the calls up to this one to their half-hours; one that is older than what its place holds counts no more. */
export async function addBeats(sql: Sql, last: number): Promise<void> {
  await sql.run(
    `INSERT INTO token_beats AS held (token_id, place, slot, served, failed)
     SELECT DISTINCT ON (subject, place) subject, place, slot, served, failed FROM (
       SELECT subject, (slot / $length::bigint % $places::bigint)::integer AS place, slot,
         count(*) FILTER (WHERE ok) AS served, count(*) FILTER (WHERE NOT ok) AS failed
       FROM (SELECT subject, ok, coalesce(ended_at, hour) - coalesce(ended_at, hour) % $length::bigint AS slot
             FROM token_calls WHERE seq <= $last) AS calls
       GROUP BY subject, slot) AS beats
     ORDER BY subject, place, slot DESC
     ON CONFLICT (token_id, place) DO UPDATE SET
       served = excluded.served + CASE WHEN held.slot = excluded.slot THEN held.served ELSE 0 END,
       failed = excluded.failed + CASE WHEN held.slot = excluded.slot THEN held.failed ELSE 0 END,
       slot = excluded.slot
     WHERE held.slot <= excluded.slot`,
    { length: BEAT_MS, places: PLACES, last },
  );
}

/** Half-hours of these tokens that began at `since` or later, epoch ms; those without a call are left out. */
export function readBeats(sql: Reader, ids: readonly number[], since: number): Promise<TokenBeat[]> {
  return sql.all<TokenBeat>(
    `SELECT token_id AS "tokenId", slot AS at, served, failed FROM token_beats
     WHERE token_id = ANY ($ids::bigint[]) AND slot >= $since ORDER BY token_id, slot`,
    { ids: [...ids], since },
  );
}

export async function deleteBeats(sql: Sql, tokenId: number): Promise<void> {
  await sql.run("DELETE FROM token_beats WHERE token_id = $tokenId", { tokenId });
}
