// Tokens of the admin's JSON API over HTTP: they end with the account that made them, and lose scope with its role.
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Role, SCOPE_OF_ROLE } from "../../src/domain/account.ts";
import { hashPassword } from "../../src/gateway/auth/password.ts";
import { type Rig, startRig } from "../rig.ts";
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

test("who comes by single sign-on with less, or on no list any more, has tokens of no more than that", async () => {
  await using rig = await startRig({
    settings: {
      "server.trust_proxy": ["127.0.0.0/8"],
      "sign_in.header": "Remote-User",
      "sign_in.groups_header": "Remote-Groups",
      "sign_in.admins": ["group:admins"],
      "sign_in.operators": ["group:ops"],
    },
  });
  const come = (groups: string) =>
    fetch(`${rig.url}/admin/account`, {
      redirect: "manual",
      headers: { "remote-user": "zoe", "remote-groups": groups, accept: "text/html" },
    });
  const response = await come("admins");
  const headers = { "remote-user": "zoe", "remote-groups": "admins", cookie: response.headers.getSetCookie()[0]!.split(";")[0]! };
  const form_token = /name="form_token" value="([^"]+)"/.exec(await response.text())![1]!;
  const made = await fetch(`${rig.url}/admin/account/api-tokens`, {
    method: "POST",
    headers: { ...headers, origin: rig.url },
    body: new URLSearchParams({ form_token, name: "zoe's", scope: "admin", days: "" }),
  });
  const token = /sk-f2a-admin-[\w-]+/.exec(await made.text())![0];
  expect(await scopeOf(rig, token)).toBe("admin");
  await come("ops");
  expect(await scopeOf(rig, token)).toBe("operate");
  await come("others");
  expect(await scopeOf(rig, token)).toBe("none");
  expect((await rig.context.store.listSessions()).filter(({ accountId }) => accountId === 2)).toEqual([]);
});
