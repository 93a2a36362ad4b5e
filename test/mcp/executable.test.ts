// The compiled executable with the official MCP inspector and conformance suite, from the folder in FLOW2API_TEST_MCP_TOOLS.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Program, startProgram } from "../executable.ts";
import { CLIENTS, INITIALIZE, linkOf } from "./connect.ts";

setDefaultTimeout(180_000);

const tools = process.env.FLOW2API_TEST_MCP_TOOLS ?? "";
const inspector = join(tools, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const conformance = join(tools, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
const hasTools = tools !== "" && existsSync(inspector) && existsSync(conformance);
if (!hasTools) console.warn("SKIPPED: parts of test/mcp/executable.test.ts need FLOW2API_TEST_MCP_TOOLS; see test/mcp/README.md.");

let program: Program;
/** The server with the key added: the conformance suite has no field for one. Host and Origin pass as they are. */
let keyed: ReturnType<typeof Bun.serve>;
beforeAll(async () => {
  program = await startProgram();
  keyed = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.set("authorization", `Bearer ${program.key}`);
      return fetch(`${program.url}${pathname}`, { method: request.method, headers, body: request.body, decompress: false });
    },
  });
});
afterAll(async () => {
  await keyed?.stop(true);
  await program?.[Symbol.asyncDispose]();
});

async function run(command: string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn(command, { cwd: program.folder, stdout: "pipe", stderr: "pipe", env: { ...process.env, NO_COLOR: "1" } });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, text: `${stdout}${stderr}` };
}

test.each(CLIENTS)("with %s the executable makes an image that can be opened", async (_name, open, version) => {
  await using client = await open(program);
  expect(client.version()).toBe(version);
  const result = await client.call("generate_image", { prompt: "a fox" });
  expect(result.content.map(({ type }) => type)).toEqual(["image", "resource_link", "text"]);
  expect((await fetch(linkOf(result))).status).toBe(200);
});

test("the executable refuses strange names and pages", async () => {
  const ask = (headers: Record<string, string>) =>
    fetch(`${program.url}/mcp`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${program.key}`,
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...headers,
      },
      body: JSON.stringify(INITIALIZE),
    });
  const all = await Promise.all([ask({}), ask({ host: "evil.example.com" }), ask({ origin: "http://evil.example.com" })]);
  expect(all.map(({ status }) => status)).toEqual([200, 403, 403]);
});

describe.skipIf(!hasTools)("the inspector", () => {
  // Runs on Node 20 and newer.
  const inspect = (...args: string[]) =>
    run([
      "node",
      inspector,
      "--cli",
      `${program.url}/mcp`,
      "--transport",
      "http",
      "--header",
      `Authorization: Bearer ${program.key}`,
      ...args,
    ]);

  test("lists the tools", async () => {
    const { code, text } = await inspect("--method", "tools/list");
    expect(text).toContain('"generate_video"');
    expect(code).toBe(0);
  });

  test("makes an image", async () => {
    const { code, text } = await inspect("--method", "tools/call", "--tool-name", "generate_image", "--tool-arg", "prompt=a fox");
    expect(text).toMatch(/"image\/webp"[\s\S]*\/media\/[a-z2-7]{26}\.png/);
    expect(code).toBe(0);
  });
});

describe.skipIf(!hasTools)("the conformance suite", () => {
  test.each(["server-initialize", "ping", "tools-list", "dns-rebinding-protection"])("passes %s", async (scenario) => {
    const { code, text } = await run([
      process.execPath,
      conformance,
      "server",
      "--url",
      `http://127.0.0.1:${keyed.port}/mcp`,
      "--scenario",
      scenario,
    ]);
    expect(text).not.toMatch(/FAILURE|✗/);
    expect(code).toBe(0);
  });
});
