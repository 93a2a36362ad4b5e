// SQL of undelivered outcomes: few rows, each deleted after minutes.
import type { Database } from "bun:sqlite";
import type { UndeliveredRow } from "../undelivered.ts";

type Raw = Omit<UndeliveredRow, "outcome"> & { outcome: string; node: number };

export function putUndelivered(db: Database, { outcome, node = 0, ...row }: UndeliveredRow): void {
  db.query(
    "INSERT OR REPLACE INTO undelivered (id, key_id, request_id, hash, at, outcome, node) VALUES ($id, $keyId, $requestId, $hash, $at, $outcome, $node)",
  ).run({ ...row, node, outcome: JSON.stringify(outcome) });
}

export function deleteUndelivered(db: Database, id: string): void {
  db.query("DELETE FROM undelivered WHERE id = $id").run({ id });
}

export function listUndelivered(db: Database): UndeliveredRow[] {
  return db
    .query<Raw, []>("SELECT id, key_id AS keyId, request_id AS requestId, hash, at, outcome, node FROM undelivered ORDER BY at, id")
    .all()
    .map(({ node, ...raw }) => ({ ...raw, ...(node ? { node } : {}), outcome: JSON.parse(raw.outcome) }));
}
