// token and key verbs on a real data folder, beside a server and alone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { call, failure, limited, testPool } from "../../test/pool.ts";
import { acquireFolder } from "../db/sqlite/lock.ts";
import { loadSecretKey } from "../db/sqlite/secrets.ts";
import { openStore } from "../db/sqlite/store.ts";
import { hashKey } from "../gateway/keys/keys.ts";
import type { PoolTokenView } from "../gateway/pool/snapshot.ts";
import { type Simulator, startSimulator } from "../simulator/simulator.ts";
import { temporaryFolder } from "../testing.ts";
import { runRecorded, type World } from "./testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const SECRET = "AIzaCanary-0123456789abcdefghijklmnop";

let folders = 0;
/** A command line on a data folder of its own. */
function fresh(world: Partial<World> = {}) {
  const data = join(folder.path, `data-${folders++}`);
  const cli = (...argv: string[]) => runRecorded({ cwd: folder.path, ...world }, ...argv, "--data", data);
  return { data, cli };
}

const storeOf = (data: string) => openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });

/** Every byte under a folder, as text. */
const contents = (path: string) =>
  readdirSync(path)
    .map((name) => readFileSync(join(path, name), "latin1"))
    .join("\n");

describe("token add", () => {
  test("prints the id alone on standard output and stores what was given", async () => {
    const { data, cli } = fresh();
    const options = ["--label", "mine", "--group", "project-1", "--image-concurrency", "-1", "--video-concurrency", "3"];
    expect(await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", SECRET, ...options)).toEqual({
      code: 0,
      out: "1\n",
      err: 'Added token 1, a Gemini API key named "mine" that ends in mnop. It was not checked.\n',
    });
    const store = await storeOf(data);
    const [token] = await store.listTokens();
    const { secret } = await store.readTokenSecret(1);
    await store.close();
    expect(secret).toBe(SECRET);
    expect(token).toMatchObject({ provider: "gemini", label: "mine", group: "project-1", imageConcurrency: -1, videoConcurrency: 3 });
  });

  test("labels by provider and number, and takes concurrency from the settings", async () => {
    const { data, cli } = fresh({ env: { FLOW2API_POOL_IMAGE_CONCURRENCY: "7" } });
    for (const secret of ["one", "two"]) await cli("token", "add", "--no-check", "--provider", "flow", "--secret", secret);
    const store = await storeOf(data);
    const tokens = await store.listTokens();
    await store.close();
    expect(tokens.map((token) => [token.label, token.imageConcurrency, token.videoConcurrency])).toEqual([
      ["flow-1", 7, 2],
      ["flow-2", 7, 2],
    ]);
  });

  test("reads the secret from standard input, without the line break", async () => {
    const { data, cli } = fresh({ stdin: `  ${SECRET}\r\n` });
    expect((await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", "-")).code).toBe(0);
    const store = await storeOf(data);
    const { secret } = await store.readTokenSecret(1);
    await store.close();
    expect(secret).toBe(SECRET);
  });

  test.each([
    ["two lines", `${SECRET}\n${SECRET}`],
    ["a control character", `${SECRET}\0x`],
    ["too much", SECRET.repeat(1000)],
  ])("refuses %s without quoting it or touching the folder", async (_name, stdin) => {
    const { data, cli } = fresh({ stdin });
    const { code, out, err } = await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", "-");
    expect([code, out]).toEqual([2, ""]);
    expect(err).not.toContain("Canary");
    expect(existsSync(data)).toBe(false);
  });

  test("the same secret again fails, and neither it nor the folder shows the secret", async () => {
    const { data, cli } = fresh();
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", SECRET);
    const { code, out, err } = await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", SECRET);
    expect([code, out]).toEqual([1, ""]);
    expect(err.split("\n")).toHaveLength(2);
    expect(err).not.toContain(SECRET);
    expect(contents(data)).not.toContain(SECRET);
  });
});

describe("token add asks the upstream first", () => {
  async function withUpstream(faults = "") {
    const simulator = await startSimulator({ faults });
    const env = {
      FLOW2API_GEMINI_BASE_URL: simulator.geminiBaseUrl,
      FLOW2API_FLOW_LABS_BASE_URL: simulator.flowLabsBaseUrl,
      FLOW2API_FLOW_API_BASE_URL: simulator.flowApiBaseUrl,
    };
    return { ...fresh({ env }), simulator };
  }

  const closing = (simulator: Simulator) => ({ [Symbol.asyncDispose]: () => simulator.stop() });

  test("a key that is taken is added, and what it can make is reported and stored", async () => {
    const { cli, data, simulator } = await withUpstream();
    await using _closing = closing(simulator);
    const { code, out, err } = await cli("token", "add", "--provider", "gemini", "--secret", "alpha-project.key-one");
    expect([code, out]).toEqual([0, "1\n"]);
    expect(err).toMatch(
      /^Added token 1, a Gemini API key named "gemini-1" that ends in -one\. Google takes it; it can make .*gemini-3-pro-image/,
    );
    const store = await storeOf(data);
    const [row] = await store.listTokens();
    await store.close();
    expect(row).toMatchObject({ checkedAt: expect.any(Number), families: expect.arrayContaining(["gemini-3-pro-image"]) });
  });

  test("a session in a pasted cookie is added under its account, which the list shows", async () => {
    const { cli, simulator } = await withUpstream();
    await using _closing = closing(simulator);
    const { err } = await cli(
      "token",
      "add",
      "--provider",
      "flow",
      "--secret",
      "__Secure-next-auth.session-token=flow-session-pro-one; x=y",
    );
    expect(err).toContain("Google Flow takes it, account flow-session-pro-one@flow.example; it can make");
    expect((await cli("token", "list")).out).toContain("flow-session-pro-one@flow.example");
  });

  test.each([
    ["gemini", "gemini.models=bad-key"],
    ["flow", "flow.session=dead"],
  ])("a secret that is refused is not added: exit 1 with the reason (%s)", async (provider, faults) => {
    const { cli, simulator } = await withUpstream(faults);
    await using _closing = closing(simulator);
    const { code, out, err } = await cli("token", "add", "--provider", provider, "--secret", "secret-canary-0123456789");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^Google( Flow)? refuses this token: .+\nNothing was added\. With --no-check it is added all the same\.\n$/);
    expect(err).not.toContain("canary");
    expect((await cli("token", "list")).out).toBe("");
  });

  test("an upstream that cannot be reached leaves the check to the server", async () => {
    const env = { FLOW2API_GEMINI_BASE_URL: "http://127.0.0.1:9" };
    const { code, out, err } = await fresh({ env }).cli("token", "add", "--provider", "gemini", "--secret", SECRET);
    expect([code, out]).toEqual([0, "1\n"]);
    expect(err).toContain("It could not be checked now (");
  });

  test.each(["gemini", "flow"])("what has not the form of a secret is not taken on trust (%s)", async (provider) => {
    const env = { FLOW2API_GEMINI_BASE_URL: "http://127.0.0.1:9", FLOW2API_FLOW_LABS_BASE_URL: "http://127.0.0.1:9" };
    const { cli } = fresh({ env });
    const { code, out, err } = await cli("token", "add", "--provider", provider, "--secret", "hello-canary");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^This has not the form of a .+, and it could not be checked now \(.+\)\.\nNothing was added\./);
    expect(err).not.toContain("canary");
    expect((await cli("token", "list")).out).toBe("");
  });

  test("a secret of the other provider is refused before anything is asked", async () => {
    const key = `AIzaSy${"Canary".repeat(6)}`.slice(0, 39);
    const { code, err } = await fresh().cli("token", "add", "--provider", "flow", "--secret", key);
    expect([code, err]).toEqual([2, expect.stringContaining("--secret: it is a Gemini key, not a Flow session.")]);
  });
});

describe("token list", () => {
  const { data, cli } = fresh();
  beforeAll(async () => {
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", SECRET, "--label", "bell\u0007");
    await cli("token", "add", "--no-check", "--provider", "flow", "--secret", "session-1", "--label", "second");
    await cli("token", "add", "--no-check", "--provider", "flow", "--secret", "session-2", "--label", "third");
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", `${SECRET}-4`, "--label", "fourth", "--group", "g");
    await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", `${SECRET}-5`, "--label", "fifth", "--group", "g");
    const store = await storeOf(data);
    await store.updateToken(2, { proxy: "http://me:canary@proxy.example:80" });
    await store.updateToken(3, { enabled: false });
    // What a running server saves when calls end so.
    const server = testPool(await store.listTokens());
    const on = (id: number, provider: string, family: string) => ({ pinned: id, providers: [provider], family });
    await call(server, limited("per_minute", { retryAfterMs: 30_000 }), on(1, "gemini", "gemini-3-pro-image"));
    await call(server, failure("upstream_verification", { scope: "token", reason: "verification" }), on(2, "flow", "imagen-4"));
    await call(server, limited("throttled", { detail: { scope: "group", reason: "throttled" } }), on(4, "gemini", "imagen-4"));
    await server.pool.close();
    await store.saveHealth([...server.saved].map(([id, health]) => ({ id, health })));
    await store.close();
  });

  test("a line each: id, provider, label, health with its reason and end", async () => {
    const { code, out } = await cli("token", "list");
    expect([code, out.split("\n")]).toEqual([
      0,
      [
        "1  gemini  bell·   …mnop  healthy, but gemini-3-pro-image cooling: per_minute until 2026-11-23T12:00:30Z",
        "2  flow    second  -      blocked: verification",
        "3  flow    third   -      disabled",
        "4  gemini  fourth  …op-4  cooling: throttled until 2026-11-23T12:01:00Z",
        "5  gemini  fifth   …op-5  cooling: throttled until 2026-11-23T12:01:00Z",
        "",
      ],
    ]);
  });

  test("--json holds the rows with their health, and no secret", async () => {
    const { out } = await cli("token", "list", "--json");
    const rows = JSON.parse(out) as { id: number; health: string; healthDetails: PoolTokenView["health"] }[];
    expect(rows.map((row) => [row.id, row.health, row.healthDetails.reason])).toEqual([
      [1, "healthy", null],
      [2, "blocked", "verification"],
      [3, "disabled", "operator"],
      [4, "cooling", "throttled"],
      [5, "cooling", "throttled"],
    ]);
    expect(rows[1]?.healthDetails.message).toStartWith("The upstream asks a person to verify.");
    for (const secret of [SECRET, "session-1", "canary"]) expect(out).not.toContain(secret);
  });

  test("an empty pool is an empty list", async () => {
    const empty = fresh();
    expect(await empty.cli("token", "list")).toEqual({ code: 0, out: "", err: "" });
    expect((await empty.cli("token", "list", "--json")).out).toBe("[]\n");
  });
});

describe("keys", () => {
  test("key create prints the key alone on standard output, and stores only its hash", async () => {
    const { data, cli } = fresh();
    const { code, out } = await cli("key", "create", "--name", "bob");
    expect(code).toBe(0);
    expect(out).toMatch(/^sk-f2a-[\w-]{43}\n$/);
    const key = out.trim();
    const store = await storeOf(data);
    const [row] = await store.listKeyHashes();
    await store.close();
    expect(Buffer.from(row!.hash)).toEqual(Buffer.from(hashKey(key)));
    expect(contents(data)).not.toContain(key);
  });

  test("key list shows the first characters only, and key revoke ends a key", async () => {
    const { cli } = fresh();
    const key = (await cli("key", "create", "--name", "bob")).out.trim();
    const before = await cli("key", "list");
    expect(before.out).toBe(`1  ${key.slice(0, 11)}…  bob  active\n`);
    expect(await cli("key", "revoke", "1")).toEqual({ code: 0, out: "Key 1 is revoked.\n", err: "" });
    expect((await cli("key", "list")).out).toBe(`1  ${key.slice(0, 11)}…  bob  revoked\n`);
    expect((await cli("key", "list", "--json")).out).not.toContain(key.slice(0, 12));
  });

  test("revoking twice keeps the first time; an unknown id fails", async () => {
    const { data, cli } = fresh();
    await cli("key", "create", "--name", "bob");
    await cli("key", "revoke", "1");
    const store = await storeOf(data);
    await store.updateKey(1, { revokedAt: 5 });
    expect((await cli("key", "revoke", "1")).code).toBe(0);
    expect((await store.listKeys())[0]?.revokedAt).toBe(5);
    await store.close();
    expect(await cli("key", "revoke", "2")).toEqual({ code: 1, out: "", err: "There is no key 2.\n" });
  });
});

describe("beside a running server", () => {
  test("verbs work on a folder that somebody owns", async () => {
    const { data, cli } = fresh();
    await cli("key", "create", "--name", "first");
    using _owner = acquireFolder(data);
    expect((await cli("token", "add", "--no-check", "--provider", "gemini", "--secret", SECRET)).out).toBe("1\n");
    expect((await cli("key", "create", "--name", "second")).code).toBe(0);
    expect((await cli("token", "list")).out).toContain("gemini-1");
  });

  test("but never migrate it", async () => {
    const { data, cli } = fresh();
    using _owner = acquireFolder(data);
    const { code, err } = await cli("key", "list");
    expect(code).toBe(1);
    expect(err).toContain("schema version 0");
  });
});

test("a wrong secret key is reported in one line", async () => {
  const { cli } = fresh({ env: { FLOW2API_SECRET_KEY: "canary" } });
  const { code, out, err } = await cli("key", "create", "--name", "bob");
  expect([code, out, err.split("\n").length]).toEqual([1, "", 2]);
  expect(err).toStartWith("FLOW2API_SECRET_KEY: expected 32 bytes in base64");
  expect(err).not.toContain("canary");
});
