// Two-step sign-in: one-time codes (TOTP, RFC 6238).
import { Secret, TOTP } from "otpauth";

const STEP_S = 30;
/** A clock may be wrong by one step, before or after. */
const WINDOW = 1;

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
