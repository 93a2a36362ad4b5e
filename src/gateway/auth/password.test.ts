// The admin password: refused passwords, concurrent comparisons.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { createPasswordCheck, isPasswordTemporary, refuseWeakPassword, storePassword } from "./password.ts";

function facts(initial: Record<string, string> = {}) {
  const kept = new Map(Object.entries(initial));
  return {
    kept,
    readFact: async (name: string) => kept.get(name) ?? null,
    writeFact: async (name: string, value: string | null) => void (value === null ? kept.delete(name) : kept.set(name, value)),
  };
}

test.each([
  ["han1234", "password_known"],
  ["ADMIN", "password_known"],
  ["changeme", "password_known"],
  ["123456789", "password_short"],
  ["x".repeat(513), "password_long"],
  ["1234567890", null],
])("%p: %p", (password, reason) => {
  let found: string | null = null;
  try {
    refuseWeakPassword(password);
  } catch (error) {
    found = (error as AppError).reason ?? "";
    expect((error as AppError).message).not.toContain(password);
  }
  expect(found).toBe(reason);
});

describe("the check", () => {
  test("is true for the stored password only, and false while there is none", async () => {
    const store = facts();
    const check = createPasswordCheck(store);
    expect(await check("anything")).toBe(false);
    await storePassword(store, "correct horse", true);
    expect([await check("correct horse"), await check("wrong horse")]).toEqual([true, false]);
    expect(store.kept.get("admin_password_hash")).toStartWith("$argon2id$");
  });

  test("a password of the first start is temporary until another is stored", async () => {
    const store = facts();
    await storePassword(store, "one-time password", true);
    expect(await isPasswordTemporary(store)).toBe(true);
    await storePassword(store, "my own password", false);
    expect(await isPasswordTemporary(store)).toBe(false);
  });

  test("compares two at once; more wait, and too many are refused", async () => {
    let reading = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const check = createPasswordCheck({
      async readFact() {
        most = Math.max(most, ++reading);
        await new Promise<void>((resolve) => gates.push(resolve));
        reading--;
        return null;
      },
    });
    const tries = Array.from({ length: 30 }, () => check("x").catch((error: AppError) => error.kind));
    const opened = (async () => {
      for (let count = 0; count < 200 && (reading > 0 || count < 5); count++) {
        gates.shift()?.();
        await Promise.resolve();
        await Bun.sleep(0);
      }
    })();
    const responses = await Promise.all(tries);
    await opened;
    expect(most).toBe(2);
    expect(responses.filter((response) => response === "busy")).toHaveLength(12);
    expect(responses.filter((response) => response === false)).toHaveLength(18);
  });

  test("an endless password is not even hashed", async () => {
    const check = createPasswordCheck({
      readFact: () => {
        throw new AppError("conflict", "was read");
      },
    });
    expect(await check("x".repeat(100_000))).toBe(false);
  });
});
