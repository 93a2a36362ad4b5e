// flow2api import on made-up data of python-flow2api.
import { Database } from "bun:sqlite";
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadSecretKey } from "../../db/sqlite/secrets.ts";
import { openStore } from "../../db/sqlite/store.ts";
import { hashKey } from "../../gateway/keys/keys.ts";
import { temporaryFolder } from "../../testing.ts";
import { runRecorded } from "../testing.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** Columns of python-flow2api's database that matter here, in its order. */
const SCHEMA = `
CREATE TABLE tokens (id INTEGER PRIMARY KEY AUTOINCREMENT, st TEXT UNIQUE NOT NULL, at TEXT, at_expires TIMESTAMP, email TEXT, name TEXT,
  remark TEXT, is_active BOOLEAN DEFAULT 1, credits INTEGER DEFAULT 0, user_paygate_tier TEXT, current_project_id TEXT,
  current_project_name TEXT, image_enabled BOOLEAN DEFAULT 1, video_enabled BOOLEAN DEFAULT 1, image_concurrency INTEGER DEFAULT -1,
  video_concurrency INTEGER DEFAULT -1, captcha_proxy_url TEXT, extension_route_key TEXT, protocol_mode TEXT DEFAULT 'session',
  google_cookies TEXT, login_account TEXT, login_password TEXT, proxy_url TEXT, ban_reason TEXT, banned_at TIMESTAMP);
CREATE TABLE projects (id INTEGER PRIMARY KEY, project_id TEXT UNIQUE, token_id INTEGER, project_name TEXT);
CREATE TABLE tasks (id INTEGER PRIMARY KEY, task_id TEXT);
CREATE TABLE request_logs (id INTEGER PRIMARY KEY, request_body TEXT);
CREATE TABLE admin_config (id INTEGER PRIMARY KEY, username TEXT, password TEXT, api_key TEXT, error_ban_threshold INTEGER);
CREATE TABLE proxy_config (id INTEGER PRIMARY KEY, enabled BOOLEAN, proxy_url TEXT, media_proxy_enabled BOOLEAN, media_proxy_url TEXT);
CREATE TABLE generation_config (id INTEGER PRIMARY KEY, image_timeout INTEGER, video_timeout INTEGER, max_retries INTEGER);
CREATE TABLE call_logic_config (id INTEGER PRIMARY KEY, call_mode TEXT, polling_mode_enabled BOOLEAN);
CREATE TABLE cache_config (id INTEGER PRIMARY KEY, cache_enabled BOOLEAN, cache_timeout INTEGER, cache_base_url TEXT);
CREATE TABLE plugin_config (id INTEGER PRIMARY KEY, connection_token TEXT, auto_enable_on_update BOOLEAN);`;

const API_KEY = "key-canary-of-our-clients";
const CONNECTION = "connection-canary-0123456789-0123456789";
const st = (name: string) => `session-canary-${name}`;

type Row = Record<string, string | number | null>;

const TOKENS: Row[] = [
  {
    st: st("one"),
    at: "ya29.canary",
    email: "one@example.com",
    remark: "mine",
    current_project_id: "project-1",
    image_concurrency: 3,
    video_enabled: 0,
    google_cookies: "SID=canary",
    login_account: "canary@example.com",
    login_password: "canary-password",
    // The access token ended an hour ago; its session may well live.
    at_expires: "2026-11-23 11:00:00",
  },
  { st: st("two"), email: "two@example.com", is_active: 0, proxy_url: "10.0.0.1:3128:me:canary" },
  { st: st("three"), ban_reason: "429_rate_limit", proxy_url: "http://other.example:8080" },
  { st: st("four"), at_expires: "2026-09-01T00:00:00+00:00" },
  { st: st("five"), proxy_url: "socks4://me:canary@10.0.0.1:1080" },
  { st: "canary with blanks" },
];

function makeOriginal({ config = {}, toml }: { config?: Record<string, Row>; toml?: string } = {}): string {
  const path = join(folder.path, `original-${readdirSync(folder.path).length}`);
  mkdirSync(join(path, "data"), { recursive: true });
  mkdirSync(join(path, "config"));
  if (toml !== undefined) writeFileSync(join(path, "config", "setting.toml"), toml);
  const db = new Database(join(path, "data", "flow.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run(SCHEMA);
  const insert = (table: string, row: Row) => {
    const names = Object.keys(row);
    db.query(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`).run(...Object.values(row));
  };
  for (const row of TOKENS) insert("tokens", row);
  for (const number of [1, 2, 3]) insert("projects", { project_id: `project-${number}`, token_id: 1 });
  insert("tasks", { task_id: "t" });
  for (const [table, row] of Object.entries(config)) insert(table, row);
  db.close();
  return path;
}

const FULL = {
  admin_config: { username: "admin", password: "canary-password", api_key: API_KEY, error_ban_threshold: 5 },
  proxy_config: { enabled: 1, proxy_url: "http://shared.example:3128", media_proxy_enabled: 1, media_proxy_url: "http://m.example:1" },
  generation_config: { image_timeout: 120, video_timeout: 999_999, max_retries: 3 },
  call_logic_config: { call_mode: "polling", polling_mode_enabled: 1 },
  cache_config: { cache_enabled: 1, cache_timeout: 0, cache_base_url: "https://pictures.example/" },
  plugin_config: { connection_token: CONNECTION, auto_enable_on_update: 1 },
};
const TOML = `[global]\napi_key = "toml-canary-key-of-our-clients"\n[server]\nhost = "0.0.0.0"\nport = 38000\n[generation]\nimage_timeout = 60\nupsample_timeout = 300\n[captcha]\nsolver = "canary"\n`;

let folders = 0;
function fresh() {
  const data = join(folder.path, `data-${folders++}`);
  return { data, cli: (...argv: string[]) => runRecorded({ cwd: folder.path }, ...argv, "--data", data) };
}

async function contentsOf(data: string) {
  const store = await openStore({ dataDir: data, secretKey: loadSecretKey(data, {}) });
  try {
    const rows = await store.listTokens();
    const tokens = await Promise.all(rows.map(async (row) => ({ ...row, ...(await store.readTokenSecret(row.id)) })));
    // What the admin's undo would put back.
    const { last_change: _, ...settings } = await store.readSettings();
    const trail = (await store.listAudit({ limit: 100 })).reverse();
    return { tokens, settings, trail, keys: await store.listKeys(), hashes: await store.listKeyHashes() };
  } finally {
    await store.close();
  }
}

describe("a folder of python-flow2api", () => {
  test("gives its accounts with switches, limits, proxies and projects; what python-flow2api took out of service comes in with the reason", async () => {
    const { data, cli } = fresh();
    const { code, out } = await cli("import", makeOriginal({ config: FULL }));
    expect(code).toBe(0);
    expect(out).toContain('taken  5 accounts, 1 of them disabled, 3 that cannot serve yet ("flow2api token list" says why)\n');
    expect(out).toContain("taken  the shared proxy http://shared.example:3128, for 2 accounts\n");
    expect(out).toContain("left  proxies that cannot be used here (SOCKS4, or no address; the account comes in disabled) of 1 account\n");
    expect(out).toContain("left  account 6: the session has white space or control characters inside\n");
    const { tokens } = await contentsOf(data);
    const [one, two, three, four, five] = tokens;
    expect(one).toMatchObject({
      provider: "flow",
      label: "flow-1",
      secret: st("one"),
      identity: "one@example.com",
      note: "mine",
      enabled: true,
      imageEnabled: true,
      videoEnabled: false,
      imageConcurrency: 3,
      videoConcurrency: -1,
      proxy: "http://shared.example:3128",
      state: { project: { id: "project-1", owner: "one@example.com" } },
    });
    const off = { proxy: "http://me:canary@10.0.0.1:3128", note: "was disabled in the original", state: {} };
    expect(two).toMatchObject({ enabled: true, ...off, health: { token: { condition: { state: "blocked", reason: "imported_off" } } } });
    expect(three).toMatchObject({ enabled: true, proxy: "http://other.example:8080", note: "was banned by the original: 429_rate_limit" });
    expect(three!.health).toMatchObject({ token: { condition: { state: "cooling", reason: "account_quota" } } });
    expect(four).toMatchObject({ enabled: true, note: "its session had expired in the original" });
    expect(four!.health).toMatchObject({ token: { condition: { state: "blocked", reason: "session_dead" } } });
    // Without its proxy it would call from an address that its owner never meant.
    expect(five).toMatchObject({ enabled: false, proxy: null });
  });

  test("an account that a person disabled stays disabled where python-flow2api would not have enabled it either", async () => {
    const { data, cli } = fresh();
    await cli("import", makeOriginal({ config: { ...FULL, plugin_config: { connection_token: CONNECTION, auto_enable_on_update: 0 } } }));
    expect((await contentsOf(data)).tokens[1]).toMatchObject({ enabled: false, health: null });
  });

  test("0 calls at once is no limit, as python-flow2api means it", async () => {
    const { data, cli } = fresh();
    const original = makeOriginal();
    using db = new Database(join(original, "data", "flow.db"));
    db.run("UPDATE tokens SET image_concurrency = 0, video_concurrency = 0");
    await cli("import", original);
    expect((await contentsOf(data)).tokens.every((row) => row.imageConcurrency === -1 && row.videoConcurrency === -1)).toBe(true);
  });

  test("a shared proxy that cannot be used leaves the accounts that need it disabled, and is reported", async () => {
    const { data, cli } = fresh();
    const proxies = { enabled: 1, proxy_url: "socks4://canary:canary@h.example:1080" };
    const { out } = await cli("import", makeOriginal({ config: { ...FULL, proxy_config: proxies } }));
    expect(out).toContain(
      "left  the shared proxy is SOCKS4, which is not supported: give a socks5:// or http(s) proxy; accounts that used it come in disabled\n",
    );
    expect(out).not.toContain("canary");
    expect((await contentsOf(data)).tokens[0]).toMatchObject({ enabled: false, proxy: null });
  });

  test("takes SOCKS5 proxies as they are, shared ones and an account's own, in each notation", async () => {
    const { data, cli } = fresh();
    const proxies = { enabled: 1, proxy_url: "st5 shared.example:1080:me:canary" };
    const original = makeOriginal({ config: { ...FULL, proxy_config: proxies } });
    using db = new Database(join(original, "data", "flow.db"));
    db.run("UPDATE tokens SET proxy_url = 'socks5h://me:canary@own.example:1080' WHERE id = 5");
    const { code, out } = await cli("import", original);
    expect(code).toBe(0);
    expect(out).toContain("taken  the shared proxy socks5://…@shared.example:1080, for 2 accounts\n");
    expect(out).not.toMatch(/canary|SOCKS/);
    const { tokens } = await contentsOf(data);
    expect(tokens[0]).toMatchObject({ enabled: true, proxy: "socks5://me:canary@shared.example:1080" });
    expect(tokens[4]).toMatchObject({ enabled: true, proxy: "socks5h://me:canary@own.example:1080" });
  });

  test("gives settings within our bounds and its key, and says what is left behind and why", async () => {
    const { data, cli } = fresh();
    const { out } = await cli("import", makeOriginal({ config: FULL, toml: TOML }));
    const { settings, keys, hashes } = await contentsOf(data);
    expect(settings).toEqual({
      "generation.image_timeout": 120,
      "server.public_url": "https://pictures.example",
      "media.max_age_days": 0,
      "pool.strategy": "round_robin",
      "plugin.connection_token": CONNECTION,
    });
    expect(keys).toMatchObject([{ name: "imported", prefix: "key-" }]);
    expect(Buffer.from(hashes[0]!.hash).equals(hashKey(API_KEY))).toBe(true);
    expect(out).toContain('taken  pool.strategy = "round_robin"\n');
    expect(out).toContain("taken  plugin.connection_token = a hidden value\n");
    for (const left of [
      "video_timeout: generation.video_timeout has to be integer 30 to 14400, it is 999999",
      "Google cookies, never taken, of 1 account",
      "logins and passwords, never taken, of 1 account",
      "the admin password, which is never taken",
      "the proxy for media",
      "server.port = 38000: is read at start only",
      "error_ban_threshold: the rules of health take its place",
      "2 further projects",
      "generation.upsample_timeout, captcha.solver: there is nothing like them here",
      "video tasks (1 rows): history is not taken",
    ]) {
      expect(out).toContain(left);
    }
  });

  test("leaves in the audit log what it changed, without the secrets", async () => {
    const { data, cli } = fresh();
    await cli("import", makeOriginal({ config: FULL }));
    const { trail } = await contentsOf(data);
    expect(trail.map(({ actor, action, after }) => [actor, action, after])).toEqual([
      ["command line", "key.create", { name: "imported", prefix: "key-" }],
      ["command line", "token.import", { added: 5, known: 0, invalid: 1 }],
      ["command line", "settings.change", expect.objectContaining({ "plugin.connection_token": "a hidden value" })],
    ]);
  });

  test("keeps its secrets off the screen, and its passwords, logins and sign-in cookies out of our data", async () => {
    const { data, cli } = fresh();
    const { out, err } = await cli("import", makeOriginal({ config: FULL, toml: TOML }));
    expect(out + err).not.toContain("canary");
    const { tokens, settings } = await contentsOf(data);
    expect(JSON.stringify([tokens, settings])).not.toMatch(/canary-password|SID=|canary@example|ya29/);
  });

  test("a key that everyone knows is reported, not taken", async () => {
    const { data, cli } = fresh();
    const { out } = await cli("import", makeOriginal({ config: { admin_config: { password: "admin", api_key: "han1234" } } }));
    expect(out).toContain("left  the API key: it is a default that everyone knows");
    expect(out).not.toContain("han1234");
    expect((await contentsOf(data)).keys).toEqual([]);
  });

  test("a second time adds nothing", async () => {
    const { data, cli } = fresh();
    const original = makeOriginal({ config: FULL });
    await cli("import", original);
    const before = await contentsOf(data);
    const { out } = await cli("import", original);
    expect(out).toContain("taken  0 accounts\n");
    expect(out).toContain("left  the API key: it is there already\n");
    expect(await contentsOf(data)).toEqual(before);
  });

  test("a dry run says what would be done, and does nothing", async () => {
    const { data, cli } = fresh();
    const { out } = await cli("import", makeOriginal({ config: FULL }), "--dry-run");
    expect(out).toContain("taken  5 accounts, 1 of them disabled, 3 that cannot serve yet");
    expect(out).toEndWith("Dry run: nothing was changed.\n");
    expect(await contentsOf(data)).toEqual({ tokens: [], settings: {}, trail: [], keys: [], hashes: [] });
  });

  test("is left as it was, without new files beside its database", async () => {
    const original = makeOriginal({ config: FULL });
    const list = () => readdirSync(join(original, "data"));
    const before = list();
    await fresh().cli("import", original);
    expect(list()).toEqual(before);
  });

  test("that is in use is read with what its log holds", async () => {
    const original = makeOriginal();
    using db = new Database(join(original, "data", "flow.db"));
    db.run("INSERT INTO tokens (st) VALUES ('session-canary-new')");
    expect((await fresh().cli("import", original)).out).toContain("taken  6 accounts");
  });
});

describe("a part of python-flow2api", () => {
  test("setting.toml alone counts where there is no database", async () => {
    const { data, cli } = fresh();
    const file = join(folder.path, "setting.toml");
    writeFileSync(file, `${TOML}[cache]\nbase_url = "https://a.example"\n[call_logic]\ncall_mode = "polling"\n`);
    const { out } = await cli("import", file);
    expect(out).toContain("taken  0 accounts\n");
    const { settings, keys } = await contentsOf(data);
    expect(settings).toEqual({
      "generation.image_timeout": 60,
      "server.public_url": "https://a.example",
      "pool.strategy": "round_robin",
    });
    expect(keys).toMatchObject([{ name: "imported" }]);
  });

  test("a database of its first days, with few columns, is read", async () => {
    const { data, cli } = fresh();
    const file = join(folder.path, "flow.db");
    const db = new Database(file);
    db.run("CREATE TABLE tokens (id INTEGER PRIMARY KEY, st TEXT, email TEXT, is_active BOOLEAN)");
    db.run("INSERT INTO tokens (st, email, is_active) VALUES ('session-canary-old', 'old@example.com', 1)");
    db.close();
    expect((await cli("import", file)).out).toContain("taken  1 account\n");
    expect((await contentsOf(data)).tokens).toMatchObject([
      { enabled: true, imageEnabled: true, videoConcurrency: -1, identity: "old@example.com" },
    ]);
  });

  test.each([
    ["nothing", "nothing-there", "nothing-there: expected a folder or file of the Python original, got no such file.\n"],
    ["another folder", ".", ".: expected data/flow.db or config/setting.toml in it, got neither.\n"],
  ])("%s is refused", async (_name, path, err) => {
    using empty = temporaryFolder();
    const { data } = fresh();
    expect(await runRecorded({ cwd: empty.path }, "import", path, "--data", data)).toEqual({ code: 1, out: "", err });
  });

  test("files that are no such things are refused without being quoted", async () => {
    for (const [name, text] of [
      ["canary.db", "canary canary"],
      ["bad.toml", "[global]\napi_key = canary"],
    ] as const) {
      writeFileSync(join(folder.path, name), text);
      const { code, err } = await fresh().cli("import", name);
      expect([code, err]).toEqual([1, expect.stringContaining("expected")]);
      expect(err).not.toContain("canary canary");
      expect(err).not.toContain("= canary");
    }
  });
});
