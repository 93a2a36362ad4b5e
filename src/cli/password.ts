// The admin password: what is refused, and how it is kept.
import type { Store } from "../db/store.ts";
import { AppError } from "../errors.ts";

/** Secrets that other programs ship with and that everyone tries first. */
export const KNOWN_DEFAULTS: readonly string[] = ["han1234", "admin", "password", "changeme", "123456", "flow2api"];

const MIN_LENGTH = 10;

/** @throws {AppError} `invalid_request`; never quotes the password */
export function refuseWeakPassword(password: string): void {
  if (KNOWN_DEFAULTS.includes(password.toLowerCase()))
    throw new AppError("invalid_request", "This password is a known default; choose another.");
  if (password.length < MIN_LENGTH) throw new AppError("invalid_request", `The password needs at least ${MIN_LENGTH} characters.`);
}

/** Keeps the argon2id hash of the admin password. A temporary one must be changed at the first login. */
export async function storePassword(store: Pick<Store, "writeFact">, password: string, temporary: boolean): Promise<void> {
  await store.writeFact("admin_password_hash", await Bun.password.hash(password, { algorithm: "argon2id" }));
  await store.writeFact("admin_password_temporary", temporary ? "1" : null);
}
