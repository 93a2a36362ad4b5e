// SQL of the audit log: append only; an entry of many subjects has an item for each.
import type { Database } from "bun:sqlite";
import type { AuditFilter, AuditItem, AuditRow } from "../admin.ts";

type Bound = { limit: number; before: number | null };
type Raw = Omit<AuditRow, "before" | "after"> & { before: string | null; after: string | null };
type RawItem = Pick<Raw, "subject" | "before" | "after">;

const parse = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
const write = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
const read = <R extends RawItem>(raw: R) => ({ ...raw, before: parse(raw.before), after: parse(raw.after) });

export function insertAudit(
  db: Database,
  { at, actor, address, action, subject, before, after }: Omit<AuditRow, "id" | "items">,
  items: readonly AuditItem[] = [],
): void {
  const { id } = db
    .query<{ id: number }, Record<string, string | number | null>>(
      `INSERT INTO audit (at, actor, address, action, subject, before, after, items)
       VALUES ($at, $actor, $address, $action, $subject, $before, $after, $items) RETURNING id`,
    )
    .get({ at, actor, address, action, subject, before: write(before), after: write(after), items: items.length })!;
  const statement = db.query(
    "INSERT OR IGNORE INTO audit_items (audit_id, subject, before, after) VALUES ($id, $subject, $before, $after)",
  );
  for (const item of items) statement.run({ id, subject: item.subject, before: write(item.before), after: write(item.after) });
}

/** Newest first. */
export function listAudit(db: Database, { limit, subject, ...filter }: AuditFilter): AuditRow[] {
  const before = filter.before ?? null;
  if (subject !== undefined) return listOf(db, subject, { limit, before });
  return db
    .query<Raw, Bound>(
      `SELECT id, at, actor, address, action, subject, before, after, items FROM audit
       WHERE $before IS NULL OR id < $before ORDER BY id DESC LIMIT $limit`,
    )
    .all({ limit, before })
    .map(read);
}

/** Entries of one subject, and what entries of many did to it. */
function listOf(db: Database, subject: string, bound: Bound): AuditRow[] {
  return db
    .query<Raw, Bound & { subject: string }>(
      `SELECT id, at, actor, address, action, subject, before, after, items FROM audit
       WHERE subject = $subject AND ($before IS NULL OR id < $before)
       UNION ALL
       SELECT id, at, actor, address, action, item.subject, item.before, item.after, 0 FROM audit_items AS item JOIN audit ON id = audit_id
       WHERE item.subject = $subject AND ($before IS NULL OR id < $before)
       ORDER BY id DESC LIMIT $limit`,
    )
    .all({ ...bound, subject })
    .map(read);
}

export function listAuditItems(db: Database, id: number, limit: number): AuditItem[] {
  return db
    .query<RawItem, { id: number; limit: number }>(
      "SELECT subject, before, after FROM audit_items WHERE audit_id = $id ORDER BY subject LIMIT $limit",
    )
    .all({ id, limit })
    .map(read);
}
