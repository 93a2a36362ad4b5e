// Tokens of the admin's JSON API: issue, find, revoke. Each has a scope, and a name that the audit log shows.
import type { Settings } from "../../config/settings-schema.ts";
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
import { type Hold, type Standing, standingOf } from "./sso.ts";

/** The log and the audit trail mask what begins as keys of clients do. */
const PREFIX = "sk-f2a-admin-";
const SHOWN = PREFIX.length + 4;
/** How exactly the last use is known, ms. */
const TOUCH_MS = 60_000;
const MAX_NAME = 100;

type Dependencies = { store: Store; audit: Pick<Audit, "record">; now: () => number; rules: () => Settings["sign_in"] };
type By = { address: string | null; actor?: string };

export const hashAdminToken = (token: string): Uint8Array => new Bun.CryptoHasher("sha256").update(token).digest();

/** How the audit log names a token as who acts. */
export const tokenActor = ({ name }: Pick<AdminTokenRow, "name">): string => `token ${name}`;

const HELD = {
  unlisted: "The person who made this admin token is on no list of sign_in any more.",
  unseen:
    "Single sign-on has not named the person who made this admin token for longer than sign_in.token_days. It works again when they sign in to the admin.",
  closed: "The person who made this admin token cannot sign in: their way of sign-in is switched off in sign_in.",
} as const satisfies Record<Hold, string>;

/** A token with the account behind it (null: none is known) and why it does not work (null: it does, until it expires). */
export type HeldAdminToken = AdminTokenRow & { owner: AccountRow | null; hold: Standing["hold"] };

const lesser = (a: Role, b: Role): Role => (includesRole(a, b) ? b : a);

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

  /**
   * The row of a token that is in force, with no more than what its account may do now; null: it is unknown or over.
   * @throws {AppError} `unauthorized` (`admin_token_held`) while the account behind it may not sign in
   */
  async find(token: string): Promise<AdminTokenRow | null> {
    const { store, now, rules } = this.deps;
    if (!token.startsWith(PREFIX)) return null;
    const row = await store.findAdminToken(hashAdminToken(token));
    if (!row || (row.expiresAt !== null && row.expiresAt <= now())) return null;
    const account = row.accountId === null ? null : await store.getAccount(row.accountId);
    if (!account) return null;
    const { role, hold } = standingOf(account, rules(), now());
    if (hold !== null) throw new AppError("unauthorized", HELD[hold], { reason: "admin_token_held" });
    if (row.usedAt === null || now() - row.usedAt >= TOUCH_MS) await store.noteAdminTokenUse(row.id, now());
    return { ...row, role: lesser(role, row.role) };
  }

  /** Newest first, of all accounts or of one; each with the account behind it and why it is held. */
  async list({ account }: { account?: number } = {}): Promise<HeldAdminToken[]> {
    const { store, rules, now } = this.deps;
    const rows = (await store.listAdminTokens()).filter(({ accountId }) => account === undefined || accountId === account);
    const ids = [...new Set(rows.flatMap(({ accountId }) => accountId ?? []))];
    const accounts = new Map((await store.listAccounts({ ids })).map((one) => [one.id, one]));
    return rows.map((row) => {
      const owner = accounts.get(row.accountId ?? 0) ?? null;
      const standing = owner && standingOf(owner, rules(), now());
      return { ...row, role: standing ? lesser(standing.role, row.role) : row.role, owner, hold: standing?.hold ?? null };
    });
  }

  /** Ends all tokens of an account. Resolves with how many there were. */
  async revokeAll(account: Pick<AccountRow, "id">, why: string, by: By): Promise<number> {
    const { store } = this.deps;
    const ended = (await store.listAdminTokens()).filter(({ accountId }) => accountId === account.id).length;
    if (ended === 0) return 0;
    await withLostTokens(this.deps, { account, role: null, why }, by, () => store.deleteAdminTokensOf(account.id));
    return ended;
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
