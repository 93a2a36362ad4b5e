// The admin guard over HTTP: login, sessions, origin and form token.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { storePassword } from "../../src/gateway/auth/password.ts";
import { virtualClock } from "../../src/testing.ts";
import { NAV } from "../../views/ui/nav.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";
import { ADMIN_PASSWORD, adminRoutes, login, signedIn, signIn } from "./admin.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

const HOUR = 3_600_000;

/** One attempt to sign in, not followed. */
const tryLogin = (url: string, password: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/admin/login`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: url, ...headers },
    body: new URLSearchParams({ password }),
  });

describe("coming in", () => {
  test("without a session every page leads to the login, and back after it", async () => {
    await using rig = await startRig();
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const asked = await fetch(`${rig.url}/admin/account?x=1`, { redirect: "manual" });
    expect([asked.status, asked.headers.get("location")]).toEqual([303, "/admin/login?next=%2Fadmin%2Faccount%3Fx%3D1"]);
    const page = await (await fetch(`${rig.url}${asked.headers.get("location")}`)).text();
    expect(page).toContain('name="next" value="/admin/account?x=1"');
    const unknown = await fetch(`${rig.url}/admin/nothing`, { redirect: "manual" });
    expect(unknown.status).toBe(303);
  });

  test("the right password opens a session whose cookie scripts cannot read", async () => {
    await using rig = await startRig();
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const response = await tryLogin(rig.url, ADMIN_PASSWORD);
    expect([response.status, response.headers.get("location")]).toEqual([303, "/admin"]);
    expect(response.headers.getSetCookie()[0]).toMatch(/^flow2api=[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/);
  });

  test("a client's key opens nothing here, and a session opens nothing of the API", async () => {
    await using rig = await startRig();
    expect((await rig.call("/admin/account", { redirect: "manual" })).status).toBe(303);
    const me = await signIn(rig);
    expect((await me.get("/v1/models")).status).toBe(401);
  });

  test("who guesses waits; the page says how long, and the right password is not checked meanwhile", async () => {
    const clock = virtualClock();
    await using rig = await startRig({ clock });
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const statuses = [];
    for (let count = 0; count < 4; count++) statuses.push((await tryLogin(rig.url, "wrong")).status);
    expect(statuses).toEqual([401, 401, 401, 401]);
    const early = await tryLogin(rig.url, ADMIN_PASSWORD);
    expect([early.status, early.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await early.text()).toContain("Try again in 1.0 s");
    await clock.advance(1000);
    expect((await tryLogin(rig.url, ADMIN_PASSWORD)).status).toBe(303);
  });

  test("every login has an id of its own, and ends the session that the browser came with", async () => {
    await using rig = await startRig();
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const first = await login(rig.url, ADMIN_PASSWORD);
    const again = await tryLogin(rig.url, ADMIN_PASSWORD, { cookie: first });
    const second = again.headers.get("set-cookie")!.split(";")[0]!;
    const [old, fresh] = [await signedIn(rig.url, first), await signedIn(rig.url, second)];
    expect([(await old.get("/admin")).status, (await fresh.get("/admin")).status]).toEqual([303, 200]);
  });

  test("behind a trusted proxy with https the cookie is bound to host and https, and the plain one counts for nothing", async () => {
    await using rig = await startRig({ settings: { "server.trust_proxy": ["127.0.0.0/8"] } });
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const proxied = { "x-forwarded-proto": "https", "x-forwarded-host": "front.example", origin: "https://front.example" };
    const response = await tryLogin(rig.url, ADMIN_PASSWORD, proxied);
    const cookie = response.headers.get("set-cookie")!;
    expect(cookie).toMatch(/^__Host-flow2api=[^;]+; .*Secure$/);
    const value = cookie.split(";")[0]!;
    expect((await fetch(`${rig.url}/admin`, { redirect: "manual", headers: { cookie: value, ...proxied } })).status).toBe(200);
    const plain = value.replace("__Host-", "");
    expect((await fetch(`${rig.url}/admin`, { redirect: "manual", headers: { cookie: plain, ...proxied } })).status).toBe(303);
  });
});

describe("the end of a session", () => {
  test("by logging out: the cookie is worth nothing afterwards", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const out = await me.post("/admin/logout");
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await me.get("/admin")).status).toBe(303);
  });

  test("by quiet, and by age", async () => {
    const clock = virtualClock();
    await using rig = await startRig({ clock });
    const me = await signIn(rig);
    await clock.advance(11 * HOUR);
    const aged = await me.get("/admin");
    expect(aged.status).toBe(200);
    const renewed = await signedIn(rig.url, aged.headers.get("set-cookie")!.split(";")[0]!);
    await clock.advance(11 * HOUR);
    expect((await me.get("/admin")).status).toBe(303);
    expect((await renewed.get("/admin")).status).toBe(200);
    await clock.advance(12 * HOUR);
    expect((await renewed.get("/admin")).status).toBe(303);
  }, 20_000);

  test("from another browser: one, or all", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const other = await signedIn(rig.url, await login(rig.url, ADMIN_PASSWORD));
    const page = await (await me.get("/admin/account")).text();
    const end = /action="(\/admin\/account\/sessions\/[0-9a-f]+\/end)"/.exec(page)![1]!;
    expect((await me.post(end)).status).toBe(303);
    expect([(await me.get("/admin")).status, (await other.get("/admin")).status]).toEqual([200, 303]);
    await me.post("/admin/account/sessions/end-all");
    expect((await me.get("/admin")).status).toBe(303);
  });

  test("by a new password: all others end, this browser goes on with a new id", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const other = await signedIn(rig.url, await login(rig.url, ADMIN_PASSWORD));
    const fresh = "quite another one";
    const refused = await me.post("/admin/account/password", { current: "wrong one", password: fresh, again: fresh });
    expect([refused.status, (await other.get("/admin")).status]).toEqual([422, 200]);
    const done = await me.post("/admin/account/password", { current: ADMIN_PASSWORD, password: fresh, again: fresh });
    const next = await signedIn(rig.url, done.headers.get("set-cookie")!.split(";")[0]!);
    const statuses = await Promise.all([me, other, next].map(async (one) => (await one.get("/admin")).status));
    expect(statuses).toEqual([303, 303, 200]);
    expect((await tryLogin(rig.url, ADMIN_PASSWORD)).status).toBe(401);
    expect((await tryLogin(rig.url, fresh)).status).toBe(303);
  });

  test("is not waited for when the server stops, however long a page is watched", async () => {
    let reader: ReadableStreamDefaultReader<Uint8Array>;
    {
      await using rig = await startRig({ settings: { "server.drain_timeout": 600 } });
      const me = await signIn(rig);
      reader = (await me.get("/admin/events/overview")).body!.getReader();
      expect(new TextDecoder().decode((await reader.read()).value)).toStartWith("data: <hx-partial");
    }
    while (!(await reader.read()).done);
  });

  test("shows to htmx as a way to the login, not as a page inside the page", async () => {
    await using rig = await startRig();
    const response = await fetch(`${rig.url}/admin/account`, { redirect: "manual", headers: { "hx-request": "true" } });
    expect([response.status, response.headers.get("hx-redirect")]).toEqual([401, "/admin/login?ended=1"]);
  });
});

describe("changes", () => {
  /** Every route of the admin that changes something, as the program lists them. */
  async function changes(rig: Rig): Promise<string[]> {
    const isChange = ({ method, path }: { method: string; path: string }) =>
      path.startsWith("/admin") && method !== "GET" && method !== "HEAD";
    const found = (await adminRoutes(rig)).filter(isChange);
    return found.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, "1")}`);
  }
  const OPEN = ["POST /admin/login", "POST /admin/login/code", "POST /admin/preferences"];

  test("need session, origin and token: each missing or wrong is refused, on every route", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const other = await signedIn(rig.url, await login(rig.url, ADMIN_PASSWORD));
    const form = "application/x-www-form-urlencoded";
    const base = { "content-type": form, cookie: me.cookie, origin: rig.url, "x-csrf-token": me.token };
    const without = (name: keyof typeof base) => Object.fromEntries(Object.entries(base).filter(([key]) => key !== name));
    const attempts: [name: string, headers: Record<string, string>, expected: number, body: string, openToo: boolean][] = [
      ["no session", without("cookie"), 401, "", false],
      ["a forged session", { ...base, cookie: "flow2api=a.b.c" }, 401, "", false],
      ["no origin", without("origin"), 403, "", true],
      ["another origin", { ...base, origin: "https://evil.example" }, 403, "", true],
      ["a hidden origin", { ...base, origin: "null" }, 403, "", true],
      ["another site by its own word", { ...base, "sec-fetch-site": "cross-site" }, 403, "", true],
      ["no token", without("x-csrf-token"), 403, "", false],
      [
        "no token in a form with files",
        { ...without("x-csrf-token"), "content-type": "multipart/form-data; boundary=x" },
        403,
        '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
        false,
      ],
      [
        "no token with JSON",
        { ...without("x-csrf-token"), "content-type": "application/json" },
        403,
        `{"form_token":"${me.token}"}`,
        false,
      ],
      ["no token and no type", { ...without("x-csrf-token"), "content-type": "" }, 403, "", false],
      ["another session's token", { ...base, "x-csrf-token": other.token }, 403, "", false],
      ["another session's token in the form", without("x-csrf-token"), 403, `form_token=${other.token}`, false],
    ];
    const routes = await changes(rig);
    expect(routes.length).toBeGreaterThan(8);
    expect(routes).toContain("POST /admin/account/password");
    const passed: string[] = [];
    for (const route of routes) {
      const [method, path] = route.split(" ") as [string, string];
      for (const [name, headers, expected, body, openToo] of attempts) {
        if (OPEN.includes(route) && !openToo) continue;
        const response = await fetch(`${rig.url}${path}`, { method, redirect: "manual", headers, body });
        if (response.status !== expected) passed.push(`${route} with ${name}: ${response.status}`);
      }
    }
    expect(passed).toEqual([]);
    expect((await me.get("/admin")).status).toBe(200);
  });

  test("are written down: what, to what, and not the secrets", async () => {
    await using rig = await startRig({ tokens: [] });
    const me = await signIn(rig);
    await me.post("/admin/welcome/key", { name: "<b>phone</b>" });
    await me.post("/admin/welcome/token", { provider: "gemini", secret: GEMINI.secret, label: "mine" });
    const entries = await rig.context.audit.list({ limit: 10 });
    expect(entries.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
      "token.add token 1",
      "key.create key 2",
      "session.open admin",
    ]);
    expect(JSON.stringify(entries)).not.toContain(GEMINI.secret);
    const page = await (await me.get("/admin/account")).text();
    expect(page).toContain("&lt;b>phone&lt;/b>");
  });
});

describe("answers", () => {
  test("carry the policy and its companions, whatever they are", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const asset = /\/admin\/assets\/[^"]+\.css/.exec(await (await me.get("/admin")).text())![0];
    for (const response of [
      await me.get("/admin"),
      await me.get(asset),
      await me.get("/admin/nothing"),
      await fetch(`${rig.url}/admin`, { redirect: "manual" }),
      await fetch(`${rig.url}/admin/logout`, { method: "POST" }),
    ]) {
      const { headers } = response;
      expect(headers.get("content-security-policy")).toStartWith("default-src 'none'; script-src 'self'; style-src 'self';");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("that are pages are stored by nobody; static files are stored for a year, at an address of their content", async () => {
    await using rig = await startRig();
    const me = await signIn(rig);
    const page = await me.get("/admin");
    expect(page.headers.get("cache-control")).toBe("no-store");
    const assets = [...(await page.text()).matchAll(/(?:href|src)="(\/admin\/assets\/[0-9a-f]{12}\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThan(4);
    for (const path of assets) {
      const response = await fetch(`${rig.url}${path}`);
      expect([response.status, response.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
      expect(response.headers.get("content-type")).toMatch(/^(text\/(css|javascript)|image\/svg)/);
    }
  });

  test("the front door and the addresses of python-flow2api lead to their pages", async () => {
    await using rig = await startRig();
    const playground = NAV.find(({ name }) => name === "playground")?.path ?? "/admin";
    for (const [path, to] of Object.entries({ "/": "/admin", "/manage": "/admin", "/login": "/admin", "/test": playground })) {
      const response = await fetch(`${rig.url}${path}`, { redirect: "manual" });
      expect([path, response.status, response.headers.get("location")]).toEqual([path, 302, to]);
    }
  });

  test("follow the reader's language and theme", async () => {
    await using rig = await startRig();
    const text = async (headers: Record<string, string>) => (await fetch(`${rig.url}/admin/login`, { headers })).text();
    expect(await text({ "accept-language": "zh-CN" })).toContain("管理员密码");
    expect(await text({ "accept-language": "zh-CN", cookie: "locale=en; theme=dark" })).toMatch(/data-theme="dark".*Admin password/s);
    const chosen = await fetch(`${rig.url}/admin/preferences`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: rig.url },
      body: new URLSearchParams({ locale: "zh", back: "https://evil.example" }),
    });
    expect([chosen.headers.get("location"), chosen.headers.get("set-cookie")]).toEqual([
      "/admin",
      "locale=zh; Path=/admin; Max-Age=31536000; SameSite=Lax",
    ]);
  });
});

describe("where the admin is", () => {
  test("only for the addresses of its list", async () => {
    await using rig = await startRig({ settings: { "admin.allow": ["10.0.0.0/8"], "server.trust_proxy": ["127.0.0.0/8"] } });
    const status = async (address: string) => (await fetch(`${rig.url}/admin/login`, { headers: { "x-forwarded-for": address } })).status;
    expect([await status("10.1.2.3"), await status("203.0.113.1")]).toEqual([200, 403]);
    expect((await rig.call("/v1/models")).status).toBe(200);
  });

  test("on an address of its own it is there alone, and not at the server's", async () => {
    const free = Bun.serve({ port: 0, fetch: () => new Response() });
    const port = free.port!;
    await free.stop(true);
    await using rig = await startRig({ settings: { "admin.port": port } });
    const own = `http://127.0.0.1:${port}`;
    const statuses = async (base: string, paths: string[]) =>
      Promise.all(paths.map(async (path) => (await fetch(base + path, { redirect: "manual" })).status));
    expect(await statuses(own, ["/admin/login", "/", "/v1/models", "/health"])).toEqual([200, 302, 404, 200]);
    expect(await statuses(rig.url, ["/admin/login", "/", "/health"])).toEqual([401, 401, 200]);
    expect((await rig.call("/admin/login")).status).toBe(404);
    await storePassword(rig.context.store, ADMIN_PASSWORD, false);
    const me = await signedIn(own, await login(own, ADMIN_PASSWORD));
    expect((await me.get("/admin")).status).toBe(200);
  });
});

describe("the first visit", () => {
  test("goes from the one-time password to an image, and the file that showed it is gone", async () => {
    await using rig = await startRig({ tokens: [] });
    const { store } = rig.context;
    await storePassword(store, "one-time-password", true);
    const reported = join(rig.folder, "first-start.txt");
    writeFileSync(reported, "secrets");
    const first = await signedIn(rig.url, await login(rig.url, "one-time-password"));

    // Until there is an own password, nothing else is open.
    for (const path of ["/admin", "/admin/account", "/admin/welcome/key"])
      expect((await first.get(path)).headers.get("location")).toBe("/admin/welcome");
    const page = await (await first.get("/admin/welcome/password")).text();
    const token = /name="form_token" value="([^"]+)"/.exec(page)![1]!;
    const set = (password: string, again = password) => first.post("/admin/welcome/password", { form_token: token, password, again });
    expect((await first.post("/admin/account/sessions/end-all", { form_token: token })).status).toBe(403);
    expect((await set("short")).status).toBe(422);
    expect((await set("long enough for it", "but not the same")).status).toBe(422);
    expect(existsSync(reported)).toBe(true);

    const done = await set("my very own password");
    expect([done.status, done.headers.get("location"), existsSync(reported)]).toEqual([303, "/admin/welcome/key", false]);
    expect((await first.get("/admin")).headers.get("location")).toStartWith("/admin/login");
    expect((await tryLogin(rig.url, "one-time-password")).status).toBe(401);
    const me = await signedIn(rig.url, done.headers.get("set-cookie")!.split(";")[0]!);

    const made = await (await me.post("/admin/welcome/key", { name: "phone" })).text();
    const key = /sk-f2a-[\w-]{43}/.exec(made)![0];
    expect((await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    expect(await (await me.get("/admin/welcome/key")).text()).not.toContain(key);

    const bad = await me.post("/admin/welcome/token", { provider: "gemini", secret: "bad-key" });
    expect([bad.status, (await store.listTokens()).length]).toEqual([422, 0]);
    const added = await me.post("/admin/welcome/token", { provider: "gemini", secret: GEMINI.secret });
    expect(added.headers.get("location")).toBe("/admin/welcome/picture");
    expect(await (await me.get("/admin/welcome/picture")).text()).toContain("gemini-1 is in the pool.");

    const picture = await me.htmx("/admin/welcome/picture", { prompt: "a fox" });
    const src = /<img src="(\/media\/[^"]+)"/.exec(await picture.text())![1]!;
    expect((await fetch(rig.url + src)).headers.get("content-type")).toStartWith("image/");
    expect((await me.get("/admin/welcome")).headers.get("location")).toBe("/admin");
  });
});
