// The configurations of docs/clients.md for MCP programs, read as those do and used by official clients against the executable.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { type Program, startProgram } from "../executable.ts";
import { CLIENTS, linkOf } from "./connect.ts";

setDefaultTimeout(120_000);

const root = join(import.meta.dir, "..", "..");
const bridge = join(process.env.FLOW2API_TEST_MCP_TOOLS ?? "", "node_modules/mcp-remote/dist/proxy.js");
const hasBridge = (process.env.FLOW2API_TEST_MCP_TOOLS ?? "") !== "" && existsSync(bridge);
if (!hasBridge)
  console.warn("SKIPPED: a part of test/mcp/recipes.test.ts needs mcp-remote in FLOW2API_TEST_MCP_TOOLS; see test/mcp/README.md.");

type Entry = {
  url?: string;
  baseUrl?: string;
  headers?: Record<string, string>;
  command?: string;
  args?: string[];
  env?: Record<string, string>;
};
type Recipe = { title: string; language: string; text: string };

const section = /^## MCP\n([\s\S]*?)^## /m.exec(readFileSync(join(root, "docs", "clients.md"), "utf8"))![1]!;
const RECIPES: Recipe[] = [...section.matchAll(/^```(json|sh)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language, 2: text }) => {
  const title = [...section.slice(0, index).matchAll(/^\*\*([^*\n]+)\*\*/gm)].at(-1)?.[1] ?? "";
  return { title, language: language!, text: text! };
});

let program: Program;
beforeAll(async () => {
  program = await startProgram();
});
afterAll(() => program?.[Symbol.asyncDispose]());

const filled = (text: string) => text.replaceAll("http://HOST:8000", program.url).replaceAll("sk-f2a-…", program.key);

function entryOf({ language, text }: Recipe): Entry {
  if (language === "json") {
    const config = JSON.parse(filled(text)) as { mcpServers?: Record<string, Entry>; servers?: Record<string, Entry> };
    return (config.mcpServers ?? config.servers)!.flow2api!;
  }
  const [, url, name, value] = /(http\S+) --header "([\w-]+): ([^"]+)"/.exec(filled(text))!;
  return { url: url!, headers: { [name!]: value! } };
}

test("there is a form for every program that is named", () => {
  const named = ["Claude Code", "Claude Desktop", "Cursor", "VS Code", "Cherry Studio", "LobeChat (LobeHub)"];
  expect([...new Set(RECIPES.map(({ title }) => title))]).toEqual(named);
});

const overHttp = RECIPES.filter(({ text }) => !text.includes('"command"'));
describe.each(overHttp)("$title ($language)", (recipe) => {
  test.each(CLIENTS)("works with %s", async (_name, open) => {
    const { url, baseUrl, headers } = entryOf(recipe);
    const address = (url ?? baseUrl)!;
    expect([new URL(address).pathname, Object.keys(headers!)]).toEqual(["/mcp", ["Authorization"]]);
    const key = /^Bearer (\S+)$/.exec(headers!.Authorization!)![1]!;
    await using client = await open({ url: address.slice(0, -"/mcp".length), key });
    expect((await client.tools()).length).toBe(5);
    const result = await client.call("generate_image", { prompt: "a fox" });
    expect((await fetch(linkOf(result))).status).toBe(200);
  });
});

test.skipIf(!hasBridge)("Claude Desktop's bridge works as it is configured", async () => {
  const { command, args, env } = entryOf(RECIPES.find(({ text }) => text.includes('"command"'))!);
  expect([command, ...args!.slice(0, 2)]).toEqual(["npx", "-y", "mcp-remote"]);
  const transport = new StdioClientTransport({
    command: "node",
    args: [bridge, ...args!.slice(2)],
    env: { PATH: process.env.PATH ?? "", HOME: program.folder, ...env },
    stderr: "ignore",
  });
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(transport);
  const result = await client.callTool({ name: "generate_image", arguments: { prompt: "a fox" } }, undefined, { timeout: 100_000 });
  expect(JSON.stringify(result)).toContain("image/webp");
  await client.close();
});
