// Check of the second step of a sign-in: a one-time code, or a recovery code, each used up once.
import type { Store } from "../../db/store.ts";
import type { AccountRow } from "../../domain/account.ts";
import { hashRecoveryCode } from "./recovery-codes.ts";

export type CodeAttempt = { account: AccountRow; code: string };

/** Checks the second step of a sign-in and uses the code up. Resolves with how it was passed. */
export type CodeCheck = (attempt: CodeAttempt) => Promise<"code" | "recovery" | null>;

export function createCodeCheck(store: Pick<Store, "takeTotpStep" | "takeRecoveryCode">, now: () => number): CodeCheck {
  return async ({ account, code }) => {
    if (account.totpSecret === null || code.length > 64) return null;
    // Loaded by the first sign-in that has a second step.
    const { totpStepOf } = await import("./totp.ts");
    const step = totpStepOf(account.totpSecret, code, now());
    if (step !== null) return (await store.takeTotpStep(account.id, step)) ? "code" : null;
    return (await store.takeRecoveryCode(account.id, hashRecoveryCode(code))) ? "recovery" : null;
  };
}
