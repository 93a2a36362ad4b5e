// SQL of cooldowns: what held tokens and groups back, the latest of each.
import type { CooldownRow } from "../../domain/token.ts";
import type { Reader, Sql } from "./driver.ts";

/** Rows stored per token and per group. */
const MAX_COOLDOWNS = 50;

const COLUMNS = `subject, token_id AS "tokenId", at, family, reason, until`;

/** Writes cooldowns in the order of their start; deletes the oldest of each subject beyond MAX_COOLDOWNS. */
export async function insertCooldowns(sql: Sql, cooldowns: readonly CooldownRow[]): Promise<void> {
  await sql.run(
    `INSERT INTO cooldowns (subject, token_id, at, family, reason, until)
     SELECT subject, token_id, at, family, reason, until
     FROM unnest($subjects::text[], $tokenIds::bigint[], $ats::bigint[], $families::text[], $reasons::text[], $untils::bigint[])
       WITH ORDINALITY AS given (subject, token_id, at, family, reason, until, position) ORDER BY position`,
    {
      subjects: cooldowns.map(({ subject }) => subject),
      tokenIds: cooldowns.map(({ tokenId }) => tokenId),
      ats: cooldowns.map(({ at }) => at),
      families: cooldowns.map(({ family }) => family),
      reasons: cooldowns.map(({ reason }) => reason),
      untils: cooldowns.map(({ until }) => until),
    },
  );
  for (const subject of new Set(cooldowns.map((cooldown) => cooldown.subject)))
    await sql.run(
      `DELETE FROM cooldowns WHERE subject = $subject
       AND seq <= (SELECT seq FROM cooldowns WHERE subject = $subject ORDER BY seq DESC LIMIT 1 OFFSET ${MAX_COOLDOWNS})`,
      { subject },
    );
}

/** Of these subjects, newest first. */
export function listCooldowns(sql: Reader, subjects: readonly string[], limit: number): Promise<CooldownRow[]> {
  return sql.all(`SELECT ${COLUMNS} FROM cooldowns WHERE subject = ANY ($subjects::text[]) ORDER BY seq DESC LIMIT $limit`, {
    subjects,
    limit,
  });
}

export async function deleteCooldowns(sql: Sql, subject: string): Promise<void> {
  await sql.run("DELETE FROM cooldowns WHERE subject = $subject", { subject });
}
