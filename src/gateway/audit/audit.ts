// Audit log: actor, action, subject, before and after, secrets masked; one entry for an action on many.

import type { AuditFilter, AuditItem, AuditRow } from "../../db/admin.ts";
import type { Store } from "../../db/store.ts";
import type { AuditAction } from "../../domain/audit.ts";
import { isRecord } from "../../domain/is-record.ts";
import { redact } from "../../log.ts";

export type Change = {
  /** What was done, e.g. `key.create`. */
  action: AuditAction;
  /** To what, e.g. `key 3`. */
  subject: string;
  before?: unknown;
  after?: unknown;
};

/** One action on many subjects. */
export type ManyChange = {
  action: AuditAction;
  /** What they are: `tokens`. */
  subject: string;
  /** Each with what changed; one whose before and after are equal is left out. */
  items: readonly { subject: string; before?: unknown; after?: unknown }[];
};

export type By = { address: string | null; actor?: string };

export type Audit = {
  /** Writes one change down. `address` is the operator's. */
  record(change: Change, by: By): Promise<void>;
  /** Writes one entry with an item for each subject; of a single one an entry of its own; of none nothing. */
  recordMany(change: ManyChange, by: By): Promise<void>;
  /** Newest first. */
  list(filter: AuditFilter): Promise<AuditRow[]>;
  /** What an entry did to each of its subjects. */
  items(id: number, limit: number): Promise<AuditItem[]>;
};

type Dependencies = { store: Pick<Store, "insertAudit" | "listAudit" | "listAuditItems">; now: () => number };

export function createAudit({ store, now }: Dependencies): Audit {
  const record: Audit["record"] = ({ action, subject, before, after }, { address, actor = "admin" }) =>
    store.insertAudit({ at: now(), actor, address, action, subject, ...changedOnly(redact(before), redact(after)) });
  return {
    record,
    async recordMany({ action, subject, items }, by) {
      const changed = items.filter(({ before, after }) => (before === undefined && after === undefined) || !Bun.deepEquals(before, after));
      if (changed.length === 0) return;
      if (changed.length === 1) return record({ action, ...changed[0]! }, by);
      const rows = changed.map((one) => ({ subject: one.subject, ...changedOnly(redact(one.before), redact(one.after)) }));
      const { address, actor = "admin" } = by;
      await store.insertAudit({ at: now(), actor, address, action, subject, before: null, after: commonTo(rows) }, rows);
    },
    list: (filter) => store.listAudit(filter),
    items: (id, limit) => store.listAuditItems(id, limit),
  };
}

/** Fields that all of them have the same afterwards; null: there are none. */
function commonTo(rows: readonly { after: unknown }[]): Record<string, unknown> | null {
  const [first, ...rest] = rows.map(({ after }) => (isRecord(after) ? after : {}));
  const common = Object.entries(first!).filter(([name, value]) => rest.every((one) => name in one && Bun.deepEquals(one[name], value)));
  return common.length === 0 ? null : Object.fromEntries(common);
}

/** Of two records only the fields that differ; anything else whole. Pure. */
export function changedOnly(before: unknown, after: unknown): { before: unknown; after: unknown } {
  if (!isRecord(before) || !isRecord(after)) return { before: before ?? null, after: after ?? null };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !Bun.deepEquals(before[name], after[name]));
  const pick = (from: Record<string, unknown>) =>
    Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
  return { before: pick(before), after: pick(after) };
}
