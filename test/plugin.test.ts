// The companion extension's protocol against the real server: who gets in, what is taken, what is answered, what is never stored.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FLOW, GEMINI, KEY, type Rig, type RigOptions, startRig } from "./rig.ts";

const TOKEN = "connection-token-0123456789-abcdef";
const EMAIL = "flow-session-pro-one@flow.example";
const OPEN: RigOptions["settings"] = { "plugin.connection_token": TOKEN };

type Answer = { status: number; body: Record<string, unknown>; headers: Headers };

async function post(rig: Rig, route: string, json: unknown, authorization: string | null = `Bearer ${TOKEN}`): Promise<Answer> {
  const headers: Record<string, string> = { "content-type": "application/json", ...(authorization === null ? {} : { authorization }) };
  const response = await fetch(`${rig.url}/api/plugin/${route}`, { method: "POST", headers, body: JSON.stringify(json) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown>, headers: response.headers };
}

const update = (rig: Rig, session: string, more: object = {}) => post(rig, "update-token", { session_token: session, ...more });
const check = async (rig: Rig, json: object = {}) => (await post(rig, "check-tokens", json)).body.tokens as Record<string, unknown>[];
const healthOf = (rig: Rig, id: number) => rig.context.pool.snapshot().find((token) => token.id === id)!.health;

/** Blocks the rig's first token as one whose session died. */
async function kill(rig: Rig): Promise<void> {
  await rig.context.refresher.checkNow(1).catch(() => {});
  expect(healthOf(rig, 1)).toMatchObject({ state: "blocked", reason: "session_dead" });
}

describe("the door", () => {
  test("is not there until a connection token is set: strangers and keys see what they see at any unknown path", async () => {
    await using rig = await startRig({ tokens: [FLOW] });
    for (const route of ["update-token", "check-tokens"]) {
      for (const authorization of [null, "Bearer ", "Bearer x", `Bearer ${KEY}`]) {
        const closed = await post(rig, route, {}, authorization);
        const unknown = await post(rig, "nothing-here", {}, authorization);
        const shape = ({ status, body }: Answer) => [status, JSON.stringify(body).replaceAll(/plugin\/[\w-]+/g, "plugin/…")];
        expect(shape(closed)).toEqual(shape(unknown));
        expect(closed.status).toBe(authorization?.includes(KEY) ? 404 : 401);
      }
    }
  });

  test.each([
    ["with the scheme", `Bearer ${TOKEN}`, 200],
    ["with the scheme in small letters", `bearer ${TOKEN}`, 200],
    ["raw", TOKEN, 200],
    ["nothing", null, 401],
    ["only the scheme", "Bearer", 401],
    ["another", "Bearer connection-token-0123456789-abcdeg", 401],
    ["its beginning", `Bearer ${TOKEN.slice(0, -1)}`, 401],
    ["a client's key", `Bearer ${KEY}`, 401],
  ] as const)("a connection token %s", async (_name, authorization, status) => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    const result = await post(rig, "check-tokens", {}, authorization);
    expect(result.status).toBe(status);
    if (status === 401) expect(result.body).toEqual({ detail: "Invalid connection token" });
  });

  test("the connection token opens nothing else", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    const response = await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(response.status).toBe(401);
  });

  test("ten wrong tokens of one address close it to wrong ones for a while, and no body is read", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    for (let round = 0; round < 10; round++) expect((await post(rig, "update-token", {}, `Bearer wrong-${round}`)).status).toBe(401);
    const { status, body, headers } = await post(rig, "update-token", { session_token: FLOW.secret }, "Bearer wrong-again");
    expect([status, Object.keys(body)]).toEqual([429, ["detail"]]);
    expect(Number(headers.get("retry-after"))).toBeWithin(1, 61);
    expect(rig.simulator.calls()).toEqual([]);
    expect((await update(rig, FLOW.secret)).status).toBe(200);
  });

  test("a preflight is answered 200 with CORS, counts as nothing, and answers to the extension carry CORS too", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    for (let round = 0; round < 25; round++) {
      const preflight = await fetch(`${rig.url}/api/plugin/${round % 2 ? "update-token" : "check-tokens"}`, {
        method: "OPTIONS",
        headers: {
          origin: "chrome-extension://abc",
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
      });
      expect(preflight.status).toBe(200);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
      expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
      expect(preflight.headers.get("access-control-allow-methods")).toContain("POST");
    }
    const refused = await post(rig, "update-token", {}, "Bearer wrong");
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([401, "*"]);
    const taken = await update(rig, FLOW.secret);
    expect([taken.status, taken.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
  });
});

describe("update-token", () => {
  test("adds the token of an account that the pool does not have, and it serves", async () => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    const { status, body } = await update(rig, FLOW.secret);
    expect([status, body]).toEqual([
      200,
      { success: true, message: `Token added for ${EMAIL}`, action: "added", auto_enabled: false, token_id: 1 },
    ]);
    const [row] = await rig.context.store.listTokens();
    expect(row).toMatchObject({
      provider: "flow",
      label: "flow-1",
      identity: EMAIL,
      tier: 1,
      credits: 1000,
      enabled: true,
      imageConcurrency: 4,
    });
    const entries = await rig.context.audit.list({ limit: 10 });
    expect(entries).toMatchObject([{ actor: "extension", action: "token.add", subject: "token 1", after: { label: "flow-1" } }]);
    while (rig.context.pool.snapshot().length === 0) await Bun.sleep(10);
    expect((await rig.chat()).status).toBe(200);
    expect(rig.simulator.calls().filter(({ operation }) => operation === "flow.session").length).toBe(1);
  });

  test("revives the account's dead token, and the new session is the one that is used", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    await rig.context.refresher.checkNow(1);
    rig.simulator.setFaults("flow.session=dead");
    await kill(rig);
    expect(await check(rig)).toMatchObject([{ id: 1, email: EMAIL, is_active: true, needs_refresh: true }]);
    rig.simulator.setFaults("");
    const { status, body } = await update(rig, `${FLOW.secret}~newer`);
    expect([status, body]).toEqual([
      200,
      { success: true, message: `Token updated for ${EMAIL}`, action: "updated", auto_enabled: false, token_id: 1 },
    ]);
    expect(healthOf(rig, 1).state).toBe("healthy");
    expect((await rig.context.store.readTokenSecret(1)).secret).toBe(`${FLOW.secret}~newer`);
    expect(await check(rig)).toMatchObject([{ needs_refresh: false, last_st_refresh_result: "success" }]);
    expect((await rig.chat()).status).toBe(200);
    expect((await rig.context.store.listTokens()).length).toBe(1);
  });

  test("stores the session that asking rotated, not the one that was handed in", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    await rig.context.refresher.checkNow(1);
    rig.simulator.setFaults("flow.session=rotate:once");
    await update(rig, `${FLOW.secret}~mine`);
    expect((await rig.context.store.readTokenSecret(1)).secret).toMatch(/^flow-session-pro-one~(?!mine)\w+$/);
  });

  test("never touches the token of another account", async () => {
    await using rig = await startRig({ tokens: [FLOW, GEMINI], settings: OPEN });
    await rig.context.refresher.checkNow(1);
    expect((await update(rig, "flow-session-ultra-two")).body).toMatchObject({ action: "added", token_id: 3 });
    expect((await rig.context.store.readTokenSecret(1)).secret).toBe(FLOW.secret);
    expect((await rig.context.store.listTokens()).map(({ identity }) => identity)).toEqual([
      EMAIL,
      null,
      "flow-session-ultra-two@flow.example",
    ]);
  });

  test("finds the token that has the very session and whose account is unknown", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    expect((await update(rig, FLOW.secret)).body).toMatchObject({ action: "updated", token_id: 1 });
    expect(await check(rig)).toMatchObject([{ email: EMAIL }]);
  });

  test("of an account's two tokens the one with that session gets it, else the one that is dead", async () => {
    const own = (label: string) => ({ ...FLOW, label, secret: `${FLOW.secret}~${label}`, identity: EMAIL });
    await using rig = await startRig({ tokens: [own("a"), own("b"), own("c")], settings: OPEN });
    const detail = { scope: "token", reason: "session_dead" } as const;
    rig.context.pool.reportOutcome(2, { ok: false, kind: "upstream_unauthorized", detail, charged: false });
    const target = async (session: string) => (await update(rig, session)).body.token_id;
    expect(await target(`${FLOW.secret}~c`)).toBe(3);
    expect(await target(`${FLOW.secret}~new`)).toBe(2);
    expect(healthOf(rig, 2).state).toBe("healthy");
    expect(await target(`${FLOW.secret}~newer`)).toBe(1);
  });

  test("the same new account handed in twice at once becomes one token", async () => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    const responses = await Promise.all([update(rig, `${FLOW.secret}~a`), update(rig, `${FLOW.secret}~b`)]);
    expect(responses.map(({ body }) => body.action)).toEqual(["added", "updated"]);
    expect((await rig.context.store.listTokens()).length).toBe(1);
  });

  test("gives a disabled token its session and leaves it disabled", async () => {
    await using rig = await startRig({ tokens: [{ ...FLOW, enabled: false, identity: EMAIL }], settings: OPEN });
    expect((await update(rig, `${FLOW.secret}~newer`)).body).toMatchObject({ action: "updated", auto_enabled: false });
    expect((await rig.context.store.listTokens())[0]).toMatchObject({ enabled: false, credits: 1000 });
    expect(await check(rig)).toMatchObject([{ is_active: false }]);
    expect((await rig.chat()).status).toBe(503);
  });

  test("does not end a block that a session does not disprove", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    rig.simulator.setFaults("flow.image=verification");
    await rig.chat();
    expect((await update(rig, `${FLOW.secret}~newer`)).status).toBe(200);
    expect(healthOf(rig, 1)).toMatchObject({ state: "blocked", reason: "verification" });
  });

  test.each([
    ["no session", {}, 400],
    ["an empty one", { session_token: "" }, 400],
    ["a blank one", { session_token: "  " }, 400],
    ["a number", { session_token: 7 }, 400],
    ["a dead one", { session_token: "dead-session" }, 400],
    ["one that cannot be a cookie", { session_token: "a;b c" }, 400],
  ])("%s: what is wrong is reported, and nothing changes", async (_name, json, status) => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    const result = await post(rig, "update-token", json);
    expect([result.status, Object.keys(result.body), typeof result.body.detail]).toEqual([status, ["detail"], "string"]);
    expect(await rig.context.store.listTokens()).toEqual([]);
  });

  test.each([
    ["no body", undefined],
    ["an empty body", ""],
    ["a list", "[]"],
    ["half a body", '{"session_token": "x'],
  ])("%s is 422 with a list of what is wrong, as python-flow2api's framework answers", async (_name, body) => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    const headers = { authorization: TOKEN, "content-type": "application/json" };
    const response = await fetch(`${rig.url}/api/plugin/update-token`, { method: "POST", headers, body });
    expect([response.status, await response.json()]).toEqual([
      422,
      { detail: [expect.objectContaining({ loc: ["body"], msg: expect.any(String), type: expect.any(String) })] },
    ]);
  });

  test("a session in its cookie is taken out of it", async () => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    expect((await update(rig, `__Secure-next-auth.session-token=${FLOW.secret}; Path=/`)).body).toMatchObject({ action: "added" });
    expect((await rig.context.store.readTokenSecret(1)).secret).toBe(FLOW.secret);
  });

  test("an account that was off in python-flow2api serves again with its session; one that is disabled here does not", async () => {
    const off = { token: { condition: { state: "blocked", reason: "imported_off", since: 1, until: null } } };
    await using rig = await startRig({ tokens: [{ ...FLOW, identity: EMAIL, health: off }], settings: OPEN });
    expect(healthOf(rig, 1)).toMatchObject({ state: "blocked", reason: "imported_off" });
    await rig.context.refresher.checkNow(1);
    expect(healthOf(rig, 1)).toMatchObject({ state: "blocked", reason: "imported_off" });
    expect(await check(rig)).toMatchObject([{ is_active: true, needs_refresh: true }]);
    expect((await update(rig, `${FLOW.secret}~newer`)).body).toEqual({
      success: true,
      message: `Token updated and auto-enabled for ${EMAIL}`,
      action: "updated",
      auto_enabled: true,
      token_id: 1,
    });
    expect((await rig.chat()).status).toBe(200);
  });

  test("an upstream that cannot be asked is a 500, so that the extension tries again; the old session stays", async () => {
    await using rig = await startRig({ tokens: [{ ...FLOW, identity: EMAIL }], settings: OPEN });
    rig.simulator.setFaults("flow.session=503");
    expect((await update(rig, `${FLOW.secret}~newer`)).status).toBe(500);
    expect((await rig.context.store.readTokenSecret(1)).secret).toBe(FLOW.secret);
  });

  test("cookies, logins and passwords that come along are neither stored nor logged, nor is a session", async () => {
    await using rig = await startRig({ tokens: [], settings: OPEN });
    const birds = { google_cookies: "SID=magpie-cookie", login_account: "magpie-login", login_password: "magpie-password" };
    const more = { ...birds, protocol_mode: "protocol", proxy_url: "http://magpie-proxy:1", auto_refresh_enabled: true };
    expect((await update(rig, FLOW.secret, more)).status).toBe(200);
    expect((await update(rig, "dead-magpie-session", more)).status).toBe(400);
    await rig.context.requests.flush();
    const kept = readdirSync(rig.folder).filter((name) => name.includes(".db"));
    expect(kept.length).toBeGreaterThan(1);
    const everything = [...kept.map((name) => readFileSync(join(rig.folder, name), "latin1")), ...rig.logged].join("\n");
    expect(everything.match(/magpie|session-pro-one(?!@)|connection-token/g)).toBeNull();
    expect(everything).toContain("Session received from the companion extension");
  });
});

describe("check-tokens", () => {
  const FIELDS = [
    "id",
    "email",
    "is_active",
    "needs_refresh",
    "at_expires",
    "last_used_at",
    "protocol_mode",
    "auto_refresh_enabled",
    "refresh_interval_minutes",
    "last_st_refresh_at",
    "last_st_refresh_result",
    "credits",
  ];

  test("lists the Flow tokens with python-flow2api's fields and honest values", async () => {
    await using rig = await startRig({ tokens: [GEMINI, FLOW], settings: OPEN });
    const [before] = await check(rig);
    expect(Object.keys(before!).toSorted()).toEqual(FIELDS.toSorted());
    expect(before).toMatchObject({
      id: 2,
      email: "",
      is_active: true,
      needs_refresh: false,
      at_expires: null,
      last_used_at: null,
      credits: null,
    });
    expect(before).toMatchObject({
      last_st_refresh_at: null,
      last_st_refresh_result: "",
      auto_refresh_enabled: false,
      refresh_interval_minutes: 30,
    });
    await rig.context.refresher.checkNow(2);
    const [after, ...others] = await check(rig);
    expect([after, others]).toMatchObject([
      { email: EMAIL, credits: 1000, last_st_refresh_result: "success", protocol_mode: "session" },
      [],
    ]);
    expect(Date.parse(after!.at_expires as string)).toBeGreaterThan(Date.now());
    expect(Date.parse(after!.last_st_refresh_at as string)).toBeLessThanOrEqual(Date.now());
    expect(JSON.stringify(after)).not.toMatch(/session-pro-one(?!@)|ya29/);
  });

  test("without a body all accounts are listed", async () => {
    await using rig = await startRig({ tokens: [FLOW], settings: OPEN });
    const response = await fetch(`${rig.url}/api/plugin/check-tokens`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}` } });
    expect([response.status, ((await response.json()) as { tokens: unknown[] }).tokens.length]).toEqual([200, 1]);
  });

  test("the filter takes accounts however they are written; an empty one takes all", async () => {
    await using rig = await startRig({
      tokens: [
        { ...FLOW, identity: "A@flow.example" },
        { ...FLOW, secret: "two", identity: "b@flow.example" },
      ],
      settings: OPEN,
    });
    const emails = async (json: object) => (await check(rig, json)).map(({ email }) => email);
    expect(await emails({ emails: [" a@FLOW.example "] })).toEqual(["A@flow.example"]);
    expect(await emails({ emails: ["nobody@flow.example"] })).toEqual([]);
    expect(await emails({ emails: [] })).toHaveLength(2);
    expect(await emails({ emails: null })).toHaveLength(2);
  });
});
