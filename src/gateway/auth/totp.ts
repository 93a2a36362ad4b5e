// Two-step sign-in: one-time codes (TOTP, RFC 6238), each used once, and recovery codes.
import { Secret, TOTP } from "otpauth";
import type { Store } from "../../db/store.ts";
import type { AccountRow } from "../../domain/account.ts";

const STEP_S = 30;
/** A clock may be wrong by one step, before or after. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
/** 80 bits: a hash of it cannot be searched. */
const RECOVERY_BYTES = 10;

const totpOf = (secret: string) => new TOTP({ issuer: "flow2api", secret: Secret.fromBase32(secret), period: STEP_S });

/** A fresh secret in base32, 160 bits. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32;

/** Address that authenticator apps read from the QR code. */
export function totpAddress(secret: string, account: string): string {
  return new TOTP({ issuer: "flow2api", label: account, secret: Secret.fromBase32(secret), period: STEP_S }).toString();
}

/** Time step whose code this is; null: none of those that count at `now` (epoch ms). Pure. */
export function totpStepOf(secret: string, code: string, now: number): number | null {
  const token = code.replace(/[\s-]/g, "");
  if (!/^\d{6}$/.test(token)) return null;
  const delta = totpOf(secret).validate({ token, timestamp: now, window: WINDOW });
  return delta === null ? null : Math.floor(now / 1000 / STEP_S) + delta;
}

/** Codes to be shown once, and the hashes to be stored. */
export function newRecoveryCodes(): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: RECOVERY_CODES }, () => {
    const text = new Secret({ size: RECOVERY_BYTES }).base32.toLowerCase();
    return text.match(/.{4}/g)!.join("-");
  });
  return { codes, hashes: codes.map(hashRecoveryCode) };
}

/** Blanks, dashes and case do not count. */
export function hashRecoveryCode(code: string): string {
  return new Bun.CryptoHasher("sha256").update(code.replace(/[\s-]/g, "").toLowerCase()).digest("hex");
}

export type CodeAttempt = { account: AccountRow; code: string };

/** Checks the second step of a sign-in and uses the code up. Resolves with how it was passed. */
export type CodeCheck = (attempt: CodeAttempt) => Promise<"code" | "recovery" | null>;

export function createCodeCheck(store: Pick<Store, "takeTotpStep" | "takeRecoveryCode">, now: () => number): CodeCheck {
  return async ({ account, code }) => {
    if (account.totpSecret === null || code.length > 64) return null;
    const step = totpStepOf(account.totpSecret, code, now());
    if (step !== null) return (await store.takeTotpStep(account.id, step)) ? "code" : null;
    return (await store.takeRecoveryCode(account.id, hashRecoveryCode(code))) ? "recovery" : null;
  };
}
