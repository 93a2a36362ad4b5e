// The admin password: refused passwords, concurrent comparisons.
import { describe, expect, spyOn, test } from "bun:test";
import type { AccountRow } from "../../domain/account.ts";
import { AppError } from "../../errors.ts";
import { createPasswordCheck, refuseWeakPassword, storePassword } from "./password.ts";

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

/** Accounts of a store, by name. */
function accounts(...names: string[]) {
  const rows = new Map(names.map((subject, index) => [subject, { id: index + 1, subject, passwordHash: null } as unknown as AccountRow]));
  return {
    rows,
    findAccount: async (_source: string, subject: string) => rows.get(subject) ?? null,
    async updateAccount(id: number, change: object) {
      const row = [...rows.values()].find((one) => one.id === id)!;
      return Object.assign(row, change);
    },
  };
}

describe("the check", () => {
  test("gives the account of the stored password only, and none while there is none", async () => {
    const store = accounts("admin", "bea");
    const check = createPasswordCheck(store);
    expect(await check({ name: "", password: "anything" })).toBeNull();
    await storePassword(store, "correct horse", true);
    await storePassword(store, "another horse", false, 2);
    const found = async (name: string, password: string) => (await check({ name, password }))?.subject ?? null;
    expect(await found("", "correct horse")).toBe("admin");
    expect(await found(" ADMIN ", "correct horse")).toBe("admin");
    expect(await found("bea", "another horse")).toBe("bea");
    expect([await found("bea", "correct horse"), await found("nobody", "correct horse")]).toEqual([null, null]);
    expect(store.rows.get("admin")!.passwordHash).toStartWith("$argon2id$");
    expect([store.rows.get("admin")!.passwordTemporary, store.rows.get("bea")!.passwordTemporary]).toEqual([true, false]);
  });

  test("a name that is not there is compared like one that is", async () => {
    const verify = spyOn(Bun.password, "verify");
    await createPasswordCheck(accounts())({ name: "nobody", password: "correct horse" });
    expect(verify).toHaveBeenCalledTimes(1);
    verify.mockRestore();
  });

  test("compares two at once; more wait, and too many are refused", async () => {
    let reading = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    using _verify = spyOn(Bun.password, "verify").mockResolvedValue(false);
    const check = createPasswordCheck({
      async findAccount() {
        most = Math.max(most, ++reading);
        await new Promise<void>((resolve) => gates.push(resolve));
        reading--;
        return null;
      },
    });
    const tries = Array.from({ length: 30 }, () => check({ name: "x", password: "x" }).catch((error: AppError) => error.kind));
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
    expect(responses.filter((response) => response === null)).toHaveLength(18);
  });

  test("an endless password is not even hashed", async () => {
    const check = createPasswordCheck({
      findAccount: () => {
        throw new AppError("conflict", "was read");
      },
    });
    expect(await check({ name: "x", password: "x".repeat(100_000) })).toBeNull();
  });
});
