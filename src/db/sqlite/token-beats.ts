// SQL of token beats: calls of each token by half-hours of the last day, in a ring of 49 rows a token.
import type { Database } from "bun:sqlite";
import { BEAT_MS } from "../../domain/token.ts";
import type { TokenBeat } from "../ledger.ts";

/** A day, and the half-hour that has begun. */
const PLACES = 49;

type Call = { subject: number; at: number; ok: boolean };

/** Adds calls to their half-hours; one that is older than what its place holds counts no more. */
export function addBeats(db: Database, calls: readonly Call[]): void {
  const beats = new Map<string, TokenBeat>();
  for (const { subject, at, ok } of calls) {
    const slot = at - (at % BEAT_MS);
    const key = `${subject} ${slot}`;
    const beat = beats.get(key) ?? { tokenId: subject, at: slot, served: 0, failed: 0 };
    if (ok) beat.served++;
    else beat.failed++;
    beats.set(key, beat);
  }
  const statement = db.query(
    `INSERT INTO token_beats (token_id, place, slot, served, failed) VALUES ($tokenId, $place, $at, $served, $failed)
     ON CONFLICT (token_id, place) DO UPDATE SET
       served = excluded.served + CASE WHEN slot = excluded.slot THEN served ELSE 0 END,
       failed = excluded.failed + CASE WHEN slot = excluded.slot THEN failed ELSE 0 END,
       slot = excluded.slot
     WHERE slot <= excluded.slot`,
  );
  const sorted = [...beats.values()].sort((a, b) => a.tokenId - b.tokenId || a.at - b.at);
  for (const beat of sorted) statement.run({ ...beat, place: (beat.at / BEAT_MS) % PLACES });
}

/** Half-hours of these tokens that began at `since` or later, epoch ms; those without a call are left out. */
export function readBeats(db: Database, ids: readonly number[], since: number): TokenBeat[] {
  return db
    .query<TokenBeat, { ids: string; since: number }>(
      `SELECT token_id AS tokenId, slot AS at, served, failed FROM token_beats
       WHERE token_id IN (SELECT value FROM json_each($ids)) AND slot >= $since ORDER BY token_id, slot`,
    )
    .all({ ids: JSON.stringify(ids), since });
}

export function deleteBeats(db: Database, tokenId: number): void {
  db.query("DELETE FROM token_beats WHERE token_id = $tokenId").run({ tokenId });
}
