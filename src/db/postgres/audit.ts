// SQL of the audit log: append only.
import type { AuditFilter, AuditRow } from "../admin.ts";
import type { Reader, Sql } from "./driver.ts";

type Raw = Omit<AuditRow, "before" | "after"> & { before: string | null; after: string | null };

const toRow = (raw: Raw): AuditRow => ({ ...raw, before: parse(raw.before), after: parse(raw.after) });
const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const write = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));

export async function insertAudit(sql: Sql, { at, actor, address, action, subject, before, after }: Omit<AuditRow, "id">): Promise<void> {
  await sql.run(
    `INSERT INTO audit (at, actor, address, action, subject, before, after)
     VALUES ($at, $actor, $address, $action, $subject, $before, $after)`,
    { at, actor, address, action, subject, before: write(before), after: write(after) },
  );
}

/** Newest first. */
export async function listAudit(sql: Reader, { limit, before, subject }: AuditFilter): Promise<AuditRow[]> {
  const rows = await sql.all<Raw>(
    `SELECT id, at, actor, address, action, subject, before, after FROM audit
     WHERE ($before::bigint IS NULL OR id < $before) AND ($subject::text IS NULL OR subject = $subject)
     ORDER BY id DESC LIMIT $limit`,
    { limit, before: before ?? null, subject: subject ?? null },
  );
  return rows.map(toRow);
}
