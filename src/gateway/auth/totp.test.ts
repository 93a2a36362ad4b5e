// One-time codes: RFC 6238's own values, one step of tolerance, each code once; recovery codes.
import { describe, expect, test } from "bun:test";
import { Secret } from "otpauth";
import type { AccountRow } from "../../domain/account.ts";
import { createCodeCheck } from "./code-check.ts";
import { hashRecoveryCode, newRecoveryCodes } from "./recovery-codes.ts";
import { newTotpSecret, totpAddress, totpStepOf } from "./totp.ts";

/** RFC 6238, appendix B (SHA-1); six digits are the last of its eight. */
const RFC_SECRET = Secret.fromLatin1("12345678901234567890").base32;

describe("a code", () => {
  test.each([
    [59, "287082", 1],
    [1111111109, "081804", 37037036],
    [1111111111, "050471", 37037037],
    [1234567890, "005924", 41152263],
    [2000000000, "279037", 66666666],
    [20000000000, "353130", 666666666],
  ])("of RFC 6238 at %d s", (seconds, code, step) => {
    expect(totpStepOf(RFC_SECRET, code, seconds * 1000)).toBe(step);
  });

  test.each([
    [-60, null],
    [-30, 37037037],
    [0, 37037037],
    [30, 37037037],
    [60, null],
  ])("counts one step before and after: %d s off", (off, step) => {
    expect(totpStepOf(RFC_SECRET, "050471", (1111111111 + off) * 1000)).toBe(step);
  });

  test.each(["", "05047", "0504711", "abcdef", "٠٥٠٤٧١"])("that is none: %p", (code) => {
    expect(totpStepOf(RFC_SECRET, code, 1111111111_000)).toBeNull();
  });

  test("may be typed in groups", () => {
    expect(totpStepOf(RFC_SECRET, " 050 471", 1111111111_000)).toBe(37037037);
  });
});

test("the address for authenticator apps names issuer, account and secret", () => {
  const secret = newTotpSecret();
  expect(secret).toMatch(/^[A-Z2-7]{32}$/);
  const url = new URL(totpAddress(secret, "bea"));
  expect([url.protocol, decodeURIComponent(url.pathname)]).toEqual(["otpauth:", "/flow2api:bea"]);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ issuer: "flow2api", secret, period: "30", digits: "6" });
});

describe("the check", () => {
  const rig = () => {
    const { codes, hashes } = newRecoveryCodes();
    const account = { id: 1, totpSecret: RFC_SECRET } as unknown as AccountRow;
    let last = 0;
    const left = new Set(hashes);
    const store = {
      async takeTotpStep(_id: number, step: number) {
        const isLater = step > last;
        last = Math.max(last, step);
        return isLater;
      },
      takeRecoveryCode: async (_id: number, hash: string) => left.delete(hash),
    };
    const check = createCodeCheck(store, () => 1111111111_000);
    return { codes, account, check: (code: string, of = account) => check({ account: of, code }) };
  };

  test("takes a code once", async () => {
    const { check } = rig();
    expect([await check("050471"), await check("050471"), await check("081804")]).toEqual(["code", null, null]);
  });

  test("takes each recovery code once, however it is typed", async () => {
    const { check, codes } = rig();
    expect(codes).toHaveLength(10);
    expect(new Set(codes.map(hashRecoveryCode)).size).toBe(10);
    expect(codes[0]).toMatch(/^([a-z2-7]{4}-){3}[a-z2-7]{4}$/);
    const typed = codes[0]!.toUpperCase().replaceAll("-", " ");
    expect([await check(typed), await check(codes[0]!), await check(codes[1]!)]).toEqual(["recovery", null, "recovery"]);
  });

  test("takes nothing for an account without a second step", async () => {
    const { check, codes } = rig();
    expect(await check(codes[0]!, { id: 1, totpSecret: null } as unknown as AccountRow)).toBeNull();
  });
});
