// Tokens of the admin's JSON API: issue, find, revoke. Each has a scope, and a name that the audit log shows.
import type { Store } from "../../db/store.ts";
import {
  type AccountRow,
  type AdminTokenRow,
  includesRole,
  ROLE_OF_SCOPE,
  type Role,
  SCOPE_OF_ROLE,
  type Scope,
} from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import type { Audit } from "../audit/audit.ts";

/** The log and the audit trail mask what begins as keys of clients do. */
const PREFIX = "sk-f2a-admin-";
const SHOWN = PREFIX.length + 4;
/** How exactly the last use is known, ms. */
const TOUCH_MS = 60_000;
const MAX_NAME = 100;

type Dependencies = { store: Store; audit: Audit; now: () => number };
type By = { address: string | null; actor?: string };

export const hashAdminToken = (token: string): Uint8Array => new Bun.CryptoHasher("sha256").update(token).digest();

/** How the audit log names a token as who acts. */
export const tokenActor = ({ name }: Pick<AdminTokenRow, "name">): string => `token ${name}`;

export class AdminTokens {
  constructor(private readonly deps: Dependencies) {}

  /**
   * A new token of an account, with which it ends: itself, to be shown this once, and its row.
   * @throws {AppError} `invalid_request` for a name or an end that is none
   */
  async issue(
    { name, scope, expiresAt, accountId }: Pick<AdminTokenRow, "name" | "expiresAt" | "accountId"> & { scope: Scope },
    by: By,
  ): Promise<{ token: string; row: AdminTokenRow }> {
    const { store, audit, now } = this.deps;
    const refuse = (param: string, message: string) => new AppError("invalid_request", message, { param, reason: "invalid_value" });
    const shown = name.trim();
    if (shown === "" || shown.length > MAX_NAME) throw refuse("name", `name must be 1 to ${MAX_NAME} characters long.`);
    if (expiresAt !== null && expiresAt <= now()) throw refuse("expires_at", "expires_at must be in the future.");
    const token = PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
    const row = await store.insertAdminToken(
      {
        ...{ name: shown, prefix: token.slice(0, SHOWN), role: ROLE_OF_SCOPE[scope], hash: hashAdminToken(token) },
        ...{ createdBy: by.actor ?? "admin", accountId, expiresAt },
      },
      now(),
    );
    await audit.record({ action: "admin_token.create", subject: `admin token ${row.id}`, after: { name: shown, scope, expiresAt } }, by);
    return { token, row };
  }

  /** The row of a token that is in force; null: it is unknown or over. */
  async find(token: string): Promise<AdminTokenRow | null> {
    const { store, now } = this.deps;
    if (!token.startsWith(PREFIX)) return null;
    const row = await store.findAdminToken(hashAdminToken(token));
    if (!row || (row.expiresAt !== null && row.expiresAt <= now())) return null;
    if (row.usedAt === null || now() - row.usedAt >= TOUCH_MS) await store.noteAdminTokenUse(row.id, now());
    return row;
  }

  /** Newest first. */
  list(): Promise<AdminTokenRow[]> {
    return this.deps.store.listAdminTokens();
  }

  /** @throws {AppError} `not_found` */
  async revoke(id: number, by: By): Promise<void> {
    const { store, audit } = this.deps;
    const row = (await store.listAdminTokens()).find((one) => one.id === id);
    if (!row) throw new AppError("not_found", `There is no admin token ${id}.`);
    await store.deleteAdminToken(id);
    await audit.record({ action: "admin_token.revoke", subject: `admin token ${id}`, before: { name: row.name } }, by);
  }
}

/**
 * Changes an account's role, or ends it (`role` null), and writes down which of its tokens lose scope or end by that: the store cuts and
 * deletes them in the same action.
 */
export async function withLostTokens<T>(
  { store, audit }: Pick<Dependencies, "store" | "audit">,
  { account, role, why }: { account: Pick<AccountRow, "id">; role: Role | null; why: string },
  by: By,
  change: () => Promise<T>,
): Promise<T> {
  const lost = (await store.listAdminTokens()).filter(
    (token) => token.accountId === account.id && (role === null || !includesRole(role, token.role)),
  );
  const changed = await change();
  for (const { id, name, role: former } of lost.toReversed()) {
    const before = { name, scope: SCOPE_OF_ROLE[former] };
    const entry = { subject: `admin token ${id}`, before };
    if (role === null) await audit.record({ action: "admin_token.revoke", ...entry, after: { account: why } }, by);
    else await audit.record({ action: "admin_token.cut", ...entry, after: { scope: SCOPE_OF_ROLE[role], account: why } }, by);
  }
  return changed;
}
