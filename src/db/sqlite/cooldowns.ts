// SQL of what held tokens and groups back: the latest of each, also when it is over.

import type { Database } from "bun:sqlite";
import type { CooldownRow } from "../../domain/token.ts";

/** As many are kept of each token and of each group. */
const KEPT = 50;

const COLUMNS = "subject, token_id AS tokenId, at, family, reason, until";

/** Writes pauses in the order they began, and forgets the oldest of whoever has more than are kept. */
export function insertCooldowns(db: Database, pauses: readonly CooldownRow[]): void {
  const insert = db.query(
    "INSERT INTO pauses (subject, token_id, at, family, reason, until) VALUES ($subject, $tokenId, $at, $family, $reason, $until)",
  );
  for (const pause of pauses) insert.run({ ...pause });
  const forget = db.query(
    `DELETE FROM pauses WHERE subject = $subject
     AND seq <= (SELECT seq FROM pauses WHERE subject = $subject ORDER BY seq DESC LIMIT 1 OFFSET ${KEPT})`,
  );
  for (const subject of new Set(pauses.map((pause) => pause.subject))) forget.run({ subject });
}

/** Of any of these subjects, newest first. */
export function listCooldowns(db: Database, subjects: readonly string[], limit: number): CooldownRow[] {
  return db
    .query<CooldownRow, { subjects: string; limit: number }>(
      `SELECT ${COLUMNS} FROM pauses WHERE subject IN (SELECT value FROM json_each($subjects)) ORDER BY seq DESC LIMIT $limit`,
    )
    .all({ subjects: JSON.stringify(subjects), limit });
}

export function deleteCooldowns(db: Database, subject: string): void {
  db.query("DELETE FROM pauses WHERE subject = $subject").run({ subject });
}
