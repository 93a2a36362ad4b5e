// Admin password: refused values, argon2id hash, at most two comparisons at once.
import type { Store } from "../../db/store.ts";
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

/** Stores the argon2id hash of the admin password. A temporary one must be changed at the first login. */
export async function storePassword(store: Pick<Store, "writeFact">, password: string, temporary: boolean): Promise<void> {
  await store.writeFact("admin_password_hash", await Bun.password.hash(password, { algorithm: "argon2id" }));
  await store.writeFact("admin_password_temporary", temporary ? "1" : null);
}

/** Whether the password in force is the one of the first start, to be replaced before anything else is done. */
export async function isPasswordTemporary(store: Pick<Store, "readFact">): Promise<boolean> {
  return (await store.readFact("admin_password_temporary")) === "1";
}

/** Each comparison takes a core and 64 MiB for a good while. */
const AT_ONCE = 2;
const MAX_WAITING = 16;

/** Compares passwords with the one that is stored. */
export type PasswordCheck = (password: string) => Promise<boolean>;

/** The check resolves false while no password is set. @throws {AppError} `busy` when too many wait */
export function createPasswordCheck(store: Pick<Store, "readFact">): PasswordCheck {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (password) => {
    if (password.length > MAX_LENGTH) return false;
    if (waiting.length >= MAX_WAITING) throw new AppError("busy", "Too many sign-ins at once; try again shortly.", { retryAfterMs: 2000 });
    // Who waited takes over the place of who ended.
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      const hash = await store.readFact("admin_password_hash");
      return hash !== null && (await Bun.password.verify(password, hash));
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
