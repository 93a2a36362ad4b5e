// Audit log: actor, action, subject, before and after, secrets masked.
import type { AuditFilter, AuditRow } from "../../db/admin.ts";
import type { Store } from "../../db/store.ts";
import { isRecord } from "../../domain/is-record.ts";
import { redact } from "../../log.ts";

export type Change = {
  /** What was done, e.g. `key.create`. */
  action: string;
  /** To what, e.g. `key 3`. */
  subject: string;
  before?: unknown;
  after?: unknown;
};

export type Audit = {
  /** Writes one change down. `address` is the operator's. */
  record(change: Change, by: { address: string | null; actor?: string }): Promise<void>;
  /** Newest first. */
  list(filter: AuditFilter): Promise<AuditRow[]>;
};

export function createAudit({ store, now }: { store: Pick<Store, "insertAudit" | "listAudit">; now: () => number }): Audit {
  return {
    record: ({ action, subject, before, after }, { address, actor = "admin" }) =>
      store.insertAudit({ at: now(), actor, address, action, subject, ...changedOnly(redact(before), redact(after)) }),
    list: (filter) => store.listAudit(filter),
  };
}

/** Of two records only the fields that differ; anything else whole. Pure. */
export function changedOnly(before: unknown, after: unknown): { before: unknown; after: unknown } {
  if (!isRecord(before) || !isRecord(after)) return { before: before ?? null, after: after ?? null };
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => !Bun.deepEquals(before[name], after[name]));
  const pick = (from: Record<string, unknown>) =>
    Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
  return { before: pick(before), after: pick(after) };
}
