// Tokens of the admin's JSON API over HTTP: they end with the account that made them, and lose scope with its role.
import { expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { type Role, SCOPE_OF_ROLE } from "../../src/domain/account.ts";
import { hashPassword } from "../../src/gateway/auth/password.ts";
import { temporaryFolder } from "../../src/testing.ts";
import { type Rig, type RigOptions, startRig } from "../rig.ts";
import { login, type SignedIn, signedIn, signIn } from "./admin.ts";
import { BASE } from "./api.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

const PASSWORD = "one of several people";

async function adminNamed(rig: Rig, name: string): Promise<SignedIn> {
  const { store, clock } = rig.context;
  const row = { source: "password", subject: name, name, role: "admin", passwordTemporary: false } as const;
  await store.insertAccount({ ...row, passwordHash: await hashPassword(PASSWORD) }, clock.now());
  return signedIn(rig.url, await login(rig.url, PASSWORD, name));
}

/** Made on the account page. */
async function tokenBy(person: SignedIn, name: string, scope: string, headers: Record<string, string> = {}): Promise<string> {
  const made = await (await person.post("/admin/account/api-tokens", { name, scope, days: "" }, headers)).text();
  return /sk-f2a-admin-[\w-]+/.exec(made)![0];
}

const ask = ({ url }: Rig, token: string, path = "/me", init: RequestInit = {}) =>
  fetch(`${url}${BASE}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" } });

/** `none`: it is over. */
const scopeOf = async (rig: Rig, token: string) => {
  const response = await ask(rig, token);
  return response.status === 401 ? "none" : ((await response.json()) as { scope: string }).scope;
};

/** The system's time, moved on by hand. */
function virtualNow() {
  let passed = 0;
  const pass = (ms: number) => {
    passed += ms;
  };
  return { now: () => Date.now() + passed, after: systemClock.after, pass };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await Bun.sleep(5);
}

const audited = async (rig: Rig, action: string) =>
  (await rig.context.audit.list({ limit: 50 }))
    .filter((row) => row.action === action)
    .map(({ subject, before, after }) => ({ subject, before, after }));

test("a deleted account takes its tokens with it, and those that its tokens made", async () => {
  await using rig = await startRig();
  const [me, bea] = [await signIn(rig), await adminNamed(rig, "bea")];
  const mine = await tokenBy(me, "mine", "admin");
  const hers = await tokenBy(bea, "hers", "admin");
  const made = await ask(rig, hers, "/admin-tokens", { method: "POST", body: JSON.stringify({ name: "by hers", scope: "read" }) });
  const byHers = ((await made.json()) as { token: string }).token;
  expect(await Promise.all([mine, hers, byHers].map((one) => scopeOf(rig, one)))).toEqual(["admin", "admin", "read"]);
  await me.post("/admin/account/people/2/remove");
  expect(await Promise.all([mine, hers, byHers].map((one) => scopeOf(rig, one)))).toEqual(["admin", "none", "none"]);
  expect(await audited(rig, "admin_token.revoke")).toEqual([
    { subject: "admin token 3", before: { name: "by hers", scope: "read" }, after: { account: "bea deleted" } },
    { subject: "admin token 2", before: { name: "hers", scope: "admin" }, after: { account: "bea deleted" } },
  ]);
});

test.each(["operator", "viewer"] satisfies Role[])("an admin who becomes %s leaves tokens of no more than that", async (role) => {
  await using rig = await startRig();
  const [me, bea] = [await signIn(rig), await adminNamed(rig, "bea")];
  const [all, least] = [await tokenBy(bea, "all", "admin"), await tokenBy(bea, "least", "read")];
  await me.post("/admin/account/people/2/role", { role });
  expect([await scopeOf(rig, all), await scopeOf(rig, least)]).toEqual([SCOPE_OF_ROLE[role], "read"]);
  expect((await ask(rig, all, "/accounts")).status).toBe(403);
  // The way back is a new token: what was lost is not given back by itself.
  await me.post("/admin/account/people/2/role", { role: "admin" });
  expect(await scopeOf(rig, all)).toBe(SCOPE_OF_ROLE[role]);
  expect(await audited(rig, "admin_token.cut")).toEqual([
    { subject: "admin token 1", before: { name: "all", scope: "admin" }, after: { scope: SCOPE_OF_ROLE[role], account: `bea is ${role}` } },
  ]);
});

const PROXY: RigOptions["settings"] = {
  "server.trust_proxy": ["127.0.0.0/8"],
  "sign_in.header": "Remote-User",
  "sign_in.groups_header": "Remote-Groups",
  "sign_in.admins": ["group:admins"],
  "sign_in.operators": ["group:ops"],
};

const come = (rig: Rig, groups: string) =>
  fetch(`${rig.url}/admin/account`, {
    redirect: "manual",
    headers: { "remote-user": "zoe", "remote-groups": groups, accept: "text/html" },
  });

/** An admin token of zoe, whom the proxy names with these groups. */
async function tokenOfZoe(rig: Rig, groups: string): Promise<string> {
  const response = await come(rig, groups);
  const headers = { "remote-user": "zoe", "remote-groups": groups, cookie: response.headers.getSetCookie()[0]!.split(";")[0]! };
  const form_token = /name="form_token" value="([^"]+)"/.exec(await response.text())![1]!;
  const made = await fetch(`${rig.url}/admin/account/api-tokens`, {
    method: "POST",
    headers: { ...headers, origin: rig.url },
    body: new URLSearchParams({ form_token, name: "zoe's", scope: "admin", days: "" }),
  });
  return /sk-f2a-admin-[\w-]+/.exec(await made.text())![0];
}

test("who comes by single sign-on with less, or on no list any more, has tokens of no more than that", async () => {
  await using rig = await startRig({ settings: PROXY });
  const token = await tokenOfZoe(rig, "admins");
  expect(await scopeOf(rig, token)).toBe("admin");
  await come(rig, "ops");
  expect(await scopeOf(rig, token)).toBe("operate");
  await come(rig, "others");
  expect(await scopeOf(rig, token)).toBe("none");
  expect((await rig.context.store.listSessions()).filter(({ accountId }) => accountId === 2)).toEqual([]);
});

test("who was taken off the lists has no token from the next start on, without a request of theirs; who was moved down has less", async () => {
  using folder = temporaryFolder();
  let token: string;
  {
    await using rig = await startRig({ folder: folder.path, settings: PROXY });
    token = await tokenOfZoe(rig, "staff,admins");
    expect(await scopeOf(rig, token)).toBe("admin");
  }
  {
    const settings = { ...PROXY, "sign_in.admins": ["ann"], "sign_in.operators": ["group:admins"] };
    await using rig = await startRig({ folder: folder.path, tokens: [], settings });
    expect(await scopeOf(rig, token)).toBe("operate");
    await until(async () => (await audited(rig, "admin_token.cut")).length > 0);
    expect(await audited(rig, "admin_token.cut")).toMatchObject([{ subject: "admin token 1", after: { scope: "operate" } }]);
  }
  await using rig = await startRig({ folder: folder.path, tokens: [], settings: { ...PROXY, "sign_in.admins": ["ann"] } });
  expect(await scopeOf(rig, token)).toBe("none");
  await until(async () => (await audited(rig, "admin_token.revoke")).length > 0);
  expect(await rig.context.store.listAdminTokens()).toEqual([]);
});

test("whom single sign-on has not named for as long as the setting says has tokens that wait for it, and the admin sees and ends them", async () => {
  const clock = virtualNow();
  await using rig = await startRig({ settings: { ...PROXY, "sign_in.token_days": 3 }, clock });
  const me = await signIn(rig);
  const token = await tokenOfZoe(rig, "admins");
  clock.pass(3 * 86_400_000);
  const refused = await ask(rig, token);
  expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining("sign_in.token_days")]);
  const again = await signIn(rig);
  const page = await (await again.get("/admin/account/api-tokens")).text();
  expect(page).toContain("paused: has not signed in lately");
  await come(rig, "admins");
  expect(await scopeOf(rig, token)).toBe("admin");
  expect(await (await again.get("/admin/account/people")).text()).toContain("/admin/account/api-tokens?account=2");
  expect(me).toBeDefined();
  await again.post("/admin/account/people/2/end-tokens");
  expect(await scopeOf(rig, token)).toBe("none");
  expect(await audited(rig, "admin_token.revoke")).toEqual([
    { subject: "admin token 1", before: { name: "zoe's", scope: "admin" }, after: { account: "all ended" } },
  ]);
});

test("a request by the proxy notes once an hour that the person is still named, and at once that the groups are others", async () => {
  const clock = virtualNow();
  await using rig = await startRig({ settings: PROXY, clock });
  const opened = await come(rig, "admins");
  const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
  const request = (groups: string) =>
    fetch(`${rig.url}/admin/account`, { headers: { "remote-user": "zoe", "remote-groups": groups, cookie, accept: "text/html" } });
  const seen = async () => {
    const { vouchedAt, listedGroups } = (await rig.context.store.getAccount(2))!;
    return [vouchedAt, listedGroups];
  };
  const [start] = await seen();
  clock.pass(30 * 60_000);
  await request("admins,staff");
  expect(await seen()).toEqual([start!, ["admins"]]);
  await request("ops,admins");
  const [second, groups] = await seen();
  expect([Number(second) > Number(start), groups]).toEqual([true, ["admins", "ops"]]);
  clock.pass(61 * 60_000);
  await request("admins,ops");
  expect(Number((await seen())[0])).toBeGreaterThan(Number(second));
});

test.each([
  [{ end_tokens: "on" }, "none"],
  [{}, "operate"],
] as const)("a new password for somebody with %p leaves their tokens at %s", async (form, left) => {
  await using rig = await startRig();
  const [me, bea] = [await signIn(rig), await adminNamed(rig, "bea")];
  const token = await tokenBy(bea, "hers", "operate");
  const question = await (await me.get("/admin/account/people/2/reset")).text();
  expect(question).toMatch(/name="end_tokens"[^>]* checked/);
  expect(question).toContain("Also end their admin tokens (1)");
  expect((await me.post("/admin/account/people/2/reset", form)).status).toBe(200);
  expect(await scopeOf(rig, token)).toBe(left);
});

test.each([
  ["", "none"],
  ["?end_tokens=false", "operate"],
])("over the JSON API a new password%s leaves tokens at %s", async (query, left) => {
  await using rig = await startRig();
  const [me, bea] = [await signIn(rig), await adminNamed(rig, "bea")];
  const [mine, hers] = [await tokenBy(me, "mine", "admin"), await tokenBy(bea, "hers", "operate")];
  const listed = (await (await ask(rig, mine, "/admin-tokens?account_id=2")).json()) as { data: object[] };
  expect(listed.data).toMatchObject([{ name: "hers", account_id: 2, hold: null }]);
  expect((await ask(rig, mine, `/accounts/2/reset${query}`, { method: "POST" })).status).toBe(200);
  expect(await scopeOf(rig, hers)).toBe(left);
  const ended = await ask(rig, mine, "/accounts/2/end-tokens", { method: "POST" });
  expect(await ended.json()).toEqual({ ended: left === "none" ? 0 : 1 });
  expect(await scopeOf(rig, hers)).toBe("none");
});
