// The list of acceptance checks is whole: each number of the wire reference, part E, begins the name of a test; each client has a recipe.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findSetting } from "../src/config/settings-keys.ts";
import { parseModel } from "../src/gateway/models/testing.ts";

const CHECKS = [...Array.from({ length: 40 }, (_, index) => String(index + 1)), "32b"];
const testFiles = readdirSync(import.meta.dir, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".test.ts"));
const sources = testFiles.map((name) => readFileSync(join(import.meta.dir, name), "utf8"));
const recipes = readFileSync(join(import.meta.dir, "..", "docs", "clients.md"), "utf8");

test("every acceptance check has a test that begins with its number", () => {
  const named = (check: string) => sources.some((text) => text.includes(`"${check}: `));
  expect(CHECKS.filter((check) => !named(check))).toEqual([]);
});

test.each([
  ["open-webui", "Open WebUI"],
  ["lobehub", "LobeHub"],
  ["cherry-studio", "Cherry Studio"],
  ["nextchat", "NextChat"],
  ["sillytavern", "SillyTavern"],
  ["n8n", "n8n"],
  ["librechat", "LibreChat"],
  ["dify", "Dify"],
])("%s is replayed and has a recipe", (file, name) => {
  expect(testFiles).toContain(join("clients", `${file}.test.ts`));
  expect(recipes).toContain(`\n## ${name}\n`);
});

test("the recipes name models and settings that exist", () => {
  const quoted = [...recipes.matchAll(/[`"+]([a-z0-9.-]+-[a-z0-9.-]+|sora-2)["`,]/g)].map(([, id]) => id!);
  const models = quoted.filter((id) => /^(gemini|veo|imagen|sora|dall-e|gpt-image)-/.test(id));
  expect(models.length).toBeGreaterThan(10);
  expect(models.filter((id) => parseModel(id) === null)).toEqual([]);
  const settings = [...recipes.matchAll(/`((?:server|chat|media|generation)\.[a-z_]+)/g)].map(([, key]) => key!);
  expect(settings.length).toBeGreaterThan(3);
  expect(settings.filter((key) => !findSetting(key))).toEqual([]);
});
