// Single sign-on over HTTP: the header of a trusted proxy, and OpenID Connect with a provider that lies.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SettingKey, SettingValue } from "../../src/config/settings-keys.ts";
import { type Rig, startRig } from "../rig.ts";
import { signedIn, signIn } from "./admin.ts";
import { CLIENT, type Lies, type OpenIdProvider, startOpenIdProvider } from "./openid-provider.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

type Settings = Partial<Record<SettingKey, SettingValue>>;

const PROXY: Settings = {
  "server.trust_proxy": ["127.0.0.0/8"],
  "sign_in.header": "Remote-User",
  "sign_in.groups_header": "Remote-Groups",
  "sign_in.admins": ["ann"],
  "sign_in.operators": ["group:ops"],
  "sign_in.viewers": ["vic"],
};

/** As browsers ask for a page. */
const ask = ({ url }: Rig, path: string, headers: Record<string, string>) =>
  fetch(`${url}${path}`, { redirect: "manual", headers: { accept: "text/html,*/*;q=0.8", ...headers } });

describe("the header of a trusted proxy", () => {
  test("opens a session for who is on a list, with the role of the list", async () => {
    await using rig = await startRig({ settings: PROXY });
    const ann = await ask(rig, "/admin", { "remote-user": "ann" });
    expect([ann.status, ann.headers.getSetCookie().length]).toEqual([200, 1]);
    const cookie = ann.headers.getSetCookie()[0]!.split(";")[0]!;
    // With the session, no new one is opened.
    expect((await ask(rig, "/admin/account", { "remote-user": "ann", cookie })).headers.getSetCookie()).toEqual([]);
    for (const [user, groups, status] of [
      ["vic", "", 200],
      ["zoe", "readers,ops", 200],
      ["zoe", "readers", 303],
      ["ANN", "", 303],
      ["", "ops", 303],
    ] as const)
      expect([user, (await ask(rig, "/admin", { "remote-user": user, "remote-groups": groups })).status]).toEqual([user, status]);
    const people = await rig.context.store.listAccounts();
    expect(people.slice(1).map(({ source, subject, role }) => `${source} ${subject} ${role}`)).toEqual([
      "header ann admin",
      "header vic viewer",
      "header zoe operator",
    ]);
    const opened = (await rig.context.audit.list({ limit: 20 })).filter(({ action }) => action === "session.open");
    expect(opened.map(({ actor }) => actor)).toEqual(["zoe (proxy)", "vic (proxy)", "ann (proxy)"]);
  });

  test("opens one for a page that a browser goes to, and for nothing else that comes without a cookie", async () => {
    await using rig = await startRig({ settings: PROXY });
    const opened = async () => (await rig.context.store.listSessions()).length;
    for (const [path, headers] of [
      ["/admin/overview/events", { accept: "text/event-stream" }],
      ["/admin/gallery/none/thumb", { accept: "image/avif,image/webp,*/*" }],
      ["/admin", { accept: "*/*" }],
      ["/admin/api/v1/openapi.json", { accept: "application/json" }],
    ] as const) {
      const response = await ask(rig, path, { ...headers, "remote-user": "ann" });
      expect([path, response.status === 200, response.headers.getSetCookie()]).toEqual([path, false, []]);
    }
    expect(await opened()).toBe(0);
    const shown = await ask(rig, "/admin/api/v1/openapi.json", { "remote-user": "ann" });
    const cookie = shown.headers.getSetCookie()[0]!.split(";")[0]!;
    expect([shown.status, await opened()]).toEqual([200, 1]);
    // The browser has what was opened for it.
    expect((await ask(rig, "/admin", { "remote-user": "ann", cookie })).status).toBe(200);
    expect(await opened()).toBe(1);
  });

  test("counts from no other address: whoever sends it is a stranger", async () => {
    await using rig = await startRig({ settings: { ...PROXY, "server.trust_proxy": ["10.0.0.0/8"] } });
    const headers = { "remote-user": "ann", "remote-groups": "ops" };
    expect((await ask(rig, "/admin", { ...headers, "hx-request": "true" })).status).toBe(401);
    const page = await ask(rig, "/admin", headers);
    expect([page.status, page.headers.get("location"), page.headers.getSetCookie()]).toEqual([303, "/admin/login?next=%2Fadmin", []]);
    const change = await fetch(`${rig.url}/admin/tokens/1/disable`, { method: "POST", headers: { ...headers, origin: rig.url } });
    expect(change.status).toBe(401);
    expect(await rig.context.store.listAccounts()).toHaveLength(1);
  });

  test("has to stay: without it, or with another name, the session is none", async () => {
    await using rig = await startRig({ settings: PROXY });
    const opened = await ask(rig, "/admin", { "remote-user": "ann" });
    const cookie = opened.headers.getSetCookie()[0]!.split(";")[0]!;
    expect((await ask(rig, "/admin/account/people", { cookie, "remote-user": "ann" })).status).toBe(200);
    expect((await ask(rig, "/admin", { cookie })).status).toBe(303);
    expect((await ask(rig, "/admin", { cookie, "remote-user": "vic", "hx-request": "true" })).status).toBe(401);
    // Her own session with the role of now.
    const asOperator = { cookie: "", "remote-user": "zoe", "remote-groups": "ops" };
    const zoe = (await ask(rig, "/admin", asOperator)).headers.getSetCookie()[0]!.split(";")[0]!;
    expect((await ask(rig, "/admin", { cookie: zoe, "remote-user": "zoe", "remote-groups": "none" })).status).toBe(303);
  });

  test("needs the form token all the same, and a change alone opens nothing", async () => {
    await using rig = await startRig({ settings: PROXY });
    const headers = { "remote-user": "ann", origin: rig.url };
    expect((await fetch(`${rig.url}/admin/tokens/1/disable`, { method: "POST", headers })).status).toBe(401);
    const cookie = (await ask(rig, "/admin", headers)).headers.getSetCookie()[0]!.split(";")[0]!;
    const form = { method: "POST", headers: { ...headers, cookie }, body: new URLSearchParams({ x: "1" }) };
    expect((await fetch(`${rig.url}/admin/tokens/1/disable`, form)).status).toBe(403);
  });

  test("may be the only way in", async () => {
    await using rig = await startRig({ settings: { ...PROXY, "sign_in.password": false } });
    const refused = await signIn(rig).then(() => "signed in", String);
    expect(refused).toContain("403");
    expect(await (await ask(rig, "/admin/login", {})).text()).not.toContain('type="password"');
    expect((await ask(rig, "/admin", { "remote-user": "ann" })).status).toBe(200);
  });
});

const openIdSettings = ({ issuer }: OpenIdProvider): Settings => ({
  "sign_in.oidc_issuer": issuer,
  "sign_in.oidc_client_id": CLIENT.id,
  "sign_in.oidc_client_secret": CLIENT.secret,
  "sign_in.oidc_private_hosts": ["127.0.0.1"],
  "sign_in.oidc_name": "Sign in with the house",
  "sign_in.operators": ["group:ops"],
});

/** The whole way to the provider and back. `change`: what is done with the address that the provider sends the browser to. */
async function signInByOpenId(rig: Rig, change: (url: URL) => void = () => {}): Promise<Response> {
  const begun = await ask(rig, "/admin/login/oidc?next=/admin/keys", {});
  if (begun.status !== 303) return begun;
  const cookie = begun.headers.getSetCookie()[0]!;
  expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
  const back = await fetch(begun.headers.get("location")!, { redirect: "manual" });
  const url = new URL(back.headers.get("location")!);
  change(url);
  return ask(rig, url.pathname + url.search, { cookie: cookie.split(";")[0]! });
}

function refuseAccess(url: URL): void {
  url.search = `?error=access_denied&state=${url.searchParams.get("state")}`;
}

describe("OpenID Connect", () => {
  test("opens a session for a group of the list, and the browser goes on by itself", async () => {
    await using provider = await startOpenIdProvider();
    await using rig = await startRig({ settings: openIdSettings(provider) });
    expect(await (await ask(rig, "/admin/login", {})).text()).toContain("Sign in with the house");
    const response = await signInByOpenId(rig);
    expect([response.status, response.headers.get("refresh")]).toEqual([200, "0; url=/admin/keys"]);
    const bea = await signedIn(rig.url, response.headers.getSetCookie()[0]!.split(";")[0]!);
    expect((await bea.post("/admin/tokens/1/disable")).status).toBe(303);
    expect((await bea.post("/admin/settings/apply")).status).toBe(403);
    const [entry] = await rig.context.audit.list({ limit: 1, subject: "token 1" });
    expect(entry!.actor).toBe("bea (OpenID)");
    expect(rig.logged.join("\n")).not.toContain(CLIENT.secret);
  });

  test("finds groups at the userinfo endpoint when the id token has none", async () => {
    await using provider = await startOpenIdProvider();
    provider.lies = { groupsAtUserinfo: true };
    await using rig = await startRig({ settings: openIdSettings(provider) });
    expect((await signInByOpenId(rig)).status).toBe(200);
    expect(provider.asked).toContain("/userinfo");
  });

  const now = () => Math.floor(Date.now() / 1000);
  const LIES: readonly [string, () => Lies][] = [
    ["another nonce", () => ({ claims: { nonce: "another" } })],
    ["another audience", () => ({ claims: { aud: "another client" } })],
    ["another issuer", () => ({ claims: { iss: "https://evil.example" } })],
    ["an id token that is over", () => ({ claims: { iat: now() - 7200, exp: now() - 3600 } })],
    ["a signature of another key", () => ({ otherKey: true })],
  ];

  test("refuses whatever is not as it must be", async () => {
    await using provider = await startOpenIdProvider();
    await using rig = await startRig({ settings: openIdSettings(provider) });
    for (const [name, lies] of LIES) {
      provider.lies = lies();
      const response = await signInByOpenId(rig);
      expect([name, response.status, response.headers.getSetCookie()]).toEqual([name, 401, []]);
      expect(await response.text()).toContain("Single sign-on failed");
    }
    provider.lies = {};
    const others: readonly [string, (url: URL) => void][] = [
      ["another state", (url) => url.searchParams.set("state", "another")],
      ["another code", (url) => url.searchParams.set("code", "another")],
      ["no code", (url) => url.searchParams.delete("code")],
      ["an error of the provider", refuseAccess],
    ];
    for (const [name, change] of others) expect([name, (await signInByOpenId(rig, change)).status]).toEqual([name, 401]);
    expect((await rig.context.sessions.list()).sessions).toEqual([]);
    expect((await ask(rig, "/admin/login/oidc/callback?code=x&state=y", {})).status).toBe(401);
    expect((await signInByOpenId(rig)).status).toBe(200);
  });

  test("lets nobody in who is on no list, and says who that was", async () => {
    await using provider = await startOpenIdProvider();
    await using rig = await startRig({ settings: openIdSettings(provider) });
    provider.groups = ["Ops", "ops2"];
    const response = await signInByOpenId(rig);
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining("subject-7")]);
    expect(await rig.context.store.listAccounts()).toHaveLength(1);
    expect((await rig.context.audit.list({ limit: 1 }))[0]).toMatchObject({ action: "session.refuse", actor: "nobody" });
  });

  test("asks no provider on the private network that the settings do not name, and none that says it is another", async () => {
    await using provider = await startOpenIdProvider();
    {
      await using rig = await startRig({ settings: { ...openIdSettings(provider), "sign_in.oidc_private_hosts": [] } });
      const response = await signInByOpenId(rig);
      expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("is not on the public internet")]);
      expect(provider.asked).toEqual([]);
    }
    await using rig = await startRig({ settings: openIdSettings(provider) });
    provider.lies = { issuer: "https://evil.example" };
    expect((await signInByOpenId(rig)).status).toBe(503);
    provider.lies = {};
    expect((await signInByOpenId(rig)).status).toBe(200);
  });

  test("is asked by http on this machine only", async () => {
    const settings: Settings = {
      "sign_in.oidc_issuer": "http://id.example",
      "sign_in.oidc_client_id": "x",
      "sign_in.oidc_private_hosts": ["id.example"],
    };
    await using rig = await startRig({ settings });
    const response = await ask(rig, "/admin/login/oidc", {});
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining("expected an https address")]);
  });

  test("does not exist while no provider is set", async () => {
    await using rig = await startRig();
    expect((await ask(rig, "/admin/login/oidc", {})).status).toBe(404);
    expect((await ask(rig, "/admin/login/oidc/callback", {})).status).toBe(404);
  });
});
