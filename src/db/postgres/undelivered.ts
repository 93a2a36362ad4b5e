// SQL of undelivered outcomes: few rows, each deleted after minutes.
import type { UndeliveredRow } from "../undelivered.ts";
import type { Reader, Sql } from "./driver.ts";

type Raw = Omit<UndeliveredRow, "outcome" | "node"> & { outcome: string; node: number };

export async function putUndelivered(sql: Sql, { id, keyId, requestId, hash, at, outcome, node = 0 }: UndeliveredRow): Promise<void> {
  await sql.run(
    `INSERT INTO undelivered (id, key_id, request_id, hash, at, outcome, node) VALUES ($id, $keyId, $requestId, $hash, $at, $outcome, $node)
     ON CONFLICT (id) DO UPDATE SET key_id = excluded.key_id, request_id = excluded.request_id, hash = excluded.hash, at = excluded.at,
       outcome = excluded.outcome, node = excluded.node`,
    { id, keyId, requestId, hash, at, node, outcome: JSON.stringify(outcome) },
  );
}

export async function deleteUndelivered(sql: Sql, id: string): Promise<void> {
  await sql.run("DELETE FROM undelivered WHERE id = $id", { id });
}

/** Oldest first. */
export async function listUndelivered(sql: Reader): Promise<UndeliveredRow[]> {
  const rows = await sql.all<Raw>(
    `SELECT id, key_id AS "keyId", request_id AS "requestId", hash, at, outcome, node FROM undelivered ORDER BY at, id`,
  );
  return rows.map(({ node, ...raw }) => ({ ...raw, ...(node ? { node } : {}), outcome: JSON.parse(raw.outcome) }));
}
