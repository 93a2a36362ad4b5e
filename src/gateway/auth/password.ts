// Passwords of accounts: refused values, argon2id hash, at most two comparisons at once.
import type { Store } from "../../db/store.ts";
import { type AccountRow, FIRST_ACCOUNT } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";

/** Secrets that other programs ship with and that everyone tries first. */
export const KNOWN_DEFAULTS: readonly string[] = ["han1234", "admin", "password", "changeme", "123456", "flow2api"];

const MIN_LENGTH = 10;
/** Longer ones are cut off by no one, and cost more to hash than they are worth. */
const MAX_LENGTH = 512;

/** @throws {AppError} `invalid_request`; never quotes the password */
export function refuseWeakPassword(password: string): void {
  const refuse = (message: string, reason: string) => {
    throw new AppError("invalid_request", message, { reason, param: "password" });
  };
  if (KNOWN_DEFAULTS.includes(password.toLowerCase())) refuse("This password is a known default; choose another.", "password_known");
  if (password.length < MIN_LENGTH) refuse(`The password needs at least ${MIN_LENGTH} characters.`, "password_short");
  if (password.length > MAX_LENGTH) refuse(`The password may have at most ${MAX_LENGTH} characters.`, "password_long");
}

export const hashPassword = (password: string): Promise<string> => Bun.password.hash(password, { algorithm: "argon2id" });

/** Stores the argon2id hash of a password. A temporary one must be changed at the first login. */
export async function storePassword(
  store: Pick<Store, "updateAccount">,
  password: string,
  temporary: boolean,
  account = FIRST_ACCOUNT,
): Promise<void> {
  await store.updateAccount(account, { passwordHash: await hashPassword(password), passwordTemporary: temporary });
}

/** Each comparison takes a core and 64 MiB for a good while. */
const AT_ONCE = 2;
const MAX_WAITING = 16;

export type PasswordAttempt = { name: string; password: string };

/** Compares a password with that of the account of a name. */
export type PasswordCheck = (attempt: PasswordAttempt) => Promise<AccountRow | null>;

/** The check resolves null while no password is set. @throws {AppError} `busy` when too many wait */
export function createPasswordCheck(store: Pick<Store, "findAccount">): PasswordCheck {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async ({ name, password }) => {
    if (password.length > MAX_LENGTH || name.length > MAX_LENGTH) return null;
    if (waiting.length >= MAX_WAITING) throw new AppError("busy", "Too many sign-ins at once; try again shortly.", { retryAfterMs: 2000 });
    // Who waited takes over the place of who ended.
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      const account = await store.findAccount("password", accountName(name));
      // A name that is not there costs what one that is there costs.
      const isRight = await Bun.password.verify(password, account?.passwordHash ?? (await decoyHash()));
      return isRight && account?.passwordHash ? account : null;
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

let decoy: Promise<string> | null = null;
const decoyHash = () => (decoy ??= hashPassword(crypto.randomUUID()));

/** User names are compared without case and surrounding blanks; none is the first account's. */
export const accountName = (name: string): string => name.trim().toLowerCase() || "admin";
