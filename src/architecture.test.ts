// The house rules that a machine can see: who may import whom, how long a file is, what it is called, what it says of itself.
import { describe, expect, test } from "bun:test";
import { posix } from "node:path";
import { indexText, openingLine, readIndex, readSources, type SourceFile } from "../scripts/index.ts";

const sources = await readSources();

/** Open to every room but the simulator and the views. */
const OPEN = [
  "src/errors.ts",
  "src/clock.ts",
  "src/ids.ts",
  "src/log.ts",
  "src/http.ts",
  "src/config/nearest.ts",
  "src/config/settings-schema.ts",
  "src/config/settings-keys.ts",
  "src/version.ts",
];

/** What elysia is there for: all of it, its schema builder `t`, or nothing. */
type Elysia = "all" | "t" | "none";

/** A room: its files, what they may import (globs), and which packages. The first that holds a file counts. */
type Room = { files: string; may: string[]; elysia: Elysia; packages?: RegExp };

const ROOMS: Room[] = [
  { files: "views/**", may: ["views/**"], elysia: "none", packages: /^preact($|\/)/ },
  // Shares no reading of a wire format with the adapters it stands in for.
  { files: "src/simulator/**", may: ["src/simulator/**"], elysia: "all" },
  { files: "src/db/**", may: ["src/db/**", ...OPEN], elysia: "none" },
  { files: "src/providers/gemini/**", may: ["src/providers/gemini/**", "src/providers/*", ...OPEN], elysia: "t" },
  { files: "src/providers/flow/**", may: ["src/providers/flow/**", "src/providers/*", ...OPEN], elysia: "t" },
  { files: "src/providers/*", may: ["src/providers/*", ...OPEN], elysia: "t" },
  { files: "src/gateway/**", may: ["src/gateway/**", "src/metrics.ts", ...OPEN], elysia: "t" },
  { files: "src/api/openai/**", may: ["src/api/openai/**", "src/api/*", "src/gateway/**", "src/metrics.ts", ...OPEN], elysia: "all" },
  { files: "src/api/gemini/**", may: ["src/api/gemini/**", "src/api/*", "src/gateway/**", "src/metrics.ts", ...OPEN], elysia: "all" },
  { files: "src/api/*", may: ["src/api/**", "src/gateway/**", "src/metrics.ts", ...OPEN], elysia: "all" },
  // The description of the API reads the bodies of both dialects.
  { files: "src/api/openapi/**", may: ["src/api/**", ...OPEN], elysia: "all" },
  { files: "src/admin/**", may: ["src/admin/**", "src/gateway/**", "src/metrics.ts", "views/**", ...OPEN], elysia: "all" },
  { files: "src/version.ts", may: ["package.json"], elysia: "none" },
  { files: "src/config/settings-schema.ts", may: [], elysia: "t" },
  { files: `{${OPEN.join(",")},src/metrics.ts}`, may: OPEN, elysia: "none" },
  { files: "src/{config,settings-text}.ts", may: ["src/config/config.ts", ...OPEN], elysia: "none" },
  // What wires the rooms together; nobody of the rooms above may import it.
  { files: "src/{*,cli/**}", may: ["src/**", "views/**"], elysia: "all" },
  { files: "scripts/**", may: ["**"], elysia: "all" },
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
  const room = ROOMS.find(({ files }) => matches(files, file.path));
  if (!room) return [`${file.path} is in no room`];
  return importsOf(file)
    .filter((imported) => !(isPackage(imported) ? mayUse(room, file, imported) : mayImport(room, imported)))
    .map((imported) => `${file.path} imports ${imported}`);
}

const mayImport = (room: Room, imported: string) => !isTest(imported) && room.may.some((pattern) => matches(pattern, imported));

function mayUse(room: Room, file: SourceFile, name: string): boolean {
  if (name === "bun:sqlite") return /^src\/(db|cli)\//.test(file.path);
  if (name === "elysia" && room.elysia === "t") return namesFromElysia(file.text).every((taken) => taken === "t");
  if (/^(elysia|@elysiajs)(\/|$)/.test(name)) return room.elysia === "all";
  if (/^preact/.test(name)) return /^(views|src\/admin)\//.test(file.path);
  return room.packages?.test(name) ?? true;
}

describe("doors", () => {
  test("every run-time import goes through a door of architecture.md", () => {
    expect(sources.filter(({ path }) => !isTest(path)).flatMap(brokenRules)).toEqual([]);
  });

  const ELYSIA = 'import { Elysia } from "elysia"; new Elysia();';
  test.each([
    ["a view reads a rule", "views/keys/keys.tsx", 'import { refusalOf } from "./gateway/keys/keys.ts"; refusalOf();', false],
    [
      "a view knows a type",
      "views/keys/keys.tsx",
      'import type { KeyRow } from "./db/store.ts"; export const a = 1 as unknown as KeyRow;',
      true,
    ],
    ["a view opens a file", "views/keys/keys.tsx", 'import { readFileSync } from "node:fs"; readFileSync("x");', false],
    ["the simulator reads an adapter", "src/simulator/gemini.ts", 'import { a } from "../providers/gemini/convert.ts"; a();', false],
    ["the simulator uses our errors", "src/simulator/gemini.ts", 'import { AppError } from "../errors.ts"; new AppError();', false],
    ["the simulator has a server", "src/simulator/gemini.ts", ELYSIA, true],
    ["a dialect reads the other", "src/api/openai/chat/chat.ts", 'import { a } from "../gemini/encode.ts"; a();', false],
    ["a dialect loads the other later", "src/api/openai/chat/chat.ts", 'await import("../gemini/encode.ts");', false],
    ["a dialect uses the guard", "src/api/openai/chat/chat.ts", 'import { a } from "../guard.ts"; a();', true],
    ["an adapter reads the other", "src/providers/flow/client.ts", 'import { a } from "../gemini/client.ts"; a();', false],
    ["an adapter reads the gateway", "src/providers/flow/client.ts", 'import { a } from "../../gateway/models.ts"; a();', false],
    ["an adapter has a server", "src/providers/flow/client.ts", ELYSIA, false],
    ["an adapter has a schema", "src/providers/flow/client.ts", 'import { type Static, t } from "elysia"; t.String();', true],
    ["the gateway opens a database", "src/gateway/pool/pool.ts", 'import { openStore } from "../db/sqlite/store.ts"; openStore();', false],
    ["the gateway speaks SQL", "src/gateway/pool/pool.ts", 'import { Database } from "bun:sqlite"; new Database();', false],
    [
      "the gateway reads the settings' sources",
      "src/gateway/pool/pool.ts",
      'import { loadConfig } from "../config.ts"; loadConfig();',
      false,
    ],
    ["the database knows a rule", "src/db/sqlite/keys.ts", 'import { a } from "../../gateway/keys.ts"; a();', false],
    ["the admin uses a dialect", "src/admin/keys/routes.ts", 'import { a } from "../api/openai/encode.ts"; a();', false],
    ["a room uses the wiring", "src/admin/keys/routes.ts", 'import { createContext } from "../context.ts"; createContext();', false],
    ["the wiring uses a room", "src/context.ts", 'import { createPool } from "./gateway/pool/pool.ts"; createPool();', true],
    ["the program uses what tests share", "src/context.ts", 'import { virtualClock } from "./testing.ts"; virtualClock();', false],
  ])("%s", (_name, path, text, allowed) => {
    expect(brokenRules({ path, text })).toHaveLength(allowed ? 0 : 1);
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
});

describe("names", () => {
  const BANNED = new Set(["util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "handlers", "service", "services"]);

  test("a file is called after its noun, not after a shelf", () => {
    const shelves = sources.filter(({ path }) => path.split(/[/.-]/).some((word) => BANNED.has(word)));
    expect(shelves.map(({ path }) => path)).toEqual([]);
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
    const [written, fresh] = [await readIndex(), indexText(sources)];
    const missing = fresh.split("\n").filter((line) => !written.includes(line));
    expect({ missing, fresh: written === fresh }).toEqual({ missing: [], fresh: true });
  });
});
