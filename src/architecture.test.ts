// The house rules that a machine can see: who may import whom, how long a file is, what it is called, what it says of itself.
import { describe, expect, test } from "bun:test";
import { posix } from "node:path";
import { indexText, openingLine, readIndex, readSources, type SourceFile } from "../scripts/index.ts";

const sources = await readSources();

/** Open to every layer but the simulator and the views. */
const OPEN = [
  "src/errors.ts",
  "src/clock.ts",
  "src/heap.ts",
  "src/timers.ts",
  "src/ids.ts",
  "src/log.ts",
  "src/http.ts",
  "src/object-store/*",
  "src/proxy-address.ts",
  "src/socks-bridge.ts",
  "src/socks-bridges.ts",
  "src/serial.ts",
  "src/soft-delete.ts",
  "src/keyed-semaphore.ts",
  "src/recent-map.ts",
  "src/version.ts",
  "src/config/nearest.ts",
  "src/config/settings-schema.ts",
  "src/config/settings-keys.ts",
  "src/domain/*",
];

/** What elysia is there for: all of it, its schema builder `t`, or nothing. */
type Elysia = "all" | "t" | "none";

/** A layer: its files, what they may import (globs), and which packages. The first that holds a file counts. */
type Layer = { files: string; may: string[]; elysia: Elysia; packages?: RegExp };

const GATEWAY = ["src/gateway/**", "src/metrics.ts", "src/traces.ts", "src/counters.ts", ...OPEN];

const LAYERS: Layer[] = [
  { files: "views/**", may: ["views/**"], elysia: "none", packages: /^(preact|lucide)($|\/)/ },
  // Shares no reading of a wire format with the adapters it stands in for.
  { files: "src/simulator/**", may: ["src/simulator/**"], elysia: "all" },
  { files: "src/domain/*", may: ["src/domain/*"], elysia: "none", packages: /^$/ },
  { files: "src/db/**", may: ["src/db/**", ...OPEN], elysia: "none" },
  { files: "src/providers/gemini/**", may: ["src/providers/gemini/**", "src/providers/*", ...OPEN], elysia: "t" },
  // The same bodies and results behind another door.
  {
    files: "src/providers/vertex/**",
    may: ["src/providers/vertex/**", "src/providers/gemini/**", "src/providers/*", ...OPEN],
    elysia: "none",
  },
  { files: "src/providers/flow/**", may: ["src/providers/flow/**", "src/providers/*", ...OPEN], elysia: "t" },
  { files: "src/providers/*", may: ["src/providers/*", ...OPEN], elysia: "t" },
  { files: "src/gateway/**", may: GATEWAY, elysia: "t" },
  { files: "src/api/openai/**", may: ["src/api/openai/**", "src/api/{*,body/*}", ...GATEWAY], elysia: "all" },
  { files: "src/api/gemini/**", may: ["src/api/gemini/**", "src/api/{*,body/*}", ...GATEWAY], elysia: "all" },
  { files: "src/api/mcp/**", may: ["src/api/mcp/**", "src/api/{*,body/*}", ...GATEWAY], elysia: "all" },
  // The description of the API reads the bodies of both dialects.
  { files: "src/api/openapi/**", may: ["src/api/**", ...OPEN], elysia: "all" },
  { files: "src/api/**", may: ["src/api/**", ...GATEWAY], elysia: "all" },
  { files: "src/admin/**", may: ["src/admin/**", "views/**", ...GATEWAY], elysia: "all" },
  { files: "src/version.ts", may: ["package.json"], elysia: "none" },
  { files: "src/config/settings-fields.ts", may: [], elysia: "t" },
  { files: "src/config/settings-schema.ts", may: ["src/config/settings-fields.ts"], elysia: "t" },
  { files: "src/config/*", may: ["src/config/*", ...OPEN], elysia: "none" },
  { files: "src/metrics.ts", may: ["src/counters.ts", ...OPEN], elysia: "none" },
  { files: "src/watchdog/*", may: ["src/watchdog/*", ...OPEN], elysia: "none" },
  { files: "src/traces.ts", may: OPEN, elysia: "none" },
  { files: `{${OPEN.join(",")},src/counters.ts}`, may: OPEN, elysia: "none" },
  // What wires the layers together; none of the layers above may import it.
  { files: "src/{*,cli/**}", may: ["src/**", "views/**"], elysia: "all" },
  { files: "scripts/**", may: ["**"], elysia: "all" },
];

/** Nouns of the gateway from the bottom: each may import those before it, types included. */
const NOUNS = [
  "audit",
  "nodes",
  "auth",
  "media",
  "pool",
  "models",
  "tokens",
  "settings",
  "keys",
  "limits",
  "side-calls",
  "generation",
  "jobs",
  "reports",
  "backups",
  "alerts",
  "playground",
];

const isTest = (path: string) =>
  /\.test\.tsx?$/.test(path) || /^(test|bench|scripts)\//.test(path) || posix.basename(path) === "testing.ts";
const matches = (pattern: string, path: string) => new Bun.Glob(pattern).match(path);
const loaderOf = (path: string) => (path.endsWith("x") ? "tsx" : path.endsWith(".ts") ? "ts" : "js");

/** The scanner names these for any JSX, whatever runtime the compiler is told to use; ours is preact. */
const isJsxRuntime = ({ path }: { path: string }) => /^react(\/|$)/.test(path);

/** What a file imports at run time: paths from the root, or package names. Imports of types alone vanish. */
function importsOf({ path, text }: SourceFile): string[] {
  const scanned = new Bun.Transpiler({ loader: loaderOf(path) }).scanImports(text);
  return scanned
    .filter((found) => !isJsxRuntime(found))
    .map((found) => (found.path.startsWith(".") ? posix.join(posix.dirname(path), found.path) : found.path));
}

const isPackage = (imported: string) =>
  !sources.some(({ path }) => path === imported) && !/^(src|views|config|package\.json)/.test(imported);

/** Names taken from elysia, e.g. `t`; type imports left out. */
function namesFromElysia(text: string): string[] {
  const lists = [...text.matchAll(/import\s*\{([^}]*)\}\s*from\s*"elysia"/g)].map((match) => match[1]!);
  return lists.flatMap((list) => list.split(",").map((name) => name.trim())).filter((name) => name !== "" && !name.startsWith("type "));
}

function brokenRules(file: SourceFile): string[] {
  const layer = LAYERS.find(({ files }) => matches(files, file.path));
  if (!layer) return [`${file.path} is in no layer`];
  return importsOf(file)
    .filter((imported) => !(isPackage(imported) ? mayUse(layer, file, imported) : mayImport(layer, imported)))
    .map((imported) => `${file.path} imports ${imported}`);
}

const mayImport = (layer: Layer, imported: string) => !isTest(imported) && layer.may.some((pattern) => matches(pattern, imported));

function mayUse(layer: Layer, file: SourceFile, name: string): boolean {
  if (name === "bun:sqlite") return /^src\/(db|cli)\//.test(file.path);
  if (name === "elysia" && layer.elysia === "t") return namesFromElysia(file.text).every((taken) => taken === "t");
  if (/^(elysia|@elysiajs)(\/|$)/.test(name)) return layer.elysia === "all";
  // 5 MB of memory: loaded when the first MCP request arrives, by the one file that has it.
  if (name.startsWith("@modelcontextprotocol/")) return file.path === "src/api/mcp/server.ts";
  if (name === "socks") return file.path === "src/socks-bridge.ts";
  if (/^preact/.test(name)) return /^(views|src\/admin)\//.test(file.path);
  return layer.packages?.test(name) ?? true;
}

/** Every file that a file imports or re-exports from, types included. */
function allImportsOf(path: string, text: string, files: ReadonlySet<string>): string[] {
  const found = [...text.matchAll(/^(?:import|export|\} from)[^"'();]*?from "(\.[^"]+)"|^\} from "(\.[^"]+)"|^import "(\.[^"]+)"/gm)];
  const targets = found.map(([, a, b, c]) => posix.join(posix.dirname(path), (a ?? b ?? c)!));
  return [...new Set(targets)].filter((target) => files.has(target));
}

/** Strongly connected components of more than one file (Tarjan). */
function cyclesOf(graph: ReadonlyMap<string, string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const cycle = stack.splice(stack.indexOf(file));
    if (cycle.length > 1) cycles.push(cycle);
  };
  for (const file of graph.keys()) if (!order.has(file)) visit(file);
  return cycles;
}

describe("layers", () => {
  test("every run-time import follows the rules of docs/architecture.md", () => {
    expect(sources.filter(({ path }) => !isTest(path)).flatMap(brokenRules)).toEqual([]);
  });

  const ELYSIA = 'import { Elysia } from "elysia"; new Elysia();';
  test.each([
    ["a view reads a rule", "views/keys/keys.tsx", 'import { refusalOf } from "../../src/gateway/keys/keys.ts"; refusalOf();', false],
    [
      "a view knows a type",
      "views/keys/keys.tsx",
      'import type { KeyRow } from "../../src/domain/key.ts"; export const a = 1 as unknown as KeyRow;',
      true,
    ],
    ["a view opens a file", "views/keys/keys.tsx", 'import { readFileSync } from "node:fs"; readFileSync("x");', false],
    ["the simulator reads an adapter", "src/simulator/simulator.ts", 'import { a } from "../providers/gemini/convert.ts"; a();', false],
    ["the simulator uses our errors", "src/simulator/simulator.ts", 'import { AppError } from "../errors.ts"; new AppError();', false],
    ["the simulator has a server", "src/simulator/simulator.ts", ELYSIA, true],
    ["a dialect reads the other", "src/api/openai/chat/chat.ts", 'import { a } from "../../gemini/generate/encode.ts"; a();', false],
    ["a dialect loads the other later", "src/api/openai/chat/chat.ts", 'await import("../../gemini/generate/encode.ts");', false],
    ["MCP reads another dialect", "src/api/mcp/images.ts", 'import { a } from "../openai/images/encode.ts"; a();', false],
    ["another dialect reads MCP", "src/api/openai/images/images.ts", 'import { a } from "../../mcp/content.ts"; a();', false],
    ["MCP starts a generation", "src/api/mcp/images.ts", 'import { a } from "../../gateway/generation/start.ts"; a();', true],
    ["MCP's routes load its library", "src/api/mcp/routes.ts", 'import { a } from "@modelcontextprotocol/server"; a();', false],
    ["a dialect uses the guard", "src/api/openai/chat/chat.ts", 'import { a } from "../../guard.ts"; a();', true],
    ["an adapter reads the other", "src/providers/flow/client.ts", 'import { a } from "../gemini/client.ts"; a();', false],
    ["an adapter reads the gateway", "src/providers/flow/client.ts", 'import { a } from "../../gateway/models/models.ts"; a();', false],
    ["an adapter has a server", "src/providers/flow/client.ts", ELYSIA, false],
    ["an adapter has a schema", "src/providers/flow/client.ts", 'import { type Static, t } from "elysia"; t.String();', true],
    [
      "the gateway opens a database",
      "src/gateway/pool/pool.ts",
      'import { openStore } from "../../db/sqlite/store.ts"; openStore();',
      false,
    ],
    ["the gateway speaks SQL", "src/gateway/pool/pool.ts", 'import { Database } from "bun:sqlite"; new Database();', false],
    [
      "the gateway reads the settings' sources",
      "src/gateway/pool/pool.ts",
      'import { loadConfig } from "../../config/config.ts"; loadConfig();',
      false,
    ],
    ["the database knows a rule", "src/db/sqlite/keys.ts", 'import { a } from "../../gateway/keys/keys.ts"; a();', false],
    ["the admin uses a dialect", "src/admin/keys/routes.ts", 'import { a } from "../../api/openai/chat/encode.ts"; a();', false],
    ["a layer uses the wiring", "src/admin/keys/routes.ts", 'import { createContext } from "../../context.ts"; createContext();', false],
    ["the wiring uses a layer", "src/context.ts", 'import { Pool } from "./gateway/pool/pool.ts"; new Pool();', true],
    ["the program uses what tests share", "src/context.ts", 'import { virtualClock } from "./testing.ts"; virtualClock();', false],
  ])("%s", (_name, path, text, allowed) => {
    expect(brokenRules({ path, text })).toHaveLength(allowed ? 0 : 1);
  });
});

describe("what costs memory and is seldom used", () => {
  test.each(["src/api/mcp/server.ts", "src/socks-bridge.ts"])("%s is loaded at its first use", (target) => {
    const kindsOf = ({ path, text }: SourceFile) =>
      new Bun.Transpiler({ loader: loaderOf(path) })
        .scanImports(text)
        .filter((found) => found.path.startsWith(".") && posix.join(posix.dirname(path), found.path) === target)
        .map(({ kind }) => kind);
    const kinds = sources.filter(({ path }) => !isTest(path)).flatMap(kindsOf);
    expect(kinds).toEqual(["dynamic-import"]);
  });
});

describe("imports of types follow the same direction", () => {
  const files = new Set(sources.map(({ path }) => path));
  const graph = new Map(
    sources
      .filter(({ path }) => /^(src|views)\//.test(path) && !isTest(path))
      .map(({ path, text }) => [path, allImportsOf(path, text, files)]),
  );

  test("no cycle, types included", () => {
    expect(cyclesOf(graph)).toEqual([]);
  });

  test("a noun of the gateway imports nouns below it", () => {
    const nounOf = (path: string) => NOUNS.indexOf(/^src\/gateway\/([a-z-]+)\//.exec(path)?.[1] ?? "");
    const upwards = [...graph].flatMap(([from, all]) =>
      all.filter((to) => nounOf(from) !== -1 && nounOf(to) > nounOf(from)).map((to) => `${from} imports ${to}`),
    );
    expect(upwards).toEqual([]);
  });

  test("shared types import nothing but each other and the kinds of errors", () => {
    const outside = [...graph].flatMap(([from, all]) => (from.startsWith("src/domain/") ? all : []));
    expect(outside.filter((to) => !to.startsWith("src/domain/") && to !== "src/errors.ts")).toEqual([]);
  });

  test("the store's contract knows nothing of the gateway", () => {
    const outside = [...graph].flatMap(([from, all]) => (from.startsWith("src/db/") ? all.map((to) => `${from} imports ${to}`) : []));
    expect(outside.filter((line) => / src\/(gateway|api|admin|providers|cli)\//.test(line))).toEqual([]);
  });

  test("a cycle is found, also of types alone", () => {
    const chain = { "a.ts": 'import type { B } from "./b.ts";', "b.ts": 'export * from "./c.ts";', "c.ts": 'import { a } from "./a.ts";' };
    const all = new Set(Object.keys(chain));
    const graphOf = (texts: Record<string, string>) =>
      new Map(Object.entries(texts).map(([path, text]) => [path, allImportsOf(path, text, all)]));
    expect(cyclesOf(graphOf(chain)).map((cycle) => cycle.toSorted())).toEqual([["a.ts", "b.ts", "c.ts"]]);
    expect(cyclesOf(graphOf({ ...chain, "c.ts": "" }))).toEqual([]);
  });
});

describe("size", () => {
  const MAX_LINES = 300;
  const MAX_TEST_LINES = 500;
  const lines = (text: string) => text.split("\n").length - 1;
  const isLong = ({ path, text }: SourceFile) => lines(text) > (isTest(path) ? MAX_TEST_LINES : MAX_LINES);

  test(`a source file has at most ${MAX_LINES} lines, a test ${MAX_TEST_LINES}`, () => {
    const long = sources.filter((file) => isLong(file) && !file.path.startsWith("views/locales/"));
    expect(long.map(({ path, text }) => `${path}: ${lines(text)}`)).toEqual([]);
  });

  const DATA = /^views\/locales\/|\.fixtures\.ts$/;

  test("nine of ten source files have at most 200 lines", () => {
    const lengths = sources
      .filter(({ path }) => /^(src|views)\//.test(path) && !isTest(path) && !DATA.test(path))
      .map(({ text }) => lines(text));
    expect(lengths.toSorted((a, b) => a - b)[Math.floor(lengths.length * 0.9)]).toBeLessThanOrEqual(200);
  });

  test("a folder holds at most 35 files", () => {
    const folders = Map.groupBy(sources, ({ path }) => posix.dirname(path));
    const full = [...folders].filter(([, files]) => files.filter(({ path }) => !isTest(path)).length > 35 || files.length > 60);
    expect(full.map(([folder, files]) => `${folder}: ${files.length}`)).toEqual([]);
  });

  test("the linter holds a function to 80 lines and four parameters, tests apart", async () => {
    const { linter, overrides } = await Bun.file("biome.json").json();
    expect(linter.rules.complexity).toMatchObject({
      useMaxParams: { level: "error", options: { max: 4 } },
      noExcessiveLinesPerFunction: { level: "error", options: { maxLines: 80 } },
    });
    expect(overrides.flatMap(({ includes }: { includes: string[] }) => includes)).toEqual(["**/*.test.ts", "**/*.test.tsx", "test/**"]);
    const SUPPRESSED = /biome-ignore[^\n]*(noExcessiveLinesPerFunction|useMaxParams)/;
    expect(sources.filter(({ path, text }) => !isTest(path) && SUPPRESSED.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("fields are left out with `omit`, never into names of underscores", () => {
    const dropped = sources.filter(({ path, text }) => !isTest(path) && /[{,]\s*["\w$]+: _+\b\s*[,}]/.test(text));
    expect(dropped.map(({ path }) => path)).toEqual([]);
  });
});

describe("names", () => {
  const BANNED = new Set(["util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "handlers", "service", "services"]);

  test("a file is called after its noun, not after a shelf", () => {
    const shelves = sources.filter(({ path }) => path.split(/[/.-]/).some((word) => BANNED.has(word)));
    expect(shelves.map(({ path }) => path)).toEqual([]);
  });

  /** Words that stood for something of the field; what they became is what an engineer would search for. */
  const PAST = new Set(
    (
      "wish wishes member members lane lanes roster turnstile outlook remedy remedies keeper canary trail visitor door doors intake kept told tell tells " +
      "draft drafts parked killed stirred nudge anew aside medium surface surfaces strikes pace embedded cut learn observe condition runner book original " +
      "picture pictures"
    ).split(" "),
  );
  const wordsOf = (name: string) =>
    name
      .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .split(/[^a-z0-9]+/);
  const exportedNames = ({ text }: SourceFile) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|type|class|interface) (\w+)/gm)].map((match) => match[1]!);

  test("no file and no exported name is called by a word of the past", () => {
    const own = sources.filter(({ path }) => /^(src|views)\//.test(path));
    const files = own.filter(({ path }) => wordsOf(posix.basename(path)).some((word) => PAST.has(word))).map(({ path }) => path);
    const names = own.flatMap((file) =>
      exportedNames(file)
        .filter((name) => wordsOf(name).some((word) => PAST.has(word)))
        .map((name) => `${file.path}: ${name}`),
    );
    expect([...files, ...names]).toEqual([]);
  });

  /** A feature by the field's word, and the file that owns it. */
  const FEATURES: [word: string, file: string][] = [
    ["cooldown", "src/gateway/pool/health/cooldown.ts"],
    ["semaphore", "src/keyed-semaphore.ts"],
    ["strategies", "src/gateway/pool/strategies.ts"],
    ["ssrf", "src/gateway/media/ssrf-guard.ts"],
    ["temp-files", "src/gateway/media/temp-files.ts"],
    ["overrides", "src/gateway/models/catalogue/overrides.ts"],
    ["queue", "src/gateway/pool/wait-queue.ts"],
    ["worker", "src/gateway/jobs/worker.ts"],
    ["guard", "src/api/guard.ts"],
    ["job-state", "src/gateway/jobs/job-state.ts"],
    ["audit", "src/gateway/audit/audit.ts"],
    ["idempotency", "src/gateway/jobs/idempotency.ts"],
    ["webhooks", "src/gateway/jobs/webhooks.ts"],
    ["prices", "src/gateway/models/prices.ts"],
    ["retry", "src/gateway/generation/retry.ts"],
    ["limits", "src/gateway/limits/limits.ts"],
    ["refresh", "src/gateway/tokens/refresh.ts"],
    ["breaker", "src/gateway/pool/health/breaker.ts"],
    ["thumbnails", "src/gateway/media/thumbnails.ts"],
  ];

  test.each(FEATURES)("a file finder that is asked for %s shows its owner among at most five files", (word, owner) => {
    const found = sources.filter(({ path }) => path.startsWith("src/") && !isTest(path) && posix.basename(path).includes(word));
    expect(found.map(({ path }) => path)).toContain(owner);
    expect(found.length).toBeLessThanOrEqual(5);
    expect(openingLine(sources.find(({ path }) => path === owner)!.text)).toMatch(
      new RegExp(word.replace(/s$|ies$/, "").replace("-", "[ -]"), "i"),
    );
  });

  test("file names are kebab-case", () => {
    expect(sources.map(({ path }) => path).filter((path) => !/^[a-z0-9./-]+$/.test(path))).toEqual([]);
  });
});

describe("index", () => {
  test("every source file opens with a line that says what it is", () => {
    expect(sources.filter(({ text }) => openingLine(text) === null).map(({ path }) => path)).toEqual([]);
  });

  test("PROJECT_INDEX.md is fresh (bun run index)", async () => {
    const [written, fresh] = [await readIndex(), await indexText(sources)];
    const missing = fresh.split("\n").filter((line) => !written.includes(line));
    expect({ missing, fresh: written === fresh }).toEqual({ missing: [], fresh: true });
  });
});
