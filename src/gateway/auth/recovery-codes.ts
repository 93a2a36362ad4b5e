// Recovery codes of two-step sign-in: made together, stored as hashes.
import { newId } from "../../ids.ts";

const CODES = 10;
/** Characters of base32, 80 bits: a hash of it cannot be searched. */
const LENGTH = 16;

/** Codes to be shown once, and the hashes to be stored. */
export function newRecoveryCodes(): { codes: string[]; hashes: string[] } {
  const codes = Array.from({ length: CODES }, () => newId().slice(0, LENGTH).match(/.{4}/g)!.join("-"));
  return { codes, hashes: codes.map(hashRecoveryCode) };
}

/** Blanks, dashes and case do not count. */
export function hashRecoveryCode(code: string): string {
  return new Bun.CryptoHasher("sha256").update(code.replace(/[\s-]/g, "").toLowerCase()).digest("hex");
}
