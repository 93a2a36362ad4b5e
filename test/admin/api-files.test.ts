// The admin's JSON API over HTTP: exports, imports in two steps, models, scheduled backups. Responses are held against the document.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";
import { BASE, type Caller, callerOf, tokenOf } from "./api.ts";

setDefaultTimeout(30_000);

const ID = "gemini-nano-banana-3";
const PRO = "gemini-3-pro-image";
const TOML = `[[family]]
id = "${ID}"
kind = "image"
title = "Nano Banana 3"
[family.providers.gemini]
aspects = ["1:1", "16:9"]
price.per_image = { 1K = 0.05 }
`;

let rig: Rig;
let call: Caller;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], settings: { "requests.record_payloads": true } });
  call = await callerOf(rig);
  for (const colour of ["red", "=green"])
    expect((await rig.chat({ messages: [{ role: "user", content: `${colour} fox` }] })).status).toBe(200);
  await rig.context.requests.flush();
});
afterAll(() => rig[Symbol.asyncDispose]());

const audited = async (action: string) =>
  (await call("GET", "/audit?limit=200")).body.data.filter((row: { action: string }) => row.action === action);

/** Rows of a CSV as records. */
async function csv(path: string): Promise<{ name: string; rows: Record<string, string>[] }> {
  const { status, body, headers } = await call("GET", path);
  expect([path, status, headers.get("content-type"), headers.get("cache-control")]).toEqual([
    path,
    200,
    "text/csv; charset=utf-8",
    "no-store",
  ]);
  const [head, ...lines] = new TextDecoder("utf-8").decode(body).trimEnd().split("\r\n");
  const names = head!.split(",");
  const rows = lines.map((line) => Object.fromEntries(line.split(",").map((cell, index) => [names[index]!, cell])));
  return { name: /filename="([^"]+)"/.exec(headers.get("content-disposition")!)![1]!, rows };
}

describe("exports", () => {
  test("of requests are the whole log, narrowed as the list is, with nothing that a spreadsheet runs", async () => {
    const all = await csv("/requests/export");
    expect(all.name).toMatch(/^requests-\d{4}-\d\d-\d\d\.csv$/);
    expect(all.rows.map(({ outcome, prompt }) => [outcome, prompt])).toEqual([
      ["ok", "'=green fox"],
      ["ok", "red fox"],
    ]);
    expect((await csv("/requests/export?failed=true")).rows).toEqual([]);
    expect((await csv("/requests/export?q=red")).rows.map(({ prompt }) => prompt)).toEqual(["red fox"]);
    expect((await csv("/requests/export?key_id=99")).rows).toEqual([]);
    for (const [query, field] of [
      ["from=yesterday", "from"],
      ["cursor=x", "cursor"],
      ["kind=text", "kind"],
    ])
      expect(await call("GET", `/requests/export?${query}`)).toMatchObject({ status: 400, body: { error: { field } } });
  });

  test("of usage are sums by day, model, key and token, and rows for billing", async () => {
    const day = new Date(rig.context.clock.now()).toISOString().slice(0, 10);
    expect((await csv("/usage/export?span=today")).rows).toMatchObject([{ day, images: "2" }]);
    expect((await csv("/usage/export?span=today&by=key")).rows).toMatchObject([{ key: "demo", id: "1", images: "2" }]);
    const tokens = await csv("/usage/export?span=today&by=token");
    expect(tokens.name).toBe(`usage-by-token-${day}-${day}.csv`);
    expect(tokens.rows.map(({ token }) => token!).sort()).toEqual(["alpha", "beta"]);
    const billed = await csv("/usage/billing/export?span=today");
    expect(billed.rows).toMatchObject([{ day, key_id: "1", key: "demo", model: "gemini-3.1-flash-image", images: "2" }]);
    const page = (await call("GET", "/usage/billing?span=today&limit=1")).body;
    expect(page).toMatchObject({ data: [{ day, key_id: 1, key: "demo", model: "gemini-3.1-flash-image", images: 2 }], next: null });
    for (const [path, field] of [
      ["/usage/export?from=2026-13", "from"],
      ["/usage/export?by=token&key_id=1", "by"],
      ["/usage/billing?cursor=none", "cursor"],
      ["/usage/billing/export?to=2026-11-30", "from"],
      ["/usage/billing?token_id=1", "token_id"],
    ])
      expect(await call("GET", path!)).toMatchObject({ status: 400, body: { error: { field } } });
  });

  test("of billing come in pages", async () => {
    expect((await rig.chat({ model: PRO })).status).toBe(200);
    const first = (await call("GET", "/usage/billing?span=today&limit=1")).body;
    expect(first.next).toBeString();
    const rest = (await call("GET", `/usage/billing?span=today&limit=1&cursor=${first.next}`)).body;
    expect([first, rest].flatMap(({ data }) => data.map(({ model }: { model: string }) => model)).sort()).toEqual([
      PRO,
      "gemini-3.1-flash-image",
    ]);
    expect(rest.next).toBeNull();
  });

  test("of tokens hold no secret, and an import reads them", async () => {
    const { body, headers } = await call("GET", "/tokens/export?q=alpha");
    expect(headers.get("content-disposition")).toContain(".json");
    expect(body.tokens).toMatchObject([{ label: "alpha", provider: "gemini" }]);
    expect(JSON.stringify(body)).not.toContain(GEMINI.secret);
    const table = await csv("/tokens/export?format=csv");
    expect(table.rows.map(({ label }) => label)).toEqual(["alpha", "beta"]);
  });
});

describe("an import of tokens", () => {
  const text = "label,secret\ngamma,gamma-project.key-three\nagain,alpha-project.key-one\n,\n";

  test("shows what it would add, adds it once, and says what it did", async () => {
    const made = await call("POST", "/tokens/imports", { text, provider: "gemini", group: "eu" });
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({
        ...{ state: "ready", added: 1, done: 0 },
        known: [{ line: 3, reason: expect.any(String) }],
        fresh: [
          { line: 2, provider: "gemini", label: "gamma", group: "eu", identity: expect.any(String), secret_hint: expect.any(String) },
        ],
      }),
    ]);
    expect(JSON.stringify(made.body)).not.toContain("gamma-project.key-three");
    const { id } = made.body;
    expect((await call("GET", `/tokens/imports/${id}`)).body).toEqual(made.body);
    expect((await call("GET", "/tokens?q=gamma")).body.total).toBe(0);
    const started = await Promise.all([call("POST", `/tokens/imports/${id}/start`), call("POST", `/tokens/imports/${id}/start`)]);
    expect(started.map(({ status }) => status)).toEqual([202, 202]);
    let last = (await call("GET", `/tokens/imports/${id}`)).body;
    while (last.state === "running" || last.state === "ready") last = (await call("GET", `/tokens/imports/${id}`)).body;
    expect([last.state, last.added]).toEqual(["done", 1]);
    expect((await call("GET", "/tokens?q=gamma")).body.data).toMatchObject([{ label: "gamma", group: "eu" }]);
    expect(await audited("token.import")).toMatchObject([{ actor: "token admin bot", after: { added: 1, known: 1 } }]);
  });

  test("without a token in it is refused, and so is one that nobody has made", async () => {
    expect(await call("POST", "/tokens/imports", { text: "\n\n" })).toMatchObject({ status: 400, body: { error: { field: "text" } } });
    for (const [method, path] of [
      ["GET", "/tokens/imports/none"],
      ["POST", "/tokens/imports/none/start"],
    ] as const)
      expect((await call(method, path)).status).toBe(404);
  });
});

describe("models", () => {
  const one = async (id: string) => (await call("GET", `/models/${id}`)).body;

  test("are listed, switched off and on, and priced", async () => {
    const { data } = (await call("GET", "/models")).body;
    expect(data.map(({ id }: { id: string }) => id)).toContain(PRO);
    const before = await one(PRO);
    expect(before).toMatchObject({ kind: "image", enabled: true, changed: false, origin: "built-in" });
    expect(before.fields.map(({ path }: { path: string }) => path)).toContain("title");

    expect((await call("PATCH", `/models/${PRO}`, { enabled: false })).body).toMatchObject({ enabled: false, changed: true });
    expect((await rig.chat({ model: PRO })).status).toBe(404);
    const priced = (await call("PATCH", `/models/${PRO}`, { enabled: true, prices: { gemini: { "1K": 0.75 } } })).body;
    const ownOf = (model: typeof priced) =>
      model.providers
        .find(({ provider }: { provider: string }) => provider === "gemini")
        .prices.map(({ size, own_usd }: { size: string; own_usd: number }) => [size, own_usd]);
    expect(ownOf(priced)).toContainEqual(["1K", 0.75]);
    // What is absent stays; null goes back to the list.
    const second = (await call("PATCH", `/models/${PRO}`, { prices: { gemini: { "2K": 0.5 } } })).body;
    expect(ownOf(second)).toEqual(
      expect.arrayContaining([
        ["1K", 0.75],
        ["2K", 0.5],
      ]),
    );
    const third = (await call("PATCH", `/models/${PRO}`, { prices: { gemini: { "1K": null } } })).body;
    expect(ownOf(third)).toEqual(
      expect.arrayContaining([
        ["1K", null],
        ["2K", 0.5],
      ]),
    );
    await call("POST", "/settings/undo");
    expect(ownOf(await one(PRO))).toContainEqual(["1K", 0.75]);
    expect((await call("POST", `/models/${PRO}/reset`)).body).toEqual({ id: PRO, left: true });
    expect(await one(PRO)).toEqual(before);
    expect((await audited("settings.change")).length).toBeGreaterThan(3);
  });

  test("are imported from a models file, first as differences only, and refused by the place of what is wrong", async () => {
    const dry = await call("POST", "/models/import", { toml: TOML, dry_run: true });
    expect(dry.body).toMatchObject({ applied: false, differences: [{ id: ID, what: "family", change: "added" }] });
    expect((await call("GET", `/models/${ID}`)).status).toBe(404);
    expect((await call("POST", "/models/import", { toml: TOML })).body.applied).toBe(true);
    expect(await one(ID)).toMatchObject({ title: "Nano Banana 3", origin: "admin", changed: true });
    expect((await call("POST", "/models/import", { toml: TOML })).body).toEqual({ applied: false, differences: [] });
    const wrong = await call("POST", "/models/import", { toml: TOML.replace("aspects", "aspcts") });
    expect(wrong).toMatchObject({ status: 400, body: { error: { field: "toml" } } });
    expect(wrong.body.error.message).toContain('did you mean "aspects"?');
    expect((await call("POST", `/models/${ID}/reset`)).body).toEqual({ id: ID, left: false });
  });

  test("say which provider, size or price is none, and change nothing", async () => {
    for (const [body, field] of [
      [{ enabled: false, prices: { nobody: { "1K": 1 } } }, "prices.nobody"],
      [{ enabled: false, prices: { gemini: { "9K": 1 } } }, "prices.gemini.9K"],
      [{ prices: { gemini: { "1K": -1 } } }, "prices.gemini.1K"],
      [{ off: true }, "off"],
    ] as const)
      expect(await call("PATCH", `/models/${PRO}`, body)).toMatchObject({ status: 400, body: { error: { field } } });
    expect(await one(PRO)).toMatchObject({ enabled: true, changed: false });
    expect((await call("PATCH", "/models/none", { enabled: true })).status).toBe(404);
  });
});

test("a scheduled backup is made at once, and listed in its place; a download counts as one", async () => {
  const before = (await call("GET", "/backups")).body;
  expect(before).toMatchObject({ running: false, last: null, stored: [], made_at: null });
  const made = (await call("POST", "/backups/run")).body;
  expect(made).toMatchObject({ ok: true, error: null });
  const after = (await call("GET", "/backups")).body;
  expect(after).toMatchObject({ last: made, stored: [{ name: made.name, bytes: made.bytes }], made_at: made.at });
  expect(await audited("backup.run")).toHaveLength(1);
  expect((await call("POST", "/backup", {})).status).toBe(200);
  expect(Date.parse((await call("GET", "/backups")).body.made_at)).toBeGreaterThan(Date.parse(made.at));
});

test("what they need of a scope follows from the pages", async () => {
  const status = async (scope: "read" | "operate", method: string, path: string, body?: object) =>
    (
      await fetch(`${rig.url}${BASE}${path}`, {
        method,
        headers: { authorization: `Bearer ${await tokenOf(rig, scope)}`, "content-type": "application/json" },
        body: body && JSON.stringify(body),
      })
    ).status;
  for (const path of ["/requests/export", "/usage/export", "/usage/billing", "/tokens/export", "/models", "/backups"])
    expect([path, await status("read", "GET", path)]).toEqual([path, 200]);
  expect([await status("read", "POST", "/tokens/imports", {}), await status("operate", "POST", "/tokens/imports", {})]).toEqual([403, 400]);
  for (const [method, path] of [
    ["PATCH", `/models/${PRO}`],
    ["POST", "/models/import"],
    ["POST", "/backups/run"],
  ] as const)
    expect([path, await status("operate", method, path, {})]).toEqual([path, 403]);
});
