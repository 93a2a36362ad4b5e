// The code of docs/clients.md, run as it stands there against the executable, with an address and a key in place of HOST:8000 and sk-f2a-….
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, startProgram } from "../executable.ts";
import { pythonOf } from "../python.ts";
import { isMp4 } from "./replay.ts";

setDefaultTimeout(120_000);

const root = join(import.meta.dir, "..", "..");
type Recipe = { title: string; language: "ts" | "python"; code: string; files: string[] };

/** Code blocks by the heading in bold, or the text, that stands before them. */
function recipesOf(markdown: string): Recipe[] {
  const found = markdown.matchAll(/^```(ts|python)\n([\s\S]*?)^```$/gm);
  return [...found].map(([whole, language, code], index) => {
    const before = markdown.slice(0, markdown.indexOf(whole));
    const title = [...before.matchAll(/\*\*([^*\n]+)\*\*/g)].at(-1)?.[1] ?? "";
    const files = [...code!.matchAll(/"(\w+\.(?:png|mp4))"(?:, "wb"|, (?:await|Buffer|imageIn|fox|files)|\))/g)].map(([, file]) => file!);
    return {
      title: `${index + 1}: ${title} (${language})`,
      language: language as Recipe["language"],
      code: code!,
      files: [...new Set(files)],
    };
  });
}

const RECIPES = recipesOf(readFileSync(join(root, "docs", "clients.md"), "utf8"));
const python = RECIPES.some(({ language }) => language === "python") ? pythonOf("FLOW2API_TEST_PYTHON_NEWEST") : null;

let program: Program;
let folder: string;
beforeAll(async () => {
  program = await startProgram({ simulator: { videoMs: 0, fileMs: 0 } });
  // Inside the checkout, so that imports find the packages that the lock file pins.
  mkdirSync(join(root, "dist"), { recursive: true });
  folder = mkdtempSync(join(root, "dist", "recipes-"));
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a recipe in a folder of its own; the files that it left. */
async function run({ language, code }: Recipe, name: string): Promise<Map<string, Uint8Array>> {
  const own = join(folder, name);
  mkdirSync(own);
  const script = join(own, language === "ts" ? "recipe.ts" : "recipe.py");
  writeFileSync(script, code.replaceAll("http://HOST:8000", program.url).replaceAll("sk-f2a-…", program.key));
  const command = language === "ts" ? [process.execPath, script] : [python!.path, "-W", "ignore", script];
  const child = Bun.spawn(command, {
    cwd: own,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: "True" },
  });
  const [stderr] = await Promise.all([new Response(child.stderr).text(), new Response(child.stdout).text()]);
  if ((await child.exited) !== 0) throw new Error(stderr.slice(-2000));
  return new Map(readdirSync(own).map((file) => [file, readFileSync(join(own, file))]));
}

const isImage = (bytes: Uint8Array) => /^(89504e47|ffd8ff)/.test(Buffer.from(bytes.subarray(0, 4)).toString("hex"));

test("the page has recipes for every client library that it names, each with the files that it makes", () => {
  const all = RECIPES.map(({ code }) => code).join("\n");
  const libraries = [
    '"openai"',
    "from openai",
    '"@google/genai"',
    "from google import genai",
    '"@google/generative-ai"',
    "google.generativeai",
  ];
  for (const library of [...libraries, '"@langchain/google-genai"', "import litellm", '"ai"', "vertexai=True"])
    expect(all).toContain(library);
  expect(RECIPES.filter(({ files }) => files.length === 0)).toEqual([]);
});

describe.each(RECIPES)("$title", (recipe) => {
  test.skipIf(recipe.language === "python" && !python?.isThere)("runs as written and leaves what it says", async () => {
    const left = await run(recipe, recipe.title.replace(/\W+/g, "-"));
    for (const file of recipe.files) {
      const bytes = left.get(file) ?? new Uint8Array();
      expect([file, file.endsWith(".mp4") ? isMp4(bytes) : isImage(bytes)]).toEqual([file, true]);
    }
  });
});

test("the recipe of @google/genai runs with its newest version as well", async () => {
  const recipe = RECIPES.find(({ code }) => code.includes('"@google/genai"'))!;
  const left = await run({ ...recipe, code: recipe.code.replace('"@google/genai"', '"genai-3"') }, "genai-3");
  expect([...left.keys()]).toEqual(expect.arrayContaining(recipe.files));
});
