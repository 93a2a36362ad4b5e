// SQL of cooldowns: the history of tokens and groups, of each the newest.
import type { Database } from "bun:sqlite";
import type { CooldownRow } from "../../domain/token.ts";

/** Rows stored per token and per group. */
const MAX_COOLDOWNS = 50;

const COOLDOWN_COLUMNS = "subject, token_id AS tokenId, at, family, reason, until";

/** Writes cooldowns in the order of their start; deletes the oldest of each subject beyond MAX_COOLDOWNS. */
export function insertCooldowns(db: Database, cooldowns: readonly CooldownRow[]): void {
  const insert = db.query(
    "INSERT INTO pauses (subject, token_id, at, family, reason, until) VALUES ($subject, $tokenId, $at, $family, $reason, $until)",
  );
  for (const cooldown of cooldowns) insert.run({ ...cooldown });
  const deleteOldest = db.query(
    `DELETE FROM pauses WHERE subject = $subject
     AND seq <= (SELECT seq FROM pauses WHERE subject = $subject ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_COOLDOWNS})`,
  );
  for (const subject of new Set(cooldowns.map((cooldown) => cooldown.subject))) deleteOldest.run({ subject });
}

/** Of these subjects, newest first. */
export function listCooldowns(db: Database, subjects: readonly string[], limit: number): CooldownRow[] {
  return db
    .query<CooldownRow, { subjects: string; limit: number }>(
      `SELECT ${COOLDOWN_COLUMNS} FROM pauses WHERE subject IN (SELECT value FROM json_each($subjects)) ORDER BY seq DESC LIMIT $limit`,
    )
    .all({ subjects: JSON.stringify(subjects), limit });
}

export function deleteCooldowns(db: Database, subject: string): void {
  db.query("DELETE FROM pauses WHERE subject = $subject").run({ subject });
}
