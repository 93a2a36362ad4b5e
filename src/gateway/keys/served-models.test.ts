// Served models: permitted, servable, short; all on demand.
import { expect, test } from "bun:test";
import type { Kind } from "../../domain/generation.ts";
import { CATALOGUE, FAMILIES, parseModel } from "../models/testing.ts";
import { asksForAll, modelsFor, type ServedModels } from "./served-models.ts";

const pool = (...families: string[]) => ({
  families: (kind: Kind) => new Set(FAMILIES.filter((one) => one.kind === kind && families.includes(one.id)).map(({ id }) => id)),
  isOff: () => false,
});
const everything = pool(...FAMILIES.map(({ id }) => id));
const served = (change: Partial<ServedModels> = {}): ServedModels => ({
  catalogue: CATALOGUE,
  pool: everything,
  successors: true,
  kinds: ["image", "video"],
  listsAll: false,
  ...change,
});
const ANY = { models: [], kinds: [] };
const ids = (...args: Parameters<typeof modelsFor>) => modelsFor(...args).map(({ id }) => id);

test("about twenty ids are for choosing, each with a name that says what it makes", () => {
  const entries = modelsFor(served(), ANY, false);
  expect(entries.length).toBeGreaterThan(15);
  expect(entries.length).toBeLessThan(26);
  expect(entries[0]).toMatchObject({ id: "gemini-nano-banana-2.1", name: "Nano Banana 2.1 · image", ownedBy: "google" });
  expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
  for (const { id, name, kind } of entries) {
    expect(name).toContain(` · ${kind}`);
    expect(id).not.toMatch(/dall-e|gpt-image|sora|landscape|portrait|_/);
  }
});

test("every id is listed on demand or by the setting", () => {
  expect(ids(served(), ANY, true).length).toBeGreaterThan(200);
  expect(ids(served({ listsAll: true }), ANY, false)).toEqual(ids(served(), ANY, true));
  expect(ids(served(), ANY, true)).toContain("dall-e-3");
});

test("a key that may use one model is shown that one, and the ids that it names", () => {
  expect(ids(served(), { models: ["gemini-nano-banana-2.1"], kinds: [] }, false)).toEqual(["gemini-nano-banana-2.1"]);
  expect(ids(served(), { models: ["dall-e-3", "imagen-4"], kinds: [] }, false)).toEqual([
    "imagen-4",
    "imagen-4.0-generate-001",
    "imagen-4.0-fast-generate-001",
    "imagen-4.0-ultra-generate-001",
    "dall-e-3",
  ]);
  const small = { pool: pool("gemini-nano-banana-2.1") };
  expect(ids(served(small), { models: ["gemini-nano-banana-2.1"], kinds: [] }, false)).toEqual(["gemini-nano-banana-2.1"]);
  expect(ids(served(), { models: ["gemini-3-pro-image-landscape"], kinds: [] }, false)).toEqual(["gemini-3-pro-image-landscape"]);
  expect(ids(served(), { models: [], kinds: ["video"] }, false).every((id) => parseModel(id)!.kind === "video")).toBe(true);
});

test("what the pool cannot serve is not shown", () => {
  const some = ids(served({ pool: pool("gemini-3-pro-image"), successors: false }), ANY, true);
  expect(some.every((id) => parseModel(id)!.families[0] === "gemini-3-pro-image")).toBe(true);
  expect(ids(served({ pool: pool() }), { models: ["gemini-3-pro-image"], kinds: [] }, true)).toEqual([]);
});

test.each([
  ["?all=true", true],
  ["?all=1", true],
  ["?all", true],
  ["?all=false", false],
  ["", false],
])("%s", (query, expected) => expect(asksForAll(`http://localhost/v1/models${query}`)).toBe(expected));
