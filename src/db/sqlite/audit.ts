// SQL of the audit log: append only.
import type { Database } from "bun:sqlite";
import type { AuditFilter, AuditRow } from "../admin.ts";

type Bound = { limit: number; before: number | null; subject: string | null };
type Raw = Omit<AuditRow, "before" | "after"> & { before: string | null; after: string | null };

const toRow = (raw: Raw): AuditRow => ({ ...raw, before: parse(raw.before), after: parse(raw.after) });
const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const write = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));

export function insertAudit(db: Database, { at, actor, address, action, subject, before, after }: Omit<AuditRow, "id">): void {
  db.query(
    `INSERT INTO audit (at, actor, address, action, subject, before, after)
     VALUES ($at, $actor, $address, $action, $subject, $before, $after)`,
  ).run({ at, actor, address, action, subject, before: write(before), after: write(after) });
}

/** Newest first. */
export function listAudit(db: Database, { limit, before, subject }: AuditFilter): AuditRow[] {
  return db
    .query<Raw, Bound>(
      `SELECT id, at, actor, address, action, subject, before, after FROM audit
       WHERE ($before IS NULL OR id < $before) AND ($subject IS NULL OR subject = $subject)
       ORDER BY id DESC LIMIT $limit`,
    )
    .all({ limit, before: before ?? null, subject: subject ?? null })
    .map(toRow);
}
