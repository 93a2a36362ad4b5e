// Roles over HTTP, from the route table: what a viewer and an operator may not change, and people with their sessions.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Role } from "../../src/domain/account.ts";
import { hashPassword } from "../../src/gateway/auth/password.ts";
import { neededRole, OWN_CHANGES } from "../../src/gateway/auth/roles.ts";
import { type Rig, startRig } from "../rig.ts";
import { adminRoutes, login, type SignedIn, signedIn, signIn } from "./admin.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

const PASSWORD = "one of several people";

async function personOf(rig: Rig, name: string, role: Role): Promise<SignedIn> {
  const { store, sessions, clock } = rig.context;
  const row = {
    source: "password",
    subject: name,
    name,
    role,
    passwordHash: await hashPassword(PASSWORD),
    passwordTemporary: false,
  } as const;
  const account = await store.insertAccount(row, clock.now());
  await sessions.open({ account, address: null, agent: "" });
  return signedIn(rig.url, await login(rig.url, PASSWORD, name));
}

/** Every change that the admin's pages have, with an id where one is asked for. */
async function changesOf(rig: Rig): Promise<string[]> {
  const isChange = ({ method, path }: { method: string; path: string }) => !["GET", "HEAD"].includes(method) && path.startsWith("/admin");
  return [
    ...new Set((await adminRoutes(rig)).filter(isChange).map(({ path }) => path.replace(/:\w+/g, "1").replace(/(.)\/$/, "$1"))),
  ].sort();
}

const isOwn = (path: string) => OWN_CHANGES.some((own) => own.test(path));

describe("changes", () => {
  test("a viewer is refused every one, but for those of the own account", async () => {
    await using rig = await startRig();
    const viewer = await personOf(rig, "vic", "viewer");
    const changes = await changesOf(rig);
    expect(changes.length).toBeGreaterThan(60);
    expect(changes.filter(isOwn)).toEqual([
      "/admin/account/password",
      "/admin/account/sessions/1/end",
      "/admin/account/sessions/end-all",
      "/admin/account/two-step",
      "/admin/account/two-step/codes",
      "/admin/account/two-step/off",
      "/admin/login",
      "/admin/login/code",
      "/admin/logout",
      "/admin/preferences",
      "/admin/welcome/password",
    ]);
    const others = changes.filter((path) => !isOwn(path));
    const allowed: string[] = [];
    for (const path of others) if ((await viewer.post(path)).status !== 403) allowed.push(path);
    for (const path of others) if ((await viewer.htmx(path)).status !== 403) allowed.push(`${path} by htmx`);
    expect(allowed).toEqual([]);
    const refused = await viewer.post("/admin/tokens/1/disable");
    expect(await refused.text()).toContain("Your account may not do this");
    expect((await rig.context.store.listTokens())[0]!.enabled).toBe(true);
  });

  test("an operator is refused those of settings, data and people, and no other", async () => {
    await using rig = await startRig();
    const operator = await personOf(rig, "oda", "operator");
    const changes = (await changesOf(rig)).filter((path) => !isOwn(path));
    const ofAdmins = changes.filter((path) => neededRole("POST", path) === "admin");
    for (const path of [
      "/admin/settings/apply",
      "/admin/system/backup",
      "/admin/system/restore/now",
      "/admin/account/people",
      "/admin/models/1/on",
    ])
      expect(ofAdmins).toContain(path);
    for (const path of [
      "/admin/tokens/1/disable",
      "/admin/keys/new",
      "/admin/jobs/1/cancel",
      "/admin/playground/runs",
      "/admin/system/checks",
    ])
      expect(ofAdmins).not.toContain(path);
    const allowed: string[] = [];
    for (const path of ofAdmins) if ((await operator.post(path)).status !== 403) allowed.push(path);
    expect(allowed).toEqual([]);
    expect((await operator.post("/admin/tokens/1/disable")).status).toBe(303);
    const [entry] = await rig.context.audit.list({ limit: 1, subject: "token 1" });
    expect(entry).toMatchObject({ actor: "oda" });
  });

  test("a viewer reads every page but people, and finds its forms disabled", async () => {
    await using rig = await startRig();
    const viewer = await personOf(rig, "vic", "viewer");
    for (const path of ["/admin", "/admin/tokens", "/admin/keys", "/admin/requests", "/admin/settings", "/admin/system", "/admin/account"])
      expect([path, (await viewer.get(path)).status]).toEqual([path, 200]);
    expect((await viewer.get("/admin/account/people")).status).toBe(403);
    expect(await (await viewer.get("/admin/tokens/1")).text()).toMatch(/<fieldset class="not-yours" disabled/);
    expect(await (await viewer.get("/admin/account")).text()).not.toContain("not-yours");
  });
});

describe("people", () => {
  test("are added with a password for once, change it, get a role and go, with their sessions", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    expect((await me.post("/admin/account/people", { name: "", role: "viewer" })).status).toBe(422);
    expect((await me.post("/admin/account/people", { name: "a b", role: "viewer" })).status).toBe(422);
    expect((await me.post("/admin/account/people", { name: "bea", role: "owner" })).status).toBe(422);
    const made = await (await me.post("/admin/account/people", { name: "Bea", role: "viewer" })).text();
    const password = /<pre[^>]*>([a-z2-7]{26})<\/pre>/.exec(made)![1]!;
    const taken = await me.post("/admin/account/people", { name: "BEA", role: "viewer" });
    expect([taken.status, await taken.text()]).toEqual([422, expect.stringContaining("an account of this name")]);

    const form = (username: string, secret: string) =>
      fetch(`${rig.url}/admin/login`, {
        method: "POST",
        redirect: "manual",
        headers: { origin: rig.url },
        body: new URLSearchParams({ username, password: secret }),
      });
    const first = await form("bea", password);
    expect(first.headers.get("location")).toBe("/admin/welcome");
    const bea = await signedIn(rig.url, first.headers.getSetCookie()[0]!.split(";")[0]!);
    expect((await bea.get("/admin/keys")).headers.get("location")).toBe("/admin/welcome");
    const page = await (await bea.get("/admin/welcome/password")).text();
    const form_token = /name="form_token" value="([^"]+)"/.exec(page)![1]!;
    const set = await bea.post("/admin/welcome/password", { form_token, password: PASSWORD, again: PASSWORD });
    // The setup of the data folder is not hers.
    expect([set.status, set.headers.get("location")]).toEqual([303, "/admin"]);
    const again = await signedIn(rig.url, set.headers.get("set-cookie")!.split(";")[0]!);
    expect((await again.post("/admin/tokens/1/disable")).status).toBe(403);

    await me.post("/admin/account/people/2/role", { role: "operator" });
    expect((await again.post("/admin/tokens/1/disable")).status).toBe(303);
    const list = await (await me.get("/admin/account/people")).text();
    expect(list).toMatch(/bea[\s\S]*Operator/);
    const reset = await (await me.post("/admin/account/people/2/reset")).text();
    expect((await again.get("/admin")).status).toBe(303);
    expect((await form("bea", PASSWORD)).status).toBe(401);
    expect((await form("bea", /<pre[^>]*>([a-z2-7]{26})<\/pre>/.exec(reset)![1]!)).status).toBe(303);
    expect((await me.post("/admin/account/people/2/sign-out")).status).toBe(303);
    expect((await rig.context.sessions.list({ account: 2 })).sessions).toEqual([]);
    await me.post("/admin/account/people/2/remove");
    expect((await form("bea", PASSWORD)).status).toBe(401);
    const log = JSON.stringify(await rig.context.audit.list({ limit: 30 }));
    for (const action of ["account.create", "account.role", "account.reset", "account.delete"]) expect(log).toContain(action);
    expect(log).not.toContain(password);
  });

  test("the first account is neither changed nor deleted by others, and nobody deletes themselves", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const ann = await personOf(rig, "ann", "admin");
    for (const path of ["role", "reset", "remove"])
      expect([path, (await ann.post(`/admin/account/people/1/${path}`, { role: "viewer" })).status]).toEqual([path, 409]);
    expect((await ann.post("/admin/account/people/2/remove")).status).toBe(409);
    expect((await me.get("/admin")).status).toBe(200);
  });

  test("see and end their own sessions only; role admin those of all", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const bea = await personOf(rig, "bea", "operator");
    const marks = (html: string) => [...html.matchAll(/id="session-([0-9a-f]{12})"/g)].map(([, mark]) => mark!);
    const [mine, hers] = [marks(await (await me.get("/admin/account")).text()), marks(await (await bea.get("/admin/account")).text())];
    expect([mine.length, hers.length]).toEqual([3, 2]);
    const own = mine.find((mark) => !hers.includes(mark))!;
    expect((await bea.post(`/admin/account/sessions/${own}/end`)).status).toBe(404);
    for (const mark of hers) expect((await me.post(`/admin/account/sessions/${mark}/end`)).status).toBe(303);
    expect((await bea.get("/admin")).status).toBe(303);
  });
});

test("a sign-in from a new network is reported once, the first one is not", async () => {
  await using rig = await startRig({ settings: { "server.trust_proxy": ["127.0.0.0/8"] } });
  const events: unknown[] = [];
  const stop = rig.context.signIn.onNewNetwork((event) => events.push(event));
  await personOf(rig, "bea", "viewer");
  const from = (address: string) =>
    fetch(`${rig.url}/admin/login`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: rig.url, "x-forwarded-for": address, "user-agent": "a browser" },
      body: new URLSearchParams({ username: "bea", password: PASSWORD }),
    });
  for (const address of ["203.0.113.9", "203.0.113.9", "2001:db8::1", "2001:db8::ffff"]) await from(address);
  stop();
  await from("203.0.113.77");
  expect(events).toMatchObject([
    { account: "bea", address: "203.0.113.9", way: "password", agent: "a browser" },
    { account: "bea", address: "2001:db8::1" },
  ]);
  const logged = (await rig.context.audit.list({ limit: 20 })).filter(({ after }) => JSON.stringify(after)?.includes("new_network"));
  expect(logged).toHaveLength(3);
});
