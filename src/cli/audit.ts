// Audit log of changes on the command line: beside a server it shows up there, too.
import type { Store } from "../db/store.ts";
import { type Change, createAudit } from "../gateway/audit/audit.ts";

/** Who made a change, as the audit log shows it. There is no address: whoever can write the data folder is on this machine. */
export const COMMAND_LINE = { actor: "command line", address: null } as const;

/** Writes one change down. @param now epoch ms */
export function recordChange(
  store: Pick<Store, "insertAudit" | "listAudit" | "listAuditItems">,
  now: number,
  change: Change,
): Promise<void> {
  return createAudit({ store, now: () => now }).record(change, COMMAND_LINE);
}
