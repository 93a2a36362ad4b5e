// Management of accounts: create, change role, new one-time password, second step, delete. The first account stays.
import type { Store } from "../../db/store.ts";
import { type AccountRow, FIRST_ACCOUNT, type Role } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Audit } from "../audit/audit.ts";
import { type AdminTokens, withLostTokens } from "./admin-tokens.ts";
import { accountName, hashPassword, storePassword } from "./password.ts";
import { newRecoveryCodes } from "./recovery-codes.ts";
import type { Sessions } from "./sessions.ts";
import { actorOf } from "./sign-in.ts";
import { totpStepOf } from "./totp.ts";

export type AccountsDependencies = { store: Store; sessions: Sessions; audit: Audit; now: () => number };
export type Actor = { address: string | null; actor?: string };

/** Letters, digits and what stands in addresses of mail. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;

/** @throws {AppError} `not_found` */
export async function requireAccount({ store }: Pick<AccountsDependencies, "store">, id: number): Promise<AccountRow> {
  const account = await store.getAccount(id);
  if (!account) throw new AppError("not_found", `There is no account ${id}.`);
  return account;
}

/**
 * An account with a password for once, which is returned here only.
 * @throws {AppError} `invalid_request` for a name that is not one, `conflict` for one that is taken
 */
export async function createAccount(
  deps: AccountsDependencies,
  { name, role }: { name: string; role: Role },
  by: Actor,
): Promise<{ account: AccountRow; password: string }> {
  const subject = name.trim() === "" ? "" : accountName(name);
  if (!NAME.test(subject))
    throw new AppError("invalid_request", "name: expected up to 64 letters, digits, dots, dashes, @ or +.", {
      param: "name",
      reason: "account_name",
    });
  const password = newId();
  const row = {
    source: "password",
    subject,
    name: subject,
    role,
    passwordHash: await hashPassword(password),
    passwordTemporary: true,
  } as const;
  const account = await deps.store.insertAccount(row, deps.now());
  await deps.audit.record({ action: "account.create", subject: `account ${subject}`, after: { role } }, by);
  return { account, password };
}

/** Roles of single sign-on follow its lists. @throws {AppError} `not_found`, `conflict` */
export async function setAccountRole(deps: AccountsDependencies, id: number, role: Role, by: Actor): Promise<AccountRow> {
  const before = await changeable(deps, id);
  if (before.source !== "password")
    throw new AppError("conflict", "The role of this account follows the lists in the settings (sign_in).", { param: "role" });
  const why = `${before.name} is ${role}`;
  const after = await withLostTokens(deps, { account: before, role, why }, by, () => deps.store.updateAccount(id, { role }));
  await deps.audit.record(
    { action: "account.role", subject: `account ${before.name}`, before: { role: before.role }, after: { role } },
    by,
  );
  return after;
}

/** An account that can be given a new password. @throws {AppError} `not_found`, `conflict` */
export async function requireResettable(deps: Pick<AccountsDependencies, "store">, id: number): Promise<AccountRow> {
  const account = await changeable(deps, id);
  if (account.source !== "password") throw new AppError("conflict", "This account has no password: it comes from single sign-on.");
  return account;
}

/**
 * A new password for once, for who forgot theirs. Second step and sessions end, and the tokens of the JSON API unless `endTokens` is false.
 * @throws {AppError} `not_found`, `conflict`
 */
export async function resetAccount(
  deps: AccountsDependencies & { adminTokens: AdminTokens },
  { id, endTokens }: { id: number; endTokens: boolean },
  by: Actor,
): Promise<{ account: AccountRow; password: string; ended: number }> {
  const account = await requireResettable(deps, id);
  const password = newId();
  await storePassword(deps.store, password, true, id);
  await deps.store.updateAccount(id, { totpSecret: null, recoveryHashes: [] });
  await deps.sessions.closeAll({ account: id });
  await deps.audit.record({ action: "account.reset", subject: `account ${account.name}` }, by);
  const ended = endTokens ? await deps.adminTokens.revokeAll(account, `${account.name} has a new password`, by) : 0;
  return { account, password, ended };
}

/** With its sessions and tokens of the JSON API. @throws {AppError} `not_found`, `conflict` */
export async function deleteAccount(deps: AccountsDependencies, id: number, by: Actor): Promise<AccountRow> {
  const account = await changeable(deps, id);
  const why = `${actorOf(account)} deleted`;
  await withLostTokens(deps, { account, role: null, why }, by, () => deps.store.deleteAccount(id));
  await deps.audit.record({ action: "account.delete", subject: `account ${actorOf(account)}`, before: { role: account.role } }, by);
  return account;
}

async function changeable(deps: Pick<AccountsDependencies, "store">, id: number): Promise<AccountRow> {
  if (id === FIRST_ACCOUNT)
    throw new AppError(
      "conflict",
      "The first account stays as it is: it changes its own password and second step, or the command line does.",
    );
  return requireAccount(deps, id);
}

/**
 * Turns the second step on once its first code is right; every other session of the account ends. Resolves with the recovery codes, which
 * are returned here only; null: the code is wrong.
 */
export async function enableTotp(
  deps: AccountsDependencies,
  account: AccountRow,
  { secret, code, session }: { secret: string; code: string; session: string | null },
  by: Actor,
): Promise<string[] | null> {
  const step = totpStepOf(secret, code, deps.now());
  if (step === null) return null;
  const { codes, hashes } = newRecoveryCodes();
  await deps.store.updateAccount(account.id, { totpSecret: secret, totpStep: step, recoveryHashes: hashes });
  await deps.sessions.closeAll({ account: account.id, except: session ?? undefined });
  await deps.audit.record({ action: "account.two_step_on", subject: `account ${account.name}` }, by);
  return codes;
}

/** Turns the second step off and forgets its recovery codes. */
export async function disableTotp(deps: AccountsDependencies, account: AccountRow, by: Actor): Promise<void> {
  await deps.store.updateAccount(account.id, { totpSecret: null, recoveryHashes: [] });
  await deps.audit.record({ action: "account.two_step_off", subject: `account ${account.name}` }, by);
}

/** Recovery codes in place of those that were left, returned here only. */
export async function renewRecoveryCodes(deps: AccountsDependencies, account: AccountRow, by: Actor): Promise<string[]> {
  const { codes, hashes } = newRecoveryCodes();
  await deps.store.updateAccount(account.id, { recoveryHashes: hashes });
  await deps.audit.record({ action: "account.recovery_codes", subject: `account ${account.name}` }, by);
  return codes;
}
