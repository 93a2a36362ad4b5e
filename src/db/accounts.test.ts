// Store contract: accounts of the admin.
import { describe, expect, test } from "bun:test";
import { FIRST_ACCOUNT, ROLES } from "../domain/account.ts";
import type { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import type { NewAccount } from "./accounts.ts";
import { ENGINES, type Engine } from "./testing.ts";

const NOW = Date.UTC(2026, 10, 30);
const BEA: NewAccount = {
  source: "password",
  subject: "bea",
  name: "bea",
  role: "viewer",
  passwordHash: "$argon2id$x",
  passwordTemporary: true,
};

async function openRig(open: Engine["open"]) {
  const folder = temporaryFolder();
  const store = await open(folder.path);
  return {
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}

const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => (error as AppError).kind,
  );

describe.each(ENGINES)("accounts over $name", ({ open }) => {
  test("begin with the first one, an admin without a password", async () => {
    await using rig = await openRig(open);
    const [first, ...others] = await rig.store.listAccounts();
    expect(others).toEqual([]);
    expect(first).toMatchObject({ id: FIRST_ACCOUNT, source: "password", subject: "admin", role: "admin", passwordHash: null });
    expect(first).toMatchObject({ passwordTemporary: false, totpSecret: null, recoveryHashes: [], signedInAt: null });
  });

  test("are found as they were stored, by id and by source and subject", async () => {
    await using rig = await openRig(open);
    const bea = await rig.store.insertAccount(BEA, NOW);
    expect(bea).toMatchObject({ ...BEA, createdAt: NOW });
    expect(await rig.store.getAccount(bea.id)).toEqual(bea);
    expect(await rig.store.findAccount("password", "bea")).toEqual(bea);
    expect(await rig.store.findAccount("oidc", "bea")).toBeNull();
    expect((await rig.store.listAccounts()).map(({ name }) => name)).toEqual(["admin", "bea"]);
  });

  test("have a subject once per source", async () => {
    await using rig = await openRig(open);
    await rig.store.insertAccount(BEA, NOW);
    expect(await kindOf(rig.store.insertAccount(BEA, NOW))).toBe("conflict");
    await rig.store.insertAccount({ ...BEA, source: "oidc", passwordHash: null }, NOW);
    expect(await rig.store.listAccounts()).toHaveLength(3);
  });

  test("change field by field, also back to nothing", async () => {
    await using rig = await openRig(open);
    const change = { role: "operator", totpSecret: "JBSWY3DPEHPK3PXP", totpStep: 7, recoveryHashes: ["a", "b"] } as const;
    const before = await rig.store.insertAccount(BEA, NOW);
    const after = await rig.store.updateAccount(before.id, change);
    expect(after).toEqual({ ...before, ...change });
    expect(await rig.store.getAccount(before.id)).toEqual(after);
    expect((await rig.store.updateAccount(before.id, { totpSecret: null })).totpSecret).toBeNull();
    expect(await kindOf(rig.store.updateAccount(99, change))).toBe("not_found");
  });

  test("know when single sign-on last named them, and by which groups", async () => {
    await using rig = await openRig(open);
    const oidc = { ...BEA, source: "oidc", passwordHash: null } as const;
    const bea = await rig.store.insertAccount({ ...oidc, vouchedAt: NOW, listedGroups: ["ops"] }, NOW);
    expect(await rig.store.getAccount(bea.id)).toMatchObject({ vouchedAt: NOW, listedGroups: ["ops"] });
    await rig.store.updateAccount(bea.id, { vouchedAt: NOW + 5, listedGroups: [] });
    await rig.store.updateAccount(bea.id, { name: "b" });
    expect(await rig.store.getAccount(bea.id)).toMatchObject({ name: "b", vouchedAt: NOW + 5, listedGroups: [] });
    expect(await rig.store.getAccount(FIRST_ACCOUNT)).toMatchObject({ vouchedAt: null, listedGroups: null });
  });

  test("go with their sessions, and an id is not given again", async () => {
    await using rig = await openRig(open);
    const bea = await rig.store.insertAccount(BEA, NOW);
    const session = { createdAt: NOW, seenAt: NOW, address: null, agent: "" };
    await rig.store.insertSession({ ...session, hash: new Uint8Array(32).fill(1), accountId: bea.id });
    await rig.store.insertSession({ ...session, hash: new Uint8Array(32).fill(2), accountId: FIRST_ACCOUNT });
    await rig.store.deleteAccount(bea.id);
    expect((await rig.store.listSessions()).map(({ accountId }) => accountId)).toEqual([FIRST_ACCOUNT]);
    expect(await kindOf(rig.store.deleteAccount(bea.id))).toBe("not_found");
    expect((await rig.store.insertAccount(BEA, NOW)).id).toBeGreaterThan(bea.id);
  });

  test("use each time step once, and none before it, also when asked at once", async () => {
    await using rig = await openRig(open);
    const take = (step: number) => rig.store.takeTotpStep(FIRST_ACCOUNT, step);
    expect((await Promise.all([take(10), take(10), take(10)])).filter(Boolean)).toHaveLength(1);
    expect([await take(9), await take(10), await take(11)]).toEqual([false, false, true]);
  });

  test("use each recovery code once", async () => {
    await using rig = await openRig(open);
    await rig.store.updateAccount(FIRST_ACCOUNT, { recoveryHashes: ["a", "b"] });
    const take = (hash: string) => rig.store.takeRecoveryCode(FIRST_ACCOUNT, hash);
    expect((await Promise.all([take("a"), take("a")])).filter(Boolean)).toHaveLength(1);
    expect([await take("c"), await take("b"), await take("b")]).toEqual([false, true, false]);
    expect((await rig.store.getAccount(FIRST_ACCOUNT))!.recoveryHashes).toEqual([]);
  });

  test("know the networks that they came from: the first is not new, of the others each once, of the latest hundred", async () => {
    await using rig = await openRig(open);
    const note = (network: string, at = NOW) => rig.store.noteSignIn(FIRST_ACCOUNT, network, at);
    expect([await note("a"), await note("a"), await note("b"), await note("b", NOW + 5)]).toEqual([false, false, true, false]);
    expect((await rig.store.getAccount(FIRST_ACCOUNT))!.signedInAt).toBe(NOW + 5);
    for (let count = 0; count < 99; count++) await note(`n${count}`);
    expect([await note("b"), await note("a")]).toEqual([false, true]);
  });
});

describe.each(ENGINES)("pages of people and sessions over $name", ({ open }) => {
  const person = (subject: string) => ({
    ...({ source: "password", subject, name: subject, role: "viewer", passwordHash: null, passwordTemporary: false } as const),
  });

  test("accounts come oldest first, a page at a time or by their ids", async () => {
    await using rig = await openRig(open);
    for (const name of ["a", "b", "c"]) await rig.store.insertAccount(person(name), NOW);
    const names = async (page: Parameters<typeof rig.store.listAccounts>[0]) =>
      (await rig.store.listAccounts(page)).map(({ name }) => name);
    expect([await names({ limit: 2 }), await names({ limit: 2, after: 2 }), await names({ after: 4 })]).toEqual([
      ["admin", "a"],
      ["b", "c"],
      [],
    ]);
    expect([await names({ ids: [4, 2, 99] }), await names({ ids: [] })]).toEqual([["a", "c"], []]);
  });

  test("sessions come latest seen first, by account, found by the beginning of their hash, and counted", async () => {
    await using rig = await openRig(open);
    const { id } = await rig.store.insertAccount(person("a"), NOW);
    const hash = (byte: number) => new Uint8Array(32).fill(byte);
    for (const [byte, accountId, seenAt] of [
      [1, id, NOW],
      [2, FIRST_ACCOUNT, NOW],
      [3, id, NOW + 5],
      [4, id, NOW],
    ] as const)
      await rig.store.insertSession({ hash: hash(byte), accountId, createdAt: NOW, seenAt, address: null, agent: "" });
    const page = async (query: Parameters<typeof rig.store.listSessions>[0]) =>
      (await rig.store.listSessions(query)).map((row) => row.hash[0]);
    const before = (byte: number, seenAt: number) => ({ before: { seenAt, prefix: hash(byte).slice(0, 6) } });
    expect([await page({ limit: 2 }), await page({ limit: 2, ...before(4, NOW) }), await page(before(1, NOW))]).toEqual([
      [3, 4],
      [2, 1],
      [],
    ]);
    expect(await page({ account: id, ...before(3, NOW + 5) })).toEqual([4, 1]);
    expect((await rig.store.getSessionByPrefix(hash(3).slice(0, 6)))?.accountId).toBe(id);
    expect(await rig.store.getSessionByPrefix(hash(9).slice(0, 6))).toBeNull();
    const count = async (after: { created: number; seen: number }) =>
      (await rig.store.countSessions([FIRST_ACCOUNT, id, 99], after)).sort((a, b) => a.accountId - b.accountId);
    expect(await count({ created: NOW - 1, seen: NOW - 1 })).toEqual([
      { accountId: FIRST_ACCOUNT, count: 1 },
      { accountId: id, count: 3 },
    ]);
    expect(await count({ created: NOW - 1, seen: NOW })).toEqual([{ accountId: id, count: 1 }]);
  });
});

describe.each(ENGINES)("admin tokens over $name", ({ open }) => {
  const token = (name: string, change: object = {}) => ({
    ...{ name, prefix: `f2a-${name}`, role: "viewer" as const, createdBy: "admin", accountId: FIRST_ACCOUNT, expiresAt: null },
    ...{ hash: new Bun.CryptoHasher("sha256").update(name).digest() as Uint8Array },
    ...change,
  });

  test("are found by their hash as they were stored, newest first, and gone when they are deleted", async () => {
    await using rig = await openRig(open);
    const one = await rig.store.insertAdminToken(token("one", { expiresAt: NOW + 1, role: "admin" }), NOW);
    const { hash, ...rest } = token("one", { expiresAt: NOW + 1, role: "admin" });
    expect(one).toEqual({ ...rest, id: one.id, createdAt: NOW, usedAt: null, role: "admin", expiresAt: NOW + 1 });
    const two = await rig.store.insertAdminToken(token("two"), NOW);
    expect(await rig.store.findAdminToken(hash)).toEqual(one);
    expect((await rig.store.listAdminTokens()).map(({ name }) => name)).toEqual(["two", "one"]);
    await rig.store.noteAdminTokenUse(two.id, NOW + 5);
    expect((await rig.store.findAdminToken(token("two").hash))!.usedAt).toBe(NOW + 5);
    await rig.store.deleteAdminToken(one.id);
    expect(await rig.store.findAdminToken(hash)).toBeNull();
    expect(await kindOf(rig.store.deleteAdminToken(one.id))).toBe("not_found");
  });

  test("may do no more than the account that made them, and end with it", async () => {
    await using rig = await openRig(open);
    const { store } = rig;
    const person = {
      source: "password",
      subject: "bea",
      name: "bea",
      role: "admin",
      passwordHash: null,
      passwordTemporary: false,
    } as const;
    const bea = await store.insertAccount(person, NOW);
    for (const role of ROLES) await store.insertAdminToken(token(`bea ${role}`, { role, accountId: bea.id }), NOW);
    await store.insertAdminToken(token("other", { role: "admin" }), NOW);
    const roles = async () => (await store.listAdminTokens()).map(({ role }) => role);
    await store.updateAccount(bea.id, { name: "Bea" });
    expect(await roles()).toEqual(["admin", "admin", "operator", "viewer"]);
    await store.updateAccount(bea.id, { role: "operator" });
    expect(await roles()).toEqual(["admin", "operator", "operator", "viewer"]);
    await store.updateAccount(bea.id, { role: "admin" });
    expect(await roles()).toEqual(["admin", "operator", "operator", "viewer"]);
    await store.deleteAdminTokensOf(FIRST_ACCOUNT);
    expect(await roles()).toEqual(["operator", "operator", "viewer"]);
    await store.deleteAccount(bea.id);
    expect(await roles()).toEqual([]);
  });
});
