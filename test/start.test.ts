// What a start costs wherever it runs: modules that are evaluated, threads, and rows that are read, which grow with the tokens alone.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { seed } from "../bench/seed.ts";
import { WANTED } from "../src/cli/serve/runtime.ts";
import { temporaryFolder } from "../src/testing.ts";
import type { StartProbe } from "./start-probe.ts";

const ROOT = join(import.meta.dir, "..");

/** A server on a folder, asked what its start has read and loaded. */
async function probeStart(dataDir: string, ask: (url: string) => Promise<unknown> = async () => {}): Promise<StartProbe> {
  using folder = temporaryFolder();
  const file = join(folder.path, "probe.json");
  const child = Bun.spawn([process.execPath, "--preload", join(import.meta.dir, "start-probe.ts"), join(ROOT, "src/main.ts"), "serve"], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH ?? "",
      START_PROBE: file,
      // As the server wants them: it does not start again in this process.
      ...WANTED,
      FLOW2API_STORAGE_DATA_DIR: dataDir,
      FLOW2API_SERVER_HOST: "127.0.0.1",
      FLOW2API_SERVER_PORT: "0",
      FLOW2API_MEDIA_MIN_FREE_MB: "0",
      FLOW2API_REFRESH_ENABLED: "false",
      FLOW2API_LOG_FORMAT: "json",
    },
    stdout: "ignore",
    stderr: "pipe",
  });
  let logged = "";
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array>)) {
    logged += chunk;
    const url = /"message":"listening","url":"([^"]+)"/.exec(logged)?.[1];
    if (!url) continue;
    await (await fetch(`${url}/health`)).text();
    await ask(url);
    child.kill("SIGUSR2");
    while (!existsSync(file) || readFileSync(file, "utf8") === "") await Bun.sleep(5);
    break;
  }
  child.kill("SIGTERM");
  await child.exited;
  if (!existsSync(file)) throw new Error(`The server did not start: ${logged}`);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Loaded by whoever needs them first; paths from the root of the project. */
const LATE = [
  /^src\/admin\/(?!auth\/headers\.ts$)/,
  /^views\/(?!locales\/)/,
  /^src\/api\/(openapi\/|mcp\/server)/,
  /^src\/api\/admin\/(?!errors|gate|guard)/,
  /^src\/(db\/postgres|simulator|cli\/(token|key|models|python-import))\//,
  /^node_modules\/(@elysiajs|@modelcontextprotocol|@opentelemetry|jose|lucide|openid-client|otpauth|preact|socks|uqr)\//,
];
const isLate = (path: string) => LATE.some((pattern) => pattern.test(path));
const pathsOf = ({ modules }: StartProbe) => modules.map((path) => path.slice(path.lastIndexOf("/node_modules/") + 1 || ROOT.length + 1));

describe("a server that has started", () => {
  const folder = temporaryFolder();
  let started: StartProbe;
  let visited: StartProbe;
  beforeAll(async () => {
    started = await probeStart(join(folder.path, "data"));
    visited = await probeStart(join(folder.path, "data"), async (url) => {
      const page = await fetch(`${url}/admin/login`);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("password")]);
    });
  }, 60_000);
  afterAll(() => folder[Symbol.dispose]());

  test("has loaded nothing that a first request can wait for", () => {
    expect(pathsOf(started).filter(isLate)).toEqual([]);
    expect(pathsOf(started)).toContain("src/app.ts");
  });

  test("loads the pages with the first request to them", () => {
    expect(pathsOf(visited).filter(isLate)).toContain("src/admin/routes.ts");
  });

  test("takes the built-in models as they were checked when it was built", () => {
    expect(pathsOf(started).filter((path) => /catalogue\/(catalogue\.toml|built-in\.ts)$/.test(path))).toEqual([]);
    expect(pathsOf(started)).toContain("src/gateway/models/catalogue/build.ts");
  });

  test("has loaded none of Node's streams, ciphers and names, which take milliseconds and a megabyte of each thread", () => {
    const heavy =
      /^(?!import type|export type).*(?:\bfrom |\brequire\(|^import )["'](?:node:)?(?:crypto|dns|os|stream|zlib|https?|net|tls|tty|readline)(?:\/\w+)?["']/gm;
    const found = started.modules
      .filter((path) => existsSync(path) && !path.includes("/test/"))
      .flatMap((path) => (readFileSync(path, "utf8").match(heavy) ?? []).map((line) => `${path.slice(ROOT.length + 1)}: ${line}`));
    expect(found).toEqual([]);
    // The first start says where its password is.
    expect([started.streams, visited.streams]).toEqual([["stdout"], []]);
  });

  test("has built its router once", () => {
    expect(started.collections).toBe(1);
  });

  test("has one thread of JavaScript beside its own: that which writes", () => {
    expect(started.workers).toBe(1);
  });
});

test("the rows that a start reads grow with the tokens and keys, not with requests, media and jobs", async () => {
  using folder = temporaryFolder();
  const sizes = {
    small: { requests: 300, tokens: 100, media: 50, keys: 5, jobs: 20 },
    long: { requests: 3_000, tokens: 100, media: 500, keys: 5, jobs: 200 },
    wide: { requests: 300, tokens: 400, media: 50, keys: 5, jobs: 20 },
  };
  const rows: Record<string, number> = {};
  for (const [name, size] of Object.entries(sizes)) {
    const dataDir = join(folder.path, name);
    await seed(dataDir, size);
    rows[name] = (await probeStart(dataDir)).rows;
  }
  // Keys and days of usage differ a little by chance.
  expect(rows.long! - rows.small!).toBeLessThan(60);
  expect(rows.wide! - rows.small!).toBeGreaterThanOrEqual(300);
  expect(rows.wide! - rows.small!).toBeLessThan(360);
}, 120_000);
