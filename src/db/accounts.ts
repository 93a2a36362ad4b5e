// Store contract: accounts of the admin, with their second factor and networks; tokens of its JSON API.
import type { AccountRow, AccountSource, AdminTokenRow } from "../domain/account.ts";

export type NewAccount = Pick<AccountRow, "source" | "subject" | "name" | "role" | "passwordHash" | "passwordTemporary"> &
  Partial<Pick<AccountRow, "vouchedAt" | "listedGroups">>;

export type AccountChange = Partial<
  Pick<
    AccountRow,
    "name" | "role" | "passwordHash" | "passwordTemporary" | "totpSecret" | "totpStep" | "recoveryHashes" | "vouchedAt" | "listedGroups"
  >
>;

/** `after`: id of the last one of the page before. */
export type AccountPage = { limit?: number; after?: number; ids?: readonly number[] };

/** The first account (`FIRST_ACCOUNT`, `admin`) exists from the first migration on, without a password. */
export interface AccountStore {
  /** Oldest first; a page of them, or those of some ids. */
  listAccounts(page?: AccountPage): Promise<AccountRow[]>;
  getAccount(id: number): Promise<AccountRow | null>;
  findAccount(source: AccountSource, subject: string): Promise<AccountRow | null>;
  /** @throws {AppError} `conflict` when its source has the subject already */
  insertAccount(account: NewAccount, now: number): Promise<AccountRow>;
  /** Its admin tokens may do no more than a new role. @throws {AppError} `not_found` */
  updateAccount(id: number, change: AccountChange): Promise<AccountRow>;
  /** With its sessions and admin tokens. @throws {AppError} `not_found` */
  deleteAccount(id: number): Promise<void>;
  /** Uses the code of a time step. False: this step or a later one was used before. */
  takeTotpStep(id: number, step: number): Promise<boolean>;
  /** Uses a recovery code by its hash. False: it is none of those that are left. */
  takeRecoveryCode(id: number, hash: string): Promise<boolean>;
  /** Notes a sign-in; the latest 100 networks are stored. True: the account signed in before, and never from there. */
  noteSignIn(id: number, network: string, now: number): Promise<boolean>;

  /** @param token `hash` is the SHA-256 of the token, 32 bytes */
  insertAdminToken(token: NewAdminToken, now: number): Promise<AdminTokenRow>;
  /** Newest first. */
  listAdminTokens(): Promise<AdminTokenRow[]>;
  /** By the SHA-256 of the token. */
  findAdminToken(hash: Uint8Array): Promise<AdminTokenRow | null>;
  /** A token that is gone stays gone. */
  noteAdminTokenUse(id: number, now: number): Promise<void>;
  /** @throws {AppError} `not_found` */
  deleteAdminToken(id: number): Promise<void>;
  /** Of an account that may sign in no more. */
  deleteAdminTokensOf(account: number): Promise<void>;
}

export type NewAdminToken = Pick<AdminTokenRow, "name" | "prefix" | "role" | "createdBy" | "accountId" | "expiresAt"> & {
  hash: Uint8Array;
};
