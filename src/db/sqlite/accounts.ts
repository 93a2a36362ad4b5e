// SQL of the admin's accounts and of the tokens of its API; the secret of one-time codes is sealed.
import type { Database } from "bun:sqlite";
import { type AccountRow, type AccountSource, type AdminTokenRow, rolesAbove } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import type { AccountChange, AccountPage, NewAccount, NewAdminToken } from "../accounts.ts";
import { TOTP } from "../sealed.ts";
import type { Vault } from "../vault.ts";

const MAX_NETWORKS = 100;

const COLUMNS = `id, source, subject, name, role, password_hash AS passwordHash, password_temporary AS passwordTemporary,
  totp, totp_step AS totpStep, recovery, created_at AS createdAt, signed_in_at AS signedInAt, vouched_at AS vouchedAt, listed_groups AS groups`;

type Raw = Omit<AccountRow, "passwordTemporary" | "totpSecret" | "recoveryHashes" | "listedGroups"> & {
  passwordTemporary: number;
  totp: Uint8Array | null;
  recovery: string;
  groups: string | null;
};

function toRow(vault: Vault, { totp, recovery, groups, passwordTemporary, ...raw }: Raw): AccountRow {
  const totpSecret = totp === null ? null : vault.open(TOTP, totp);
  const listedGroups = groups === null ? null : (JSON.parse(groups) as string[]);
  return { ...raw, passwordTemporary: passwordTemporary === 1, totpSecret, recoveryHashes: JSON.parse(recovery) as string[], listedGroups };
}

/** Oldest first. */
export function listAccounts(db: Database, vault: Vault, { limit = -1, after = 0, ids }: AccountPage = {}): AccountRow[] {
  return db
    .query<Raw, { limit: number; after: number; ids: string | null }>(
      `SELECT ${COLUMNS} FROM accounts WHERE id > $after AND ($ids IS NULL OR id IN (SELECT value FROM json_each($ids)))
       ORDER BY id LIMIT $limit`,
    )
    .all({ limit, after, ids: ids ? JSON.stringify(ids) : null })
    .map((raw) => toRow(vault, raw));
}

export function getAccount(db: Database, vault: Vault, id: number): AccountRow | null {
  const raw = db.query<Raw, { id: number }>(`SELECT ${COLUMNS} FROM accounts WHERE id = $id`).get({ id });
  return raw && toRow(vault, raw);
}

export function findAccount(db: Database, vault: Vault, source: AccountSource, subject: string): AccountRow | null {
  const raw = db
    .query<Raw, { source: string; subject: string }>(`SELECT ${COLUMNS} FROM accounts WHERE source = $source AND subject = $subject`)
    .get({ source, subject });
  return raw && toRow(vault, raw);
}

/** @throws {AppError} `conflict` when its source has the subject already */
export function insertAccount(db: Database, vault: Vault, account: NewAccount, now: number): AccountRow {
  const { source, subject, name, role, passwordHash, passwordTemporary, vouchedAt = null, listedGroups } = account;
  const { changes, lastInsertRowid } = db
    .query(
      `INSERT INTO accounts (source, subject, name, role, password_hash, password_temporary, created_at, vouched_at, listed_groups)
       VALUES ($source, $subject, $name, $role, $passwordHash, $temporary, $now, $vouchedAt, $groups) ON CONFLICT (source, subject) DO NOTHING`,
    )
    .run({
      ...{ source, subject, name, role, passwordHash, now, vouchedAt },
      ...{ temporary: Number(passwordTemporary), groups: groupsText(listedGroups) },
    });
  if (changes === 0) throw new AppError("conflict", `There is an account ${subject} already.`, { param: "name" });
  return getAccount(db, vault, Number(lastInsertRowid))!;
}

/** @throws {AppError} `not_found` */
export function updateAccount(db: Database, vault: Vault, id: number, change: AccountChange): AccountRow {
  const before = getAccount(db, vault, id);
  if (!before) throw notFound(id);
  const { name, role, passwordHash, passwordTemporary, totpSecret, totpStep, recoveryHashes, vouchedAt, listedGroups } = {
    ...before,
    ...change,
  };
  db.query(
    `UPDATE accounts SET name = $name, role = $role, password_hash = $passwordHash, password_temporary = $temporary,
       totp = $totp, totp_step = $totpStep, recovery = $recovery, vouched_at = $vouchedAt, listed_groups = $groups WHERE id = $id`,
  ).run({
    ...{ id, name, role, passwordHash, totpStep, vouchedAt, groups: groupsText(listedGroups) },
    temporary: Number(passwordTemporary),
    totp: totpSecret === null ? null : vault.seal(TOTP, totpSecret),
    recovery: JSON.stringify(recoveryHashes),
  });
  if (role !== before.role)
    db.query("UPDATE admin_tokens SET role = $role WHERE account_id = $id AND role IN (SELECT value FROM json_each($above))").run({
      ...{ id, role },
      above: JSON.stringify(rolesAbove(role)),
    });
  return getAccount(db, vault, id)!;
}

const groupsText = (groups: readonly string[] | null | undefined) => (groups ? JSON.stringify(groups) : null);

/** With its sessions and admin tokens. @throws {AppError} `not_found` */
export function deleteAccount(db: Database, id: number): void {
  db.query("DELETE FROM sessions WHERE account_id = $id").run({ id });
  if (db.query("DELETE FROM accounts WHERE id = $id").run({ id }).changes === 0) throw notFound(id);
}

/** False: this step or a later one was used before. */
export function takeTotpStep(db: Database, id: number, step: number): boolean {
  return db.query("UPDATE accounts SET totp_step = $step WHERE id = $id AND totp_step < $step").run({ id, step }).changes > 0;
}

/** False: it is none of those that are left. */
export function takeRecoveryCode(db: Database, id: number, hash: string): boolean {
  const left = jsonOf(db, "recovery", id);
  if (!left.includes(hash)) return false;
  const recovery = JSON.stringify(left.filter((one) => one !== hash));
  return db.query("UPDATE accounts SET recovery = $recovery WHERE id = $id").run({ id, recovery }).changes > 0;
}

/** True: the account signed in before, and never from there. */
export function noteSignIn(db: Database, id: number, network: string, now: number): boolean {
  const known = jsonOf(db, "networks", id);
  const networks = JSON.stringify([...known.filter((one) => one !== network), network].slice(-MAX_NETWORKS));
  db.query("UPDATE accounts SET networks = $networks, signed_in_at = $now WHERE id = $id").run({ id, networks, now });
  return known.length > 0 && !known.includes(network);
}

function jsonOf(db: Database, column: "recovery" | "networks", id: number): string[] {
  const row = db.query<{ value: string }, { id: number }>(`SELECT ${column} AS value FROM accounts WHERE id = $id`).get({ id });
  return row ? (JSON.parse(row.value) as string[]) : [];
}

const notFound = (id: number) => new AppError("not_found", `There is no account ${id}.`);

const TOKEN_COLUMNS = `id, name, prefix, role, created_by AS createdBy, account_id AS accountId, created_at AS createdAt, expires_at AS expiresAt, used_at AS usedAt`;

export function insertAdminToken(db: Database, token: NewAdminToken, now: number): AdminTokenRow {
  return db
    .query<AdminTokenRow, NewAdminToken & { now: number }>(
      `INSERT INTO admin_tokens (name, prefix, role, hash, created_by, account_id, created_at, expires_at)
       VALUES ($name, $prefix, $role, $hash, $createdBy, $accountId, $now, $expiresAt) RETURNING ${TOKEN_COLUMNS}`,
    )
    .get({ ...token, now })!;
}

/** Newest first. */
export function listAdminTokens(db: Database): AdminTokenRow[] {
  return db.query<AdminTokenRow, []>(`SELECT ${TOKEN_COLUMNS} FROM admin_tokens ORDER BY id DESC`).all();
}

export function findAdminToken(db: Database, hash: Uint8Array): AdminTokenRow | null {
  return db.query<AdminTokenRow, { hash: Uint8Array }>(`SELECT ${TOKEN_COLUMNS} FROM admin_tokens WHERE hash = $hash`).get({ hash });
}

export function noteAdminTokenUse(db: Database, id: number, now: number): void {
  db.query("UPDATE admin_tokens SET used_at = $now WHERE id = $id").run({ id, now });
}

/** @throws {AppError} `not_found` */
export function deleteAdminToken(db: Database, id: number): void {
  if (db.query("DELETE FROM admin_tokens WHERE id = $id").run({ id }).changes === 0)
    throw new AppError("not_found", `There is no admin token ${id}.`);
}

export function deleteAdminTokensOf(db: Database, account: number): void {
  db.query("DELETE FROM admin_tokens WHERE account_id = $account").run({ account });
}
