// The admin's JSON API over HTTP: access by scope from the document, every resource, no secret in a response, errors that name the field.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SCOPES } from "../../src/domain/account.ts";
import { virtualClock } from "../../src/testing.ts";
import { GEMINI, KEY, type Rig, startRig } from "../rig.ts";
import { signIn } from "./admin.ts";
import { type AdminDocument, BASE, type Caller, callerOf, documentOf, tokenOf } from "./api.ts";

/** Passwords are compared slowly, by design. */
setDefaultTimeout(30_000);

let rig: Rig;
let call: Caller;
let document: AdminDocument;
beforeAll(async () => {
  rig = await startRig();
  call = await callerOf(rig);
  document = await documentOf(rig, await tokenOf(rig, "read"));
});
afterAll(() => rig[Symbol.asyncDispose]());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path: path.replaceAll(/\{\w+\}/g, "1"),
      scope: operation["x-scope"],
    })),
  );

const send = (method: string, path: string, headers: Record<string, string>) => fetch(rig.url + path, { method, headers });

describe("access", () => {
  test("each operation is refused without a token, with one that is none, and with less than its scope", async () => {
    const all = operations();
    expect(all.length).toBeGreaterThan(50);
    const tokens = { read: await tokenOf(rig, "read"), operate: await tokenOf(rig, "operate"), admin: await tokenOf(rig, "admin") };
    const wrong: string[] = [];
    for (const { method, path, scope } of all) {
      for (const authorization of ["", `Bearer ${KEY}`, "Bearer sk-f2a-admin-none", `Basic ${tokens.admin}`]) {
        const { status } = await send(method, path, { authorization });
        if (status !== 401) wrong.push(`${method} ${path} with ${authorization}: ${status}`);
      }
      for (const less of SCOPES.slice(0, SCOPES.indexOf(scope))) {
        const { status } = await send(method, path, { authorization: `Bearer ${tokens[less]}` });
        if (status !== 403) wrong.push(`${method} ${path} with scope ${less}: ${status}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("a token of scope read is refused every change, and reads all but people and tokens of the API", () => {
    const changes = operations().filter(({ method, scope }) => method !== "GET" && scope === "read");
    expect(changes).toEqual([]);
    const kept = operations().filter(({ method, scope }) => method === "GET" && scope !== "read");
    expect(kept.map(({ path }) => path.slice(BASE.length)).sort()).toEqual(["/accounts", "/admin-tokens", "/sessions"]);
    const ofAdmins = operations().filter(({ method, scope }) => method !== "GET" && scope === "admin");
    expect([...new Set(ofAdmins.map(({ path }) => path.slice(BASE.length).split("/")[1]))].sort()).toEqual([
      "accounts",
      "admin-tokens",
      "alerts",
      "backup",
      "backups",
      "models",
      "restore",
      "sessions",
      "settings",
    ]);
  });

  test("an admin token opens no page and nothing of the clients' APIs, and a session opens nothing here", async () => {
    const authorization = `Bearer ${await tokenOf(rig, "admin")}`;
    expect((await fetch(`${rig.url}/admin/keys`, { redirect: "manual", headers: { authorization } })).status).toBe(303);
    expect((await fetch(`${rig.url}/v1/models`, { headers: { authorization } })).status).toBe(401);
    const me = await signIn(rig);
    expect((await me.get(`${BASE}/tokens`)).status).toBe(401);
    // But for the description, which the page of the API links to.
    expect((await me.get(`${BASE}/openapi.json`)).status).toBe(200);
    expect((await send("GET", `${BASE}/openapi.json`, {})).status).toBe(401);
    expect((await send("GET", `${BASE}/nothing`, {})).status).toBe(401);
    expect((await send("GET", `${BASE}/nothing`, { authorization })).status).toBe(404);
    expect((await send("OPTIONS", `${BASE}/tokens`, { origin: "https://evil.example" })).status).toBe(401);
  });

  test("ends with the token: revoked, or over; and its last use is known", async () => {
    const made = await call("POST", "/admin-tokens", {
      name: "short",
      scope: "read",
      expires_at: new Date(Date.now() + 1500).toISOString(),
    });
    const authorization = `Bearer ${made.body.token}`;
    expect((await send("GET", `${BASE}/me`, { authorization })).status).toBe(200);
    await Bun.sleep(1600);
    expect((await send("GET", `${BASE}/me`, { authorization })).status).toBe(401);
    const { body } = await call("POST", "/admin-tokens", { name: "ci", scope: "operate" });
    expect(body).toMatchObject({ name: "ci", scope: "operate", created_by: "token admin bot", used_at: null });
    expect((await send("GET", `${BASE}/me`, { authorization: `Bearer ${body.token}` })).status).toBe(200);
    const listed = (await call("GET", "/admin-tokens")).body.data.find(({ id }: { id: number }) => id === body.id);
    expect([typeof listed.used_at, "token" in listed]).toEqual(["string", false]);
    expect((await call("DELETE", `/admin-tokens/${body.id}`)).status).toBe(200);
    expect((await send("GET", `${BASE}/me`, { authorization: `Bearer ${body.token}` })).status).toBe(401);
    expect((await call("DELETE", `/admin-tokens/${body.id}`)).status).toBe(404);
  });

  test("is for the admin's addresses only", async () => {
    await using other = await startRig({ settings: { "admin.allow": ["10.0.0.0/8"], "server.trust_proxy": ["127.0.0.0/8"] } });
    const authorization = `Bearer ${await tokenOf(other, "admin")}`;
    const status = async (address: string) =>
      (await fetch(`${other.url}${BASE}/me`, { headers: { authorization, "x-forwarded-for": address } })).status;
    expect([await status("10.1.2.3"), await status("203.0.113.1")]).toEqual([200, 403]);
  });
});

describe("the audit log", () => {
  test("names the token, and its address", async () => {
    await call("PATCH", "/tokens/1", { note: "by a program" });
    const [entry] = (await call("GET", "/audit?subject=token%201&limit=1")).body.data;
    expect(entry).toMatchObject({ actor: "token admin bot", action: "token.change", after: { note: "by a program" } });
    expect(entry.address).toContain("127.0.0.1");
    const pages = await call("GET", "/audit?limit=2");
    const next = await call("GET", `/audit?limit=2&cursor=${pages.body.next}`);
    expect(next.body.data[0].id).toBeLessThan(pages.body.data[1].id);
  });
});

describe("tokens", () => {
  test("are added, changed, checked, cleared, deleted and restored; their secret is written and never read", async () => {
    const secret = "api-project.key-of-the-api";
    const made = await call("POST", "/tokens", {
      provider: "gemini",
      secret,
      label: "by api",
      tags: ["x"],
      proxy: "http://u:pw-of-it@p.example:1",
    });
    expect([made.status, made.body.label, made.body.tags, made.body.proxy]).toEqual([
      201,
      "by api",
      ["x"],
      expect.not.stringContaining("pw-of-it"),
    ]);
    const path = `/tokens/${made.body.id}`;
    expect(await call("POST", "/tokens", { provider: "gemini", secret })).toMatchObject({
      status: 409,
      body: { error: { field: "secret" } },
    });
    const edited = await call("PATCH", path, { group: "g", caps: { usd_per_day: 3 }, proxy: null, weight: 2 });
    expect(edited.body).toMatchObject({
      group: "g",
      caps: { usd_per_day: 3, requests_per_day: null },
      proxy: null,
      weight: 2,
      tags: ["x"],
    });
    expect((await call("POST", `${path}/check`)).body).toMatchObject({ ok: true, failure: null });
    const replaced = await call("PUT", `${path}/secret`, { secret: "bad-key-of-the-api" });
    expect(replaced.body.ok).toBe(false);
    expect(replaced.body.token.health.state).toBe("blocked");
    expect((await call("POST", `${path}/clear`, {})).body.health.state).toBe("healthy");
    const deleted = await call("DELETE", path);
    expect([deleted.body.count, (await call("GET", path)).status]).toEqual([1, 404]);
    expect((await call("GET", "/tokens/deleted")).body.data.map(({ label }: { label: string }) => label)).toContain("by api");
    expect((await call("POST", `${path}/restore`)).body.label).toBe("by api");
    const again = await call("DELETE", path);
    expect((await call("POST", `/undo/${again.body.undo_id}`)).body).toMatchObject({ action: "token.delete", count: 1, skipped: 0 });
    expect((await call("GET", path)).status).toBe(200);
    expect((await call("POST", `/undo/${again.body.undo_id}`)).status).toBe(404);
  });

  test("come in pages and by filter, and many change at once", async () => {
    for (const name of ["m1", "m2", "m3"])
      await call("POST", "/tokens", { provider: "gemini", secret: `many-${name}.key-long-enough`, label: name, tags: ["many"] });
    const first = await call("GET", "/tokens?tag=many&limit=2");
    const second = await call("GET", `/tokens?tag=many&limit=2&cursor=${encodeURIComponent(first.body.next)}`);
    expect([...first.body.data, ...second.body.data].map(({ label }: { label: string }) => label)).toEqual(["m1", "m2", "m3"]);
    expect([first.body.total, second.body.next]).toEqual([3, null]);
    const edit = { add_tags: ["more"], group: "herd", caps: { requests_per_day: 9 } };
    expect((await call("POST", "/tokens/bulk", { action: "edit", filter: { tag: "many" }, edit })).body.count).toBe(3);
    const [one] = (await call("GET", "/tokens?group=herd")).body.data;
    expect(one).toMatchObject({ tags: ["many", "more"], caps: { requests_per_day: 9 } });
    expect(await call("POST", "/tokens/bulk", { action: "edit", ids: [1] })).toMatchObject({
      status: 400,
      body: { error: { field: "edit" } },
    });
    expect((await call("POST", "/tokens/bulk", { action: "delete", filter: { tag: "many" } })).body.count).toBe(3);
    expect((await call("GET", "/tokens?tag=many")).body.total).toBe(0);
  });

  test("of a provider are paused and resumed with one switch", async () => {
    expect((await call("POST", "/providers/gemini/pause")).body).toMatchObject({ name: "gemini", paused: true });
    expect((await call("GET", "/tokens/1")).body.health).toMatchObject({ state: "disabled", reason: "paused" });
    expect((await rig.chat()).status).toBe(503);
    expect((await call("POST", "/providers/gemini/resume")).body.paused).toBe(false);
    expect((await rig.chat()).status).toBe(200);
    expect((await call("POST", "/providers/nobody/pause")).status).toBe(404);
  });
});

describe("keys", () => {
  test("are made, used, limited, rotated, duplicated, deleted and restored; the key itself is sent once", async () => {
    const made = await call("POST", "/keys", { name: "phone", models: ["gemini-3.1-flash-image"], limits: { rpm: 7, usd: { month: 5 } } });
    expect(made.body).toMatchObject({ name: "phone", state: "usable", limits: { rpm: 7, usd: { day: null, month: 5, total: null } } });
    const status = async (key: string) => (await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect(await status(made.body.key)).toBe(200);
    const path = `/keys/${made.body.id}`;
    const edited = await call("PATCH", path, { limits: { usd: { day: 1 } }, expires_at: "2030-01-01T00:00:00Z" });
    expect(edited.body).toMatchObject({ limits: { rpm: 7, usd: { day: 1, month: 5 } }, expires_at: "2030-01-01T00:00:00.000Z" });
    const rotated = await call("POST", `${path}/rotate`, { hours: 1 });
    expect([await status(rotated.body.key), await status(made.body.key)]).toEqual([200, 200]);
    await call("POST", `${path}/rotate`, { hours: 0 });
    expect(await status(rotated.body.key)).toBe(403);
    const copy = await call("POST", `${path}/duplicate`, { name: "tablet" });
    expect(copy.body).toMatchObject({ name: "tablet", limits: { rpm: 7 } });
    const deleted = await call("DELETE", `/keys/${copy.body.id}`);
    expect([deleted.body.state, await status(copy.body.key)]).toEqual(["deleted", 401]);
    expect((await call("POST", `/keys/${copy.body.id}/restore`)).body.state).toBe("usable");
    expect(await status(copy.body.key)).toBe(200);
    const listed = await call("GET", "/keys?q=tab&state=all");
    expect(listed.body.data.map(({ name }: { name: string }) => name)).toEqual(["tablet"]);
    expect("key" in listed.body.data[0]).toBe(false);
  });

  test("are made once for an Idempotency-Key, and the repetition holds no key", async () => {
    const headers = { "idempotency-key": "make-one" };
    const [first, again] = [await call("POST", "/keys", { name: "once" }, headers), await call("POST", "/keys", { name: "once" }, headers)];
    expect([first.status, again.status, again.headers.get("idempotent-replayed")]).toEqual([201, 201, "true"]);
    expect([again.body.id, again.body.key, typeof first.body.key]).toEqual([first.body.id, null, "string"]);
    expect((await call("GET", "/keys?q=once")).body.data).toHaveLength(1);
    const other = await call("POST", "/keys", { name: "another" }, headers);
    expect(other).toMatchObject({ status: 409, body: { error: { field: "Idempotency-Key", reason: "idempotency_mismatch" } } });
    const both = await Promise.all([1, 2, 3].map(() => call("POST", "/keys", { name: "at once" }, { "idempotency-key": "at-once" })));
    expect((await call("GET", "/keys?q=at%20once")).body.data).toHaveLength(1);
    expect(both.every(({ status }) => status === 201 || status === 409)).toBe(true);
  });

  test("are rotated once for an Idempotency-Key", async () => {
    const { body: key } = await call("POST", "/keys", { name: "rotated once" });
    const headers = { "idempotency-key": "rotate-one" };
    const rotate = () => call("POST", `/keys/${key.id}/rotate`, { hours: 1 }, headers);
    const [first, again] = [await rotate(), await rotate()];
    expect([first.status, again.status, again.headers.get("idempotent-replayed")]).toEqual([200, 200, "true"]);
    expect([typeof first.body.key, again.body.key, again.body.prefix]).toEqual(["string", null, first.body.prefix]);
    expect((await call("GET", `/keys/${key.id}`)).body.prefix).toBe(first.body.prefix);
  });

  test("have a webhook whose URL is written and never read, and whose secret is sent once", async () => {
    const { body: key } = await call("POST", "/keys", { name: "told" });
    const path = `/keys/${key.id}/webhook`;
    expect((await call("GET", path)).body).toEqual({ webhook_host: null, has_secret: false });
    const webhook_url = "https://hooks.example.com:8443/in/a-secret-in-the-path";
    const first = await call("PUT", path, { webhook_url }, { "idempotency-key": "webhook-one" });
    const again = await call("PUT", path, { webhook_url }, { "idempotency-key": "webhook-one" });
    expect(first.body).toEqual({ webhook_host: "hooks.example.com:8443", secret: expect.stringMatching(/^whsec_/) });
    expect(again.body).toEqual({ webhook_host: "hooks.example.com:8443", secret: null });
    expect((await call("GET", path)).body).toEqual({ webhook_host: "hooks.example.com:8443", has_secret: true });
    const rotated = await call("POST", `${path}/secret`);
    expect(rotated.body.secret).toStartWith("whsec_");
    expect(rotated.body.secret).not.toBe(first.body.secret);
    expect((await call("PUT", path, { webhook_url: null })).body).toEqual({ webhook_host: null, secret: null });
    for (const wrong of ["no url", "ftp://hooks.example.com/x"])
      expect(await call("PUT", path, { webhook_url: wrong })).toMatchObject({ status: 400, body: { error: { field: "webhook_url" } } });
    expect(JSON.stringify((await call("GET", "/audit?limit=50")).body)).not.toContain("a-secret-in-the-path");
    await call("DELETE", `/keys/${key.id}`);
    expect(await call("PUT", path, { webhook_url })).toMatchObject({ status: 409, body: { error: { reason: "key_deleted" } } });
    expect((await call("GET", "/keys/99999/webhook")).status).toBe(404);
  });

  test("and tokens have a name that is not blank, without blanks around it", async () => {
    const { body: key } = await call("POST", "/keys", { name: " named " });
    expect(key.name).toBe("named");
    const blank = { status: 400, body: { error: { field: "name", reason: "invalid_value" } } };
    expect(await call("POST", "/keys", { name: " " })).toMatchObject(blank);
    expect(await call("PATCH", `/keys/${key.id}`, { name: " \t" })).toMatchObject(blank);
    expect(await call("POST", `/keys/${key.id}/duplicate`, { name: "  " })).toMatchObject(blank);
    expect((await call("PATCH", `/keys/${key.id}`, { name: " again " })).body.name).toBe("again");
    const [token] = (await call("GET", "/tokens")).body.data;
    expect(await call("PATCH", `/tokens/${token.id}`, { label: " " })).toMatchObject({ status: 400, body: { error: { field: "label" } } });
    expect((await call("GET", `/tokens/${token.id}`)).body.label).toBe(token.label);
  });
});

describe("jobs, requests and usage", () => {
  test("of an image are found by time, key, token and outcome, and summed", async () => {
    const { headers } = await rig.chat();
    const id = headers.get("x-request-id")!;
    await rig.context.requests.flush();
    const one = await call("GET", `/requests/${id}`);
    expect(one.body).toMatchObject({ id, outcome: "ok", reason: null, images: 1, payload: null });
    const [attempt] = one.body.attempts;
    const found = await call("GET", `/requests?token_id=${attempt.token_id}&outcome=ok&from=2020-01-01&limit=1`);
    expect([found.body.data[0].id, (await call("GET", "/requests?failed=true&q=nothing")).body.data]).toEqual([id, []]);
    expect((await call("GET", "/requests/req_nothing")).status).toBe(404);
    expect((await call("POST", `/requests/${id}/cancel`)).body).toEqual({ id, outcome: "over" });
    for (const by of ["day", "model", "key", "token"]) {
      const { body } = await call("GET", `/usage?by=${by}&span=today`);
      expect([by, body.total.images >= 1, body.data.length >= 1]).toEqual([by, true, true]);
    }
    expect(await call("GET", "/usage?by=key&key_id=1")).toMatchObject({ status: 400, body: { error: { field: "by" } } });
    expect(await call("GET", "/usage?from=yesterday")).toMatchObject({ status: 400, body: { error: { field: "from" } } });
  });

  test("of a video: the job is listed, cancelled, and made again", async () => {
    const made = await rig.call("/v1/videos", { json: { model: "gemini-omni-flash-preview", prompt: "a fox runs" } });
    expect(made.status).toBe(200);
    const { id } = (await made.json()) as { id: string };
    const one = await call("GET", `/jobs/${id}`);
    expect(one.body).toMatchObject({ id, kind: "video", prompt: "a fox runs" });
    expect((await call("GET", "/jobs?kind=video&state=open")).body.data.map((job: { id: string }) => job.id)).toContain(id);
    expect((await call("POST", `/jobs/${id}/decide`, { charged: true })).status).toBe(409);
    const cancelled = await call("POST", `/jobs/${id}/cancel`);
    expect(cancelled.body.state === "cancelled" || cancelled.body.cancel_asked).toBe(true);
    expect((await call("GET", "/jobs/video_nothing")).status).toBe(404);
  });
});

describe("settings", () => {
  test("are read with their origin, changed, refused by name, and undone", async () => {
    const before = await call("GET", "/settings");
    const of = (body: typeof before.body, key: string) => body.data.find((one: { key: string }) => one.key === key);
    expect(of(before.body, "pool.wait_ms")).toMatchObject({ value: 30_000, origin: "default", locked: null });
    expect(of(before.body, "server.port").locked).toBe("boot");
    const changed = await call("PATCH", "/settings", { values: { "pool.wait_ms": 5000 }, revision: before.body.revision });
    expect([of(changed.body, "pool.wait_ms").value, rig.context.settings.current().pool.wait_ms]).toEqual([5000, 5000]);
    expect((await call("PATCH", "/settings", { values: { "pool.wait_ms": 1 }, revision: before.body.revision })).status).toBe(409);
    for (const [values, field] of [
      [{ "pool.nothing": 1 }, "values.pool.nothing"],
      [{ "server.port": 1 }, "values.server.port"],
      [{ "pool.wait_ms": "soon" }, null],
    ] as const) {
      const wrong = await call("PATCH", "/settings", { values });
      expect([wrong.status, wrong.body.error.field]).toEqual([400, field ?? wrong.body.error.field]);
      expect(wrong.body.error.message).toContain(Object.keys(values)[0]!);
    }
    expect(of((await call("POST", "/settings/undo")).body, "pool.wait_ms").value).toBe(30_000);
    const token = "a connection token of 32 letters!";
    const secret = await call("PATCH", "/settings", { values: { "plugin.connection_token": token } });
    expect(of(secret.body, "plugin.connection_token")).toMatchObject({ secret: true, value: null, is_set: true });
    expect(JSON.stringify([secret.body, (await call("GET", "/audit")).body])).not.toContain(token);
    await call("PATCH", "/settings", { values: { "plugin.connection_token": null } });
  });
});

describe("backup and restore", () => {
  test("a backup is downloaded, uploaded again, waits, and is dropped", async () => {
    const backup = await call("POST", "/backup", { requests: true });
    expect([backup.status, backup.headers.get("content-type")]).toEqual([200, "application/x-tar"]);
    const staged = await call("POST", "/restore", new Blob([backup.body as Uint8Array<ArrayBuffer>]));
    expect([staged.status, staged.body.staged.holds.length > 0]).toEqual([200, true]);
    expect((await call("GET", "/restore")).body.staged.holds).toEqual(staged.body.staged.holds);
    expect((await call("POST", "/restore/now")).status).toBe(409);
    expect((await call("DELETE", "/restore")).body.staged).toBeNull();
    expect((await call("POST", "/restore", new Blob(["no backup"]))).status).toBe(400);
  });
});

describe("people", () => {
  test("are added once for an Idempotency-Key, changed, signed out and deleted", async () => {
    const headers = { "idempotency-key": "bea" };
    const made = await call("POST", "/accounts", { name: "bea", role: "viewer" }, headers);
    const again = await call("POST", "/accounts", { name: "bea", role: "viewer" }, headers);
    expect([made.status, typeof made.body.password, again.body.id, again.body.password]).toEqual([201, "string", made.body.id, null]);
    const path = `/accounts/${made.body.id}`;
    expect((await call("PATCH", path, { role: "operator" })).body.role).toBe("operator");
    expect(await call("POST", "/accounts", { name: "bea", role: "viewer" })).toMatchObject({
      status: 409,
      body: { error: { field: "name" } },
    });
    const [reset, repeated] = [
      await call("POST", `${path}/reset`, undefined, headers),
      await call("POST", `${path}/reset`, undefined, headers),
    ];
    // The key of another request.
    expect([reset.status, repeated.status]).toEqual([409, 409]);
    const once = () => call("POST", `${path}/reset`, undefined, { "idempotency-key": "reset-bea" });
    const [fresh, twice] = [await once(), await once()];
    expect(fresh.body.password).not.toBe(made.body.password);
    expect([typeof fresh.body.password, twice.body.password]).toEqual(["string", null]);
    expect((await call("POST", `${path}/sign-out`)).body).toEqual({ ended: 0 });
    await signIn(rig);
    const [session] = (await call("GET", "/sessions")).body.data;
    expect(session).toMatchObject({ account: "admin" });
    expect((await call("DELETE", `/sessions/${session.mark}`)).body).toEqual({ ended: 1 });
    expect((await call("DELETE", path)).status).toBe(200);
    expect((await call("PATCH", "/accounts/1", { role: "viewer" })).status).toBe(409);
  });
});

describe("errors", () => {
  test.each([
    ["POST", "/keys", {}, "name"],
    ["POST", "/keys", { name: "" }, "name"],
    ["POST", "/keys", { name: "x", limits: { rpm: -1 } }, "limits.rpm"],
    ["POST", "/keys", { name: "x", limits: { rmp: 1 } }, "limits.rmp"],
    ["POST", "/keys", { name: "x", models: ["gemini-3-pro-imag"] }, "models[0]"],
    ["POST", "/keys", { name: "x", addresses: ["here"] }, "addresses[0]"],
    ["POST", "/keys", { name: "x", expires_at: "soon" }, "expires_at"],
    ["POST", "/keys", { nmae: "x" }, "nmae"],
    ["POST", "/tokens", { provider: "openai", secret: "x" }, "provider"],
    ["POST", "/tokens", { provider: "gemini", secret: "sk-other-vendor" }, "secret"],
    ["PATCH", "/tokens/1", { proxy: "socks4://x" }, "proxy"],
    ["PATCH", "/tokens/1", { image_concurrency: 1001 }, "image_concurrency"],
    ["POST", "/accounts", { name: "a b", role: "viewer" }, "name"],
    ["POST", "/admin-tokens", { name: "x", scope: "all" }, "scope"],
    ["POST", "/admin-tokens", { name: "x", scope: "read", expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
  ])("%s %s %j names %s, and no secret", async (method, path, body, field) => {
    const { status, body: answer } = await call(method, path, body);
    expect([status, answer.error.type, answer.error.field]).toEqual([400, "invalid_request", field]);
    expect(answer.error.message).not.toContain("sk-other-vendor");
  });

  test.each(["/tokens?limit=0", "/tokens?limit=ten", "/requests?from=soon", "/jobs?state=done", "/keys?page=2", "/audit?cursor=x"])(
    "GET %s names the parameter",
    async (path) => {
      const { status, body } = await call("GET", path);
      expect([status, body.error.field]).toEqual([400, path.split("?")[1]!.split("=")[0]]);
    },
  );

  test("say what is wrong with a body that is no JSON", async () => {
    const authorization = `Bearer ${await tokenOf(rig, "admin")}`;
    const post = (body: string, type: string) =>
      fetch(`${rig.url}${BASE}/keys`, { method: "POST", headers: { authorization, "content-type": type }, body });
    expect([(await post("{", "application/json")).status, (await post("name=x", "application/x-www-form-urlencoded")).status]).toEqual([
      400, 415,
    ]);
  });
});

test("no response and no log line holds a secret", async () => {
  const clock = virtualClock(Date.now());
  await using other = await startRig({ clock });
  const admin = await callerOf(other);
  const { body: made } = await admin("POST", "/keys", { name: "k" });
  await admin("POST", "/tokens", {
    provider: "gemini",
    secret: "secret-project.of-a-token",
    proxy: "http://user:hidden-pw@p.example:8080",
  });
  const texts: string[] = [];
  const paths = Object.entries((await documentOf(other, await tokenOf(other, "admin"))).paths).filter(([, methods]) => "get" in methods);
  for (const [path] of paths) texts.push(JSON.stringify((await admin("GET", path.slice(BASE.length).replaceAll(/\{\w+\}/g, "1"))).body));
  const everything = [...texts, ...other.logged].join("\n");
  const tokens = (await other.context.store.listAdminTokens()).length;
  expect([paths.length > 15, tokens > 1]).toEqual([true, true]);
  for (const secret of [made.key, GEMINI.secret, "secret-project.of-a-token", "hidden-pw", KEY]) expect(everything).not.toContain(secret);
});
