// The one file that people download: it runs from an empty folder, with nothing beside it, and says what is wrong in one line.
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../src/testing.ts";
import { startCollector } from "./collector.ts";
import { EXECUTABLE, ensureExecutable, type Program, runExecutable, startProgram } from "./executable.ts";

const CANARIES = ["AIzaSyCanary0123456789abcdefghijklmnop", "canary~session-cookie-0123456789abcdef"];

test("says its version", async () => {
  using folder = temporaryFolder();
  const { version } = await Bun.file(join(import.meta.dir, "..", "package.json")).json();
  expect(await runExecutable(["version"], { cwd: folder.path })).toMatchObject({ code: 0, stdout: expect.stringContaining(version) });
});

test("does not hold the path that it was built in", async () => {
  await ensureExecutable();
  expect(readFileSync(EXECUTABLE).includes(Buffer.from(join(import.meta.dir, "..", "src")))).toBe(false);
});

test("runs no .env, no bunfig and no package of the folder that it is started from", async () => {
  using folder = temporaryFolder();
  await Bun.write(join(folder.path, ".env"), "FLOW2API_SERVER_PORT=not-a-port\n");
  await Bun.write(join(folder.path, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  await Bun.write(join(folder.path, "evil.ts"), "process.exit(42);\n");
  expect((await runExecutable(["check-config"], { cwd: folder.path })).code).toBe(0);
});

describe("exit codes", () => {
  test.each([
    [["--help"], 0],
    [["version"], 0],
    [["serve", "--no-such-flag"], 2],
    [["nonsense"], 2],
    [["check-config", "--config", "missing.toml"], 1],
    [["healthcheck", "--port", "1"], 1],
    [["demo", "--host", "0.0.0.0"], 2],
  ])("%p is %i", async (args, code) => {
    using folder = temporaryFolder();
    expect((await runExecutable(args, { cwd: folder.path })).code).toBe(code);
  });
});

test("the whole way: token, key, image, health, stop; and no secret anywhere", async () => {
  const [geminiSecret, flowSecret] = CANARIES as [string, string];
  await using program = await startProgram({
    tokens: [
      { provider: "gemini", secret: geminiSecret },
      { provider: "flow", secret: flowSecret },
    ],
  });
  const chat = (model: string, extra = {}) =>
    fetch(`${program.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${program.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "a fox" }], ...extra }),
    });
  const responses: string[] = [];
  for (const faults of ["", "*=503:once", "gemini.generate=bad-key:once", "flow.image=verification:once", "*=malformed:once"]) {
    program.simulator.setFaults(faults);
    for (const model of ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "imagen-4.0-generate-preview-landscape"]) {
      const response = await chat(model, { stream: faults === "" });
      responses.push(JSON.stringify([...response.headers]), await response.text());
    }
  }
  expect(responses.join()).toContain("![image](");
  responses.push(await (await fetch(`${program.url}/metrics`)).text());
  responses.push((await program.cli("token", "list", "--json")).stdout, (await program.cli("key", "list")).stdout);
  const port = new URL(program.url).port;
  expect((await program.cli("healthcheck", "--port", port)).code).toBe(0);
  expect(await program.terminate()).toBe(0);
  responses.push(program.logged());

  const hidden = [...CANARIES, program.key];
  for (const secret of hidden) expect(responses.find((result) => result.includes(secret))).toBeUndefined();
  for (const file of filesIn(program.folder)) {
    const bytes = readFileSync(file);
    for (const secret of hidden) expect(`${file}: ${bytes.includes(Buffer.from(secret))}`).toBe(`${file}: false`);
  }
});

test("more than 256 calls to upstreams run at once, with nothing set for it", async () => {
  const WAITING = 300;
  const MODELS = [{ name: "models/gemini-3-pro-image", supportedGenerationMethods: ["generateContent"] }];
  let arrived = 0;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  await using upstream = Bun.serve({
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (!request.url.includes("enerateContent")) return Response.json({ models: MODELS });
      await request.text();
      if (++arrived === WAITING) resolve();
      await all;
      return Response.json({ candidates: [{ finishReason: "IMAGE_SAFETY" }] });
    },
  });
  await using program = await startProgram({
    tokens: [],
    env: { FLOW2API_GEMINI_BASE_URL: upstream.url.origin, FLOW2API_KEYS_CONCURRENCY: "0" },
  });
  await program.cli("token", "add", "--provider", "gemini", "--secret", "a-key", "--image-concurrency", String(WAITING));
  await within(2000, async () => (await modelsOf(program)) > 0);
  const body = JSON.stringify({ contents: "a fox" });
  const head = `POST /v1beta/models/gemini-3-pro-image:generateContent HTTP/1.1\r\nhost: localhost\r\nx-goog-api-key: ${program.key}`;
  const { hostname, port } = new URL(program.url);
  /** Over a socket of its own: this process holds 256 calls at once as well. */
  const ask = () =>
    new Promise<string>((answered, reject) => {
      const socket = connect(Number(port), hostname).on("error", reject);
      socket.once("data", (bytes) => answered(bytes.toString().slice(0, 15)));
      socket.write(`${head}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  const responses = await Promise.all(Array.from({ length: WAITING }, ask));
  expect([arrived, [...new Set(responses)]]).toEqual([WAITING, ["HTTP/1.1 200 OK"]]);
}, 60_000);

test("a first start prints a password and a key once, to a file where there is no terminal", async () => {
  await using program = await startProgram({ tokens: [], withKey: false });
  const file = join(program.folder, "data", "first-start.txt");
  expect(program.logged()).toContain("first-start.txt");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/sk-f2a-/);
  expect(program.logged()).not.toContain(/sk-f2a-\S+/.exec(text)![0]);
});

test("a second server on the same folder is refused in one line", async () => {
  await using program = await startProgram({ tokens: [] });
  const second = await program.cli("serve", "--port", "0");
  expect([second.code, second.stderr.trim().split("\n").length]).toEqual([1, 1]);
});

test("a running server takes keys, tokens and their changes from the command line within two seconds", async () => {
  await using program = await startProgram({ tokens: [] });
  const status = async (key: string) => (await fetch(`${program.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status;
  const key = (await program.cli("key", "create", "--name", "later")).stdout.trim();
  await within(2000, async () => (await status(key)) === 200);
  const { id } = JSON.parse((await program.cli("key", "list", "--json")).stdout).findLast((row: { name: string }) => row.name === "later");
  await program.cli("key", "revoke", String(id));
  await within(2000, async () => (await status(key)) === 401);

  const models = () => modelsOf(program);
  expect(await models()).toBe(0);
  const token = (await program.cli("token", "add", "--provider", "gemini", "--secret", "alpha-project.key-one")).stdout.trim();
  await within(2000, async () => (await models()) > 0);
  await program.cli("token", "set", token, "--disable");
  await within(2000, async () => (await models()) === 0);
  await program.cli("token", "set", token, "--enable");
  await within(2000, async () => (await models()) > 0);
  await program.cli("token", "remove", token);
  await within(2000, async () => (await models()) === 0);
});

async function modelsOf({ url, key }: Program): Promise<number> {
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  return ((await response.json()) as { data: unknown[] }).data.length;
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "first-start.txt")
    .map((entry) => join(entry.parentPath, entry.name));
}

async function within(ms: number, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + ms + 500; Date.now() < deadline; await Bun.sleep(20)) if (await holds()) return;
  throw new Error(`It did not happen within ${ms} ms`);
}

test("delivers traces to a collector, which is named by the environment", async () => {
  await using collector = startCollector();
  await using program = await startProgram({ env: { FLOW2API_TRACING_ENDPOINT: collector.url } });
  const response = await fetch(`${program.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${program.key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "gemini-3.1-flash-image", messages: [{ role: "user", content: "a fox" }] }),
  });
  expect(response.status).toBe(200);
  await response.text();
  await program.terminate();
  expect(collector.spans.map(({ kind }) => kind).sort()).toEqual(["client", "internal", "server"]);
});
