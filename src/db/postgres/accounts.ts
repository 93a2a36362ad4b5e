// SQL of the admin's accounts and of the tokens of its API; the secret of one-time codes is sealed.
import { type AccountRow, type AccountSource, type AdminTokenRow, rolesAbove } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import type { AccountChange, AccountPage, NewAccount, NewAdminToken } from "../accounts.ts";
import { TOTP } from "../sealed.ts";
import type { Vault } from "../vault.ts";
import type { Reader, Sql } from "./driver.ts";

const MAX_NETWORKS = 100;

const COLUMNS = `id, source, subject, name, role, password_hash AS "passwordHash", password_temporary AS "passwordTemporary",
  totp, totp_step AS "totpStep", recovery, created_at AS "createdAt", signed_in_at AS "signedInAt", vouched_at AS "vouchedAt", listed_groups AS groups`;

type Raw = Omit<AccountRow, "totpSecret" | "recoveryHashes" | "listedGroups"> & {
  totp: Uint8Array | null;
  recovery: string;
  groups: string | null;
};

const toRow = (vault: Vault, { totp, recovery, groups, ...raw }: Raw): AccountRow => ({
  ...raw,
  totpSecret: totp === null ? null : vault.open(TOTP, totp),
  recoveryHashes: JSON.parse(recovery) as string[],
  listedGroups: groups === null ? null : (JSON.parse(groups) as string[]),
});

const groupsText = (groups: readonly string[] | null | undefined) => (groups ? JSON.stringify(groups) : null);

/** Oldest first. */
export async function listAccounts(sql: Reader, vault: Vault, { limit, after = 0, ids }: AccountPage = {}): Promise<AccountRow[]> {
  const rows = await sql.all<Raw>(
    `SELECT ${COLUMNS} FROM accounts WHERE id > $after AND ($ids::bigint[] IS NULL OR id = ANY ($ids::bigint[])) ORDER BY id LIMIT $limit`,
    { after, limit: limit ?? null, ids: ids ? [...ids] : null },
  );
  return rows.map((raw) => toRow(vault, raw));
}

export async function getAccount(sql: Reader, vault: Vault, id: number, lock = ""): Promise<AccountRow | null> {
  const raw = await sql.get<Raw>(`SELECT ${COLUMNS} FROM accounts WHERE id = $id ${lock}`, { id });
  return raw && toRow(vault, raw);
}

export async function findAccount(sql: Reader, vault: Vault, source: AccountSource, subject: string): Promise<AccountRow | null> {
  const raw = await sql.get<Raw>(`SELECT ${COLUMNS} FROM accounts WHERE source = $source AND subject = $subject`, { source, subject });
  return raw && toRow(vault, raw);
}

/** Returns its id. @throws {AppError} `conflict` when its source has the subject already */
export async function insertAccount(sql: Sql, account: NewAccount, now: number): Promise<number> {
  const { source, subject, name, role, passwordHash, passwordTemporary, vouchedAt = null, listedGroups } = account;
  const row = await sql.get<{ id: number }>(
    `INSERT INTO accounts (source, subject, name, role, password_hash, password_temporary, created_at, vouched_at, listed_groups)
     VALUES ($source, $subject, $name, $role, $passwordHash, $passwordTemporary, $now, $vouchedAt, $groups) ON CONFLICT (source, subject) DO NOTHING RETURNING id`,
    { source, subject, name, role, passwordHash, passwordTemporary, now, vouchedAt, groups: groupsText(listedGroups) },
  );
  if (!row) throw new AppError("conflict", `There is an account ${subject} already.`, { param: "name" });
  return row.id;
}

/** @throws {AppError} `not_found` */
export async function updateAccount(sql: Sql, vault: Vault, id: number, change: AccountChange): Promise<AccountRow> {
  const before = await getAccount(sql, vault, id, "FOR NO KEY UPDATE");
  if (!before) throw notFound(id);
  const after: AccountRow = { ...before, ...change };
  const { name, role, passwordHash, passwordTemporary, totpSecret, totpStep, recoveryHashes, vouchedAt, listedGroups } = after;
  await sql.run(
    `UPDATE accounts SET name = $name, role = $role, password_hash = $passwordHash, password_temporary = $passwordTemporary,
       totp = $totp, totp_step = $totpStep, recovery = $recovery, vouched_at = $vouchedAt, listed_groups = $groups WHERE id = $id`,
    {
      ...{ id, name, role, passwordHash, passwordTemporary, totpStep, vouchedAt, groups: groupsText(listedGroups) },
      totp: totpSecret === null ? null : vault.seal(TOTP, totpSecret),
      recovery: JSON.stringify(recoveryHashes),
    },
  );
  if (role !== before.role)
    await sql.run("UPDATE admin_tokens SET role = $role WHERE account_id = $id AND role = ANY ($above::text[])", {
      ...{ id, role },
      above: rolesAbove(role),
    });
  return after;
}

/** With its sessions and admin tokens. @throws {AppError} `not_found` */
export async function deleteAccount(sql: Sql, id: number): Promise<void> {
  await sql.run("DELETE FROM sessions WHERE account_id = $id", { id });
  if ((await sql.run("DELETE FROM accounts WHERE id = $id", { id })) === 0) throw notFound(id);
}

/** False: this step or a later one was used before. */
export async function takeTotpStep(sql: Sql, id: number, step: number): Promise<boolean> {
  return (await sql.run("UPDATE accounts SET totp_step = $step WHERE id = $id AND totp_step < $step", { id, step })) > 0;
}

/** False: it is none of those that are left. */
export async function takeRecoveryCode(sql: Sql, id: number, hash: string): Promise<boolean> {
  const left = await lockedJson(sql, "recovery", id);
  if (!left.includes(hash)) return false;
  const recovery = JSON.stringify(left.filter((one) => one !== hash));
  return (await sql.run("UPDATE accounts SET recovery = $recovery WHERE id = $id", { id, recovery })) > 0;
}

/** True: the account signed in before, and never from there. */
export async function noteSignIn(sql: Sql, id: number, network: string, now: number): Promise<boolean> {
  const known = await lockedJson(sql, "networks", id);
  const networks = JSON.stringify([...known.filter((one) => one !== network), network].slice(-MAX_NETWORKS));
  await sql.run("UPDATE accounts SET networks = $networks, signed_in_at = $now WHERE id = $id", { id, networks, now });
  return known.length > 0 && !known.includes(network);
}

async function lockedJson(sql: Sql, column: "recovery" | "networks", id: number): Promise<string[]> {
  const row = await sql.get<{ value: string }>(`SELECT ${column} AS value FROM accounts WHERE id = $id FOR NO KEY UPDATE`, { id });
  return row ? (JSON.parse(row.value) as string[]) : [];
}

const notFound = (id: number) => new AppError("not_found", `There is no account ${id}.`);

const TOKEN_COLUMNS = `id, name, prefix, role, created_by AS "createdBy", account_id AS "accountId", created_at AS "createdAt", expires_at AS "expiresAt", used_at AS "usedAt"`;

export async function insertAdminToken(sql: Sql, token: NewAdminToken, now: number): Promise<AdminTokenRow> {
  const row = await sql.get<AdminTokenRow>(
    `INSERT INTO admin_tokens (name, prefix, role, hash, created_by, account_id, created_at, expires_at)
     VALUES ($name, $prefix, $role, $hash, $createdBy, $accountId, $now, $expiresAt) RETURNING ${TOKEN_COLUMNS}`,
    { ...token, now },
  );
  return row!;
}

/** Newest first. */
export function listAdminTokens(sql: Reader): Promise<AdminTokenRow[]> {
  return sql.all(`SELECT ${TOKEN_COLUMNS} FROM admin_tokens ORDER BY id DESC`);
}

export function findAdminToken(sql: Reader, hash: Uint8Array): Promise<AdminTokenRow | null> {
  return sql.get(`SELECT ${TOKEN_COLUMNS} FROM admin_tokens WHERE hash = $hash`, { hash });
}

export async function noteAdminTokenUse(sql: Sql, id: number, now: number): Promise<void> {
  await sql.run("UPDATE admin_tokens SET used_at = $now WHERE id = $id", { id, now });
}

/** @throws {AppError} `not_found` */
export async function deleteAdminToken(sql: Sql, id: number): Promise<void> {
  if ((await sql.run("DELETE FROM admin_tokens WHERE id = $id", { id })) === 0)
    throw new AppError("not_found", `There is no admin token ${id}.`);
}

export async function deleteAdminTokensOf(sql: Sql, account: number): Promise<void> {
  await sql.run("DELETE FROM admin_tokens WHERE account_id = $account", { account });
}
