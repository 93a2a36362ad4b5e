// What counts among the sources of a setting, and how a wrong one is refused.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import { type ConfigInput, loadConfig, withDatabase } from "./config.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

let files = 0;

/** Loads `text` as the file `<n>.toml`, with whatever else is given. */
function load(text: string | Uint8Array, input: Partial<ConfigInput> = {}) {
  const file = `${files++}.toml`;
  writeFileSync(join(folder.path, file), text);
  return loadConfig({ file, cwd: folder.path, env: {}, flags: {}, ...input });
}

function refusal(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

const SECRET = "canary-8f1c0e";

const REFUSALS: [name: string, toml: string, message: string][] = [
  ["text for an integer", '[pool]\nwait_ms = "5s"', 'pool.wait_ms: expected integer 0 to 600000, got "5s"'],
  ["an integer in quotes", '[server]\nport = "80"', 'server.port: expected integer 0 to 65535, got "80"'],
  ["a fraction", "[pool]\nwait_ms = 1.5", "pool.wait_ms: expected integer 0 to 600000, got 1.5"],
  ["infinity", "[pool]\nwait_ms = inf", "pool.wait_ms: expected integer 0 to 600000, got Infinity"],
  ["over the maximum", "[server]\nport = 65536", "server.port: expected integer 0 to 65535, got 65536"],
  ["under the minimum", "[pool]\nimage_concurrency = -2", "pool.image_concurrency: expected integer -1 to 1000, got -2"],
  ["a list for an integer", "[server]\nport = [80]", "server.port: expected integer 0 to 65535, got [80]"],
  ["a table for an integer", "[server.port]\na = 1", "server.port: expected integer 0 to 65535, got a table"],
  ["a date for an integer", "[server]\nport = 2026-01-01", "server.port: expected integer 0 to 65535, got a date"],
  ["a number for text", "[storage]\ndata_dir = 5", "storage.data_dir: expected a folder, got 5"],
  ["an empty folder", '[storage]\ndata_dir = ""', 'storage.data_dir: expected a folder, got ""'],
  ["text for a flag", '[generation]\nsuccessors = "yes"', 'generation.successors: expected true or false, got "yes"'],
  ["one for a flag", "[generation]\nsuccessors = 1", "generation.successors: expected true or false, got 1"],
  ["no such choice", '[log]\nformat = "xml"', 'log.format: expected one of "auto", "json", "pretty", got "xml"'],
  ["a choice in capitals", '[log]\nlevel = "INFO"', 'log.level: expected one of "info", "debug", "warn", "error", got "INFO"'],
  [
    "text for a list",
    '[server]\ntrust_proxy = "10.0.0.0/8"',
    'server.trust_proxy: expected list of addresses like "10.0.0.0/8", got "10.0.0.0/8"',
  ],
  [
    "a CIDR that is none",
    '[server]\ntrust_proxy = ["10.0.0.0/33"]',
    'server.trust_proxy: expected list of addresses like "10.0.0.0/8", got ["10.0.0.0/33"]',
  ],
  [
    "a short-hand address",
    '[server]\ntrust_proxy = ["10/8"]',
    'server.trust_proxy: expected list of addresses like "10.0.0.0/8", got ["10/8"]',
  ],
  [
    "a number in a list",
    "[media]\nallow_private_hosts = [1]",
    "media.allow_private_hosts: expected list of host names or addresses, got [1]",
  ],
  [
    "a URL among hosts",
    '[media]\nallow_private_hosts = ["http://nas"]',
    'media.allow_private_hosts: expected list of host names or addresses, got ["http://nas"]',
  ],
  [
    "a query in public_url",
    '[server]\npublic_url = "https://a.example/?x=1"',
    'server.public_url: expected empty, or an http(s) address without query, got "https://a.example/?x=1"',
  ],
  [
    "a fragment in public_url",
    '[server]\npublic_url = "https://a.example/#x"',
    'server.public_url: expected empty, or an http(s) address without query, got "https://a.example/#x"',
  ],
  [
    "another scheme",
    '[gemini]\nbase_url = "ftp://a.example"',
    'gemini.base_url: expected an http(s) address without query, got "ftp://a.example"',
  ],
  ["an empty base URL", '[gemini]\nbase_url = ""', 'gemini.base_url: expected an http(s) address without query, got ""'],
  [
    "a URL without host",
    '[flow]\napi_base_url = "http://["',
    'flow.api_base_url: expected an http(s) address without query, got "http://["',
  ],
  [
    "a password in a URL, which is not shown",
    `[gemini]\nbase_url = "https://me:${SECRET}@a.example"`,
    'gemini.base_url: expected an http(s) address without query, got "https://…@a.example"',
  ],
  ["a host with a space", '[server]\nhost = "a b"', 'server.host: expected a host name or address, got "a b"'],
  [
    "a short secret, which is not shown",
    `[plugin]\nconnection_token = "${SECRET}"`,
    "plugin.connection_token: expected empty, or 32 characters or more, got a hidden value",
  ],
  ["a secret of another type", "[server]\nmetrics_token = 8110", "server.metrics_token: expected text, got a hidden value"],
  [
    "a long value, cut",
    `[log]\nformat = "${"x".repeat(500)}"`,
    `log.format: expected one of "auto", "json", "pretty", got "${"x".repeat(79)}…`,
  ],
  ["a misspelt key", "[pool]\nwait = 5", "pool.wait: unknown key; nearest known key: pool.wait_ms"],
  ["swapped letters", "[server]\nprot = 5", "server.prot: unknown key; nearest known key: server.port"],
  ["a key of another section", "[server]\nwait_ms = 5", "server.wait_ms: unknown key; nearest known key: pool.wait_ms"],
  ["a key without section", "port = 5", "port: unknown key; nearest known key: server.port"],
  ["a key with a line break", '[pool]\n"a\\nb" = 5', 'pool."a\\nb": unknown key; nearest known key: pool.proxy'],
  ["a misspelt section", "[sever]\nport = 5", "[sever]: unknown section; nearest known section: [server]"],
  ["a value for a section", "server = 3", "server: expected a section [server], got a value"],
  ["a list of sections", "[[server]]\nport = 5", "server: expected a section [server], got a list"],
];

describe("a wrong file is refused in one line", () => {
  test.each(REFUSALS)("%s", (_name, toml, message) => {
    const file = `${files}.toml`;
    const error = refusal(() => load(toml));
    expect(error.message).toBe(`${file}: ${message}`);
    expect(error.message).not.toContain("\n");
    expect(error.message).not.toContain(SECRET);
    expect(error.reason).toBeUndefined();
  });

  test.each([
    ["a missing value", "[server]\nport =\n", ":2:7: expected TOML, got invalid value"],
    ["a key twice", "[server]\nport = 1\nport = 2", ":3:1: expected TOML, got trying to redefine an already defined table or value"],
    ["an open bracket", "[server\n", ":1:8: expected TOML, got illegal character in key"],
  ])("syntax is reported with line and column: %s", (_name, toml, message) => {
    const file = `${files}.toml`;
    expect(refusal(() => load(toml)).message).toBe(`${file}${message}`);
  });

  test("a syntax error does not quote the line it is on", () => {
    expect(refusal(() => load(`[plugin]\nconnection_token = "${SECRET}`)).message).not.toContain(SECRET);
  });

  test("other bytes than UTF-8 are reported", () => {
    expect(refusal(() => load(Uint8Array.of(0x5b, 0xff))).message).toEndWith(".toml: expected UTF-8 text, got other bytes");
  });
});

describe("which file", () => {
  const input = { cwd: folder.path, env: {}, flags: {} };

  test("the default file may be missing", () => {
    expect(loadConfig(input).file).toBeNull();
  });

  test("a named one may not", () => {
    const error = refusal(() => loadConfig({ ...input, file: "none.toml" }));
    expect(error.message).toBe("none.toml: expected a settings file, got no such file");
  });

  test("a directory is none", () => {
    mkdirSync(join(folder.path, "directory"));
    const error = refusal(() => loadConfig({ ...input, file: "directory" }));
    expect(error.message).toBe("directory: expected a settings file, got a directory");
  });

  test("the default file counts when it exists", () => {
    using other = temporaryFolder();
    mkdirSync(join(other.path, "config"));
    writeFileSync(join(other.path, "config/setting.toml"), "\ufeff[server]\nport = 9000\n");
    const config = loadConfig({ ...input, cwd: other.path });
    expect([config.settings.server.port, config.origins["server.port"], config.file]).toEqual([9000, "file", "config/setting.toml"]);
    expect(loadConfig({ ...input, cwd: other.path, file: null }).settings.server.port).toBe(8000);
  });
});

describe("environment", () => {
  const fromEnvironment = (env: Record<string, string>) => loadConfig({ file: null, env, flags: {} });

  test.each([
    ["FLOW2API_SERVER_PORT", "9001", "server", "port", 9001],
    ["FLOW2API_POOL_IMAGE_CONCURRENCY", "-1", "pool", "image_concurrency", -1],
    ["FLOW2API_GENERATION_SUCCESSORS", "0", "generation", "successors", false],
    ["FLOW2API_GENERATION_RETRY_UNKNOWN_IMAGES", "true", "generation", "retry_unknown_images", true],
    ["FLOW2API_SERVER_TRUST_PROXY", "10.0.0.0/8, ::1", "server", "trust_proxy", ["10.0.0.0/8", "::1"]],
    ["FLOW2API_SERVER_TRUST_PROXY", "", "server", "trust_proxy", []],
    ["FLOW2API_LOG_FORMAT", "json", "log", "format", "json"],
    ["FLOW2API_STORAGE_DATA_DIR", "7", "storage", "data_dir", "7"],
    ["FLOW2API_SERVER_HOST", "::", "server", "host", "::"],
  ])("%s=%s", (name, text, section, key, expected) => {
    const settings = fromEnvironment({ [name]: text }).settings as unknown as Record<string, Record<string, unknown>>;
    expect(settings[section]?.[key]).toEqual(expected);
  });

  test.each([
    ["FLOW2API_POOL_WAIT_MS", "5s", 'FLOW2API_POOL_WAIT_MS: pool.wait_ms: expected integer 0 to 600000, got "5s"'],
    ["FLOW2API_SERVER_PORT", "", 'FLOW2API_SERVER_PORT: server.port: expected integer 0 to 65535, got ""'],
    ["FLOW2API_SERVER_PORT", "0x50", 'FLOW2API_SERVER_PORT: server.port: expected integer 0 to 65535, got "0x50"'],
    ["FLOW2API_CHAT_AUXILIARY", "yes", 'FLOW2API_CHAT_AUXILIARY: chat.auxiliary: expected true or false, got "yes"'],
    ["FLOW2API_CHAT_AUXILIARY", "constructor", 'FLOW2API_CHAT_AUXILIARY: chat.auxiliary: expected true or false, got "constructor"'],
    [
      "FLOW2API_PLUGIN_CONNECTION_TOKEN",
      SECRET,
      "FLOW2API_PLUGIN_CONNECTION_TOKEN: plugin.connection_token: expected empty, or 32 characters or more, got a hidden value",
    ],
  ])("%s=%s is refused", (name, text, message) => {
    expect(refusal(() => fromEnvironment({ [name]: text })).message).toBe(message);
  });

  test("an unknown name warns, without its value; names that others use do not", () => {
    const { warnings } = fromEnvironment({ FLOW2API_POOL_WAIT: SECRET, FLOW2API_SECRET_KEY: SECRET, OTHER: SECRET });
    expect(warnings).toEqual(["FLOW2API_POOL_WAIT: unknown environment name, ignored; nearest known name: FLOW2API_POOL_WAIT_MS"]);
  });
});

describe("order", () => {
  const toml = "[pool]\nwait_ms = 1\nqueue_limit = 1\n[server]\nport = 1";
  const database = { "pool.wait_ms": 2, "pool.queue_limit": 2, "server.port": 2, "log.level": "debug" };
  const env = { FLOW2API_POOL_WAIT_MS: "3", FLOW2API_SERVER_PORT: "3" };

  test("defaults < file < database < environment < flags", () => {
    const { settings, origins } = load(toml, { database, env, flags: { "server.port": "4" } });
    expect([settings.pool.image_concurrency, origins["pool.image_concurrency"]]).toEqual([4, "default"]);
    expect([settings.pool.queue_limit, origins["pool.queue_limit"]]).toEqual([2, "database"]);
    expect([settings.log.level, origins["log.level"]]).toEqual(["debug", "database"]);
    expect([settings.pool.wait_ms, origins["pool.wait_ms"]]).toEqual([3, "environment"]);
    expect([settings.server.port, origins["server.port"]]).toEqual([4, "flag"]);
  });

  test("what is read at start only is never taken from the database", () => {
    const { settings, origins, warnings } = load(toml, { database });
    expect([settings.server.port, origins["server.port"]]).toEqual([1, "file"]);
    expect(warnings).toEqual(["database: server.port: is read from file, environment and flags only, ignored"]);
  });

  test("what is wrong in the database warns and leaves the layer below in force", () => {
    const { settings, warnings } = load(toml, { database: { "pool.wait_ms": -1, "pool.gone": 1, "plugin.connection_token": SECRET } });
    expect(settings.pool.wait_ms).toBe(1);
    expect(warnings).toEqual([
      "database: pool.wait_ms: expected integer 0 to 600000, got -1, ignored",
      'database: "pool.gone": unknown key, ignored',
      "database: plugin.connection_token: expected empty, or 32 characters or more, got a hidden value, ignored",
    ]);
  });

  test("database values lie over a config without changing it", () => {
    const base = load(toml, { env });
    const changed = withDatabase(base, { "pool.queue_limit": 9, "pool.wait_ms": 9 });
    expect([changed.settings.pool.queue_limit, changed.settings.pool.wait_ms]).toEqual([9, 3]);
    expect([base.settings.pool.queue_limit, base.origins["pool.queue_limit"]]).toEqual([1, "file"]);
  });

  test("a wrong flag is wrong usage", () => {
    const error = refusal(() => loadConfig({ file: null, env: {}, flags: { "server.port": "http" } }));
    expect([error.message, error.reason]).toEqual(['command line: server.port: expected integer 0 to 65535, got "http"', "usage"]);
  });

  test("two configs share no list", () => {
    const one = loadConfig({ file: null, env: {}, flags: {} });
    one.settings.server.trust_proxy.push("10.0.0.0/8");
    expect(loadConfig({ file: null, env: {}, flags: {} }).settings.server.trust_proxy).toEqual([]);
  });
});
