// The admin's JSON API over HTTP: media items; alert rules, incidents and channels. Every response is held against the document.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SECRETS, type StandIns, startStandIns } from "../alert-stand-ins.ts";
import { type Rig, startRig } from "../rig.ts";
import { BASE, type Caller, callerOf, tokenOf } from "./api.ts";

setDefaultTimeout(30_000);

let rig: Rig;
let far: StandIns;
let call: Caller;
beforeAll(async () => {
  far = startStandIns();
  rig = await startRig({ settings: { "alerts.allow_private_hosts": ["127.0.0.1"], "requests.record_payloads": true } });
  call = await callerOf(rig);
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
});

const audited = async (action: string) =>
  (await call("GET", "/audit?limit=200")).body.data.filter((row: { action: string }) => row.action === action);

describe("media", () => {
  test("are listed in pages with their prompts, by what the gallery filters by, shown, downloaded and deleted", async () => {
    for (const colour of ["red", "green", "blue"])
      expect((await rig.chat({ messages: [{ role: "user", content: `a ${colour} fox` }] })).status).toBe(200);
    const first = (await call("GET", "/media?limit=2")).body;
    expect(first.data).toHaveLength(2);
    const rest = (await call("GET", `/media?limit=2&cursor=${first.next}`)).body;
    expect([rest.data.length, rest.next]).toEqual([1, null]);
    expect([...first.data, ...rest.data].map(({ prompt }: { prompt: string }) => prompt)).toEqual([
      "a blue fox",
      "a green fox",
      "a red fox",
    ]);
    const count = async (query: string) => (await call("GET", `/media?${query}`)).body.data.length;
    expect([await count("kind=video"), await count("kind=image&key_id=1"), await count("key_id=99"), await count("origin=input")]).toEqual([
      0, 3, 0, 0,
    ]);
    expect([await count("q=fox%20green"), await count("from=2000-01-01&to=2000-01-02")]).toEqual([1, 0]);
    for (const [query, field] of [
      ["cursor=none", "cursor"],
      ["from=yesterday", "from"],
      ["pinned=true", "pinned"],
    ])
      expect(await call("GET", `/media?${query}`)).toMatchObject({ status: 400, body: { error: { field } } });

    const [item] = first.data;
    const shown = (await call("GET", `/media/${item.id}`)).body;
    expect(shown).toEqual({ ...item, job_id: null });
    const file = await call("GET", `/media/${item.id}/file`);
    expect([file.status, file.body.byteLength, file.headers.get("content-type")]).toEqual([200, item.bytes, item.mime]);
    expect(file.headers.get("content-disposition")).toStartWith("attachment");
    expect((await call("GET", `/media/${item.id}/file`, undefined, { range: "bytes=0-9" })).body.byteLength).toBe(10);

    expect((await call("DELETE", `/media/${item.id}`)).body).toEqual({ deleted: true });
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/file"],
      ["DELETE", ""],
    ] as const)
      expect((await call(method, `/media/${item.id}${path}`)).status).toBe(404);
    const ids = [...first.data, ...rest.data].map(({ id }: { id: string }) => id);
    expect((await call("POST", "/media/delete", { ids: [...ids, "none", ids[1]] })).body).toEqual({ deleted: 2 });
    expect(await count("limit=9")).toBe(0);
    expect((await audited("media.delete")).map(({ items, subject }: { items: number; subject: string }) => [items, subject])).toEqual([
      [2, "2 media"],
      [0, `media ${item.id}`],
    ]);
  });

  test("are read with scope read and deleted with operate", async () => {
    const status = async (scope: "read" | "operate", method: string, path: string) =>
      (await fetch(`${rig.url}${BASE}${path}`, { method, headers: { authorization: `Bearer ${await tokenOf(rig, scope)}` } })).status;
    expect([await status("read", "GET", "/media"), await status("read", "DELETE", "/media/none")]).toEqual([200, 403]);
    expect([await status("operate", "DELETE", "/media/none"), await status("operate", "POST", "/alerts/channels")]).toEqual([404, 403]);
  });
});

describe("alerts", () => {
  test("rules are listed and switched; their thresholds are settings", async () => {
    const rules = async () =>
      Object.fromEntries((await call("GET", "/alerts/rules")).body.data.map((one: { name: string; on: boolean }) => [one.name, one.on]));
    expect(Object.values(await rules()).every(Boolean)).toBe(true);
    expect((await call("PATCH", "/alerts/rules/errors", { on: false })).body).toEqual({ name: "errors", on: false, open: 0 });
    expect((await call("PATCH", "/alerts/rules/errors", { on: false })).status).toBe(200);
    expect(await rules()).toMatchObject({ errors: false, disk: true });
    expect((await call("PATCH", "/alerts/rules/errors", { on: true })).body.on).toBe(true);
    expect((await call("PATCH", "/alerts/rules/none", { on: true })).status).toBe(404);
    expect((await call("PATCH", "/settings", { values: { "alerts.error_percent": 25 } })).status).toBe(200);
    expect(rig.context.settings.current().alerts).toMatchObject({ error_percent: 25, rules_off: [] });
  });

  test("incidents are listed in pages", async () => {
    const { store } = rig.context;
    const incident = (id: string, endedAt: number | null) => ({
      ...{ id, rule: "disk", subject: `disk ${id}`, beganAt: 1_700_000_000_000, endedAt, settled: endedAt !== null },
      state: { facts: { kind: "disk", freeBytes: 5, stops: false }, level: 1, urgent: true },
    });
    await store.saveIncidents(
      ["i1", "i2", "i3"].map((id) => incident(id, 1_700_000_060_000)),
      [],
    );
    const first = (await call("GET", "/alerts/incidents?limit=2")).body;
    expect(first.data.map(({ id }: { id: string }) => id)).toEqual(["i3", "i2"]);
    const rest = (await call("GET", `/alerts/incidents?limit=2&cursor=${first.next}`)).body;
    expect(rest.data[0]).toEqual({
      ...{ id: "i1", rule: "disk", subject: "disk i1", level: 1, urgent: true },
      ...{ began_at: "2023-11-14T22:13:20.000Z", ended_at: "2023-11-14T22:14:20.000Z" },
      facts: { kind: "disk", freeBytes: 5, stops: false },
    });
    expect(rest.next).toBeNull();
    expect(
      (await call("GET", "/alerts/incidents?open=true")).body.data.every(({ ended_at }: { ended_at: null }) => ended_at === null),
    ).toBe(true);
  });

  test("channels are added once, changed with their secret left as it is, tested and deleted; secrets are never read", async () => {
    const config = far.config("telegram");
    const headers = { "idempotency-key": "ops" };
    const body = { kind: "telegram", name: " ops ", config, rules: ["errors"] };
    const [made, again] = [await call("POST", "/alerts/channels", body, headers), await call("POST", "/alerts/channels", body, headers)];
    expect([made.status, again.body.id, made.body.name, made.body.enabled]).toEqual([201, made.body.id, "ops", true]);
    expect(made.body.config.chat).toBe(config.chat);
    const path = `/alerts/channels/${made.body.id}`;
    expect((await call("POST", `${path}/test`)).body).toEqual({ sent: true, said: null });
    const changed = await call("PATCH", path, { enabled: false, config: { chat: "-42" } });
    expect(changed.body).toMatchObject({ name: "ops", enabled: false, rules: ["errors"], config: { chat: "-42" } });
    expect((await rig.context.store.listChannels())[0]!.config).toMatchObject({ token: config.token, chat: "-42" });
    expect((await call("GET", "/alerts/channels")).body.data).toHaveLength(1);
    expect(JSON.stringify([made.body, changed.body, (await call("GET", path)).body, await audited("alert_channel.edit")])).not.toContain(
      SECRETS.telegram,
    );
    expect((await call("DELETE", path)).body).toEqual({ deleted: true });
    for (const method of ["GET", "DELETE"]) expect((await call(method, path)).status).toBe(404);
  });

  test.each([
    ["config.url", { kind: "slack", name: "x", config: { url: "ftp://x" } }],
    ["config.url", { kind: "slack", name: "x", config: {} }],
    ["config.chat", { kind: "slack", name: "x", config: { url: "https://example.com/hook", chat: "1" } }],
    ["config.minutes", { kind: "ping", name: "x", config: { url: "https://example.com/ping", minutes: "often" } }],
    ["name", { kind: "slack", name: " ", config: { url: "https://example.com/hook" } }],
    ["config.password", { kind: "slack", name: "x", config: { password: "1" } }],
  ])("a mistake names its field: %s", async (field, body) => {
    expect(await call("POST", "/alerts/channels", body)).toMatchObject({ status: 400, body: { error: { field } } });
    expect((await call("GET", "/alerts/channels")).body.data).toEqual([]);
  });
});
