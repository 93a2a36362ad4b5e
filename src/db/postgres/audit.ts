// SQL of the audit log: append only; an entry of many subjects has an item for each.
import type { AuditFilter, AuditItem, AuditRow } from "../admin.ts";
import type { Reader, Sql } from "./driver.ts";

type Raw = Omit<AuditRow, "before" | "after"> & { before: string | null; after: string | null };
type RawItem = Pick<Raw, "subject" | "before" | "after">;

const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const write = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
const read = <R extends RawItem>(raw: R) => ({ ...raw, before: parse(raw.before), after: parse(raw.after) });

export async function insertAudit(
  sql: Sql,
  { at, actor, address, action, subject, before, after }: Omit<AuditRow, "id" | "items">,
  items: readonly AuditItem[] = [],
): Promise<void> {
  const entry = await sql.get<{ id: number }>(
    `INSERT INTO audit (at, actor, address, action, subject, before, after, items)
     VALUES ($at, $actor, $address, $action, $subject, $before, $after, $items) RETURNING id`,
    { at, actor, address, action, subject, before: write(before), after: write(after), items: items.length },
  );
  if (items.length === 0) return;
  await sql.run(
    `INSERT INTO audit_items (audit_id, subject, before, after)
     SELECT $id::bigint, * FROM unnest($subjects::text[], $befores::text[], $afters::text[]) ON CONFLICT DO NOTHING`,
    {
      id: entry!.id,
      subjects: items.map((item) => item.subject),
      befores: items.map((item) => write(item.before)),
      afters: items.map((item) => write(item.after)),
    },
  );
}

/** Newest first. */
export async function listAudit(sql: Reader, { limit, subject, ...filter }: AuditFilter): Promise<AuditRow[]> {
  const before = filter.before ?? null;
  if (subject !== undefined) return listOf(sql, { subject, limit, before });
  const rows = await sql.all<Raw>(
    `SELECT id, at, actor, address, action, subject, before, after, items FROM audit
     WHERE $before::bigint IS NULL OR id < $before ORDER BY id DESC LIMIT $limit`,
    { limit, before },
  );
  return rows.map(read);
}

/** Entries of one subject, and what entries of many did to it. */
async function listOf(sql: Reader, bound: { subject: string; limit: number; before: number | null }): Promise<AuditRow[]> {
  const rows = await sql.all<Raw>(
    `SELECT id, at, actor, address, action, subject, before, after, items FROM audit
     WHERE subject = $subject AND ($before::bigint IS NULL OR id < $before)
     UNION ALL
     SELECT audit.id, at, actor, address, action, item.subject, item.before, item.after, 0
     FROM audit_items AS item JOIN audit ON audit.id = audit_id
     WHERE item.subject = $subject AND ($before::bigint IS NULL OR audit.id < $before)
     ORDER BY id DESC LIMIT $limit`,
    bound,
  );
  return rows.map(read);
}

export async function listAuditItems(sql: Reader, id: number, limit: number): Promise<AuditItem[]> {
  const rows = await sql.all<RawItem>("SELECT subject, before, after FROM audit_items WHERE audit_id = $id ORDER BY subject LIMIT $limit", {
    id,
    limit,
  });
  return rows.map(read);
}
