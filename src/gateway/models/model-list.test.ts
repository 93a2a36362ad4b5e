// Facts about the catalogue, the choice of a family, and the list of models.

import { expect, test } from "bun:test";
import { IMAGE_SIZES, type Kind } from "../../domain/generation.ts";
import { chooseFamily } from "./choose-family.ts";
import flow from "./fixtures/flow-models.json";
import { listModels as list } from "./model-list.ts";
import { BUILT_IN_LAYER, CATALOGUE, FAMILIES, familyOf, nearestModels, parseModel } from "./testing.ts";

const providerServes = (...args: Parameters<typeof CATALOGUE.providerServes>) => CATALOGUE.providerServes(...args);
const listModels = (kinds: readonly Kind[], served: ReadonlySet<string>, successors = true) =>
  list(CATALOGUE, kinds, { canServe: (family) => served.has(family), successors });
const everything = new Set(FAMILIES.map((family) => family.id));
const pool =
  (...served: string[]) =>
  (family: string): boolean =>
    served.includes(family);

test("names lead to living families of their own kind", () => {
  for (const { kind, families: candidates } of BUILT_IN_LAYER.aliases)
    for (const id of candidates) expect(familyOf(id)?.kind, id).toBe(kind);
  for (const { kind, successors } of FAMILIES) for (const id of successors) expect(familyOf(id)?.kind, id).toBe(kind);
});

test("no spelling has two meanings", () => {
  const names = [...FAMILIES.flatMap(({ id, names }) => [id, ...names]), ...BUILT_IN_LAYER.aliases.flatMap(({ names }) => names)];
  const spellings = names.map((spelling) => spelling.replace(/[._@]/g, "-"));
  expect(spellings).toHaveLength(new Set(spellings).size);
});

test("the first family of a kind is the default", () => {
  expect([CATALOGUE.defaultFamily("image"), CATALOGUE.defaultFamily("video")]).toEqual(["gemini-nano-banana-2.1", "gemini-omni-1.2-flash"]);
});

test("sizes are ascending, and every size that can be made has a price", () => {
  for (const family of CATALOGUE.families("image")) {
    for (const { sizes, defaultSize, price } of Object.values(family.providers)) {
      expect(
        [...sizes].sort((a, b) => IMAGE_SIZES.indexOf(a) - IMAGE_SIZES.indexOf(b)),
        family.id,
      ).toEqual([...sizes]);
      for (const size of [...sizes, defaultSize]) expect(price.perImage[size], `${family.id} ${size}`).toBeNumber();
    }
  }
  for (const family of CATALOGUE.families("video")) {
    for (const { resolutions, price } of Object.values(family.providers)) {
      for (const resolution of resolutions) expect(price.perSecond[resolution], `${family.id} ${resolution}`).toBeNumber();
    }
  }
});

test("a token whose list is not known yet is not expected to have what only some projects have", () => {
  expect(providerServes("gemini", "gemini-2.5-flash-image", null)).toBe(false);
  expect(providerServes("gemini", "gemini-2.5-flash-image", ["gemini-2.5-flash-image"])).toBe(true);
  expect(providerServes("gemini", "gemini-3-pro-image", null)).toBe(true);
  expect(providerServes("gemini", "gemini-3-pro-image", ["gemini-nano-banana-2.1"])).toBe(false);
  expect(providerServes("gemini", "imagen-4", null)).toBe(false);
  expect(providerServes("flow", "imagen-4", null)).toBe(true);
  expect(providerServes("flow", "dall-e-3", null)).toBe(false);
});

const CHOICES: readonly [what: string, id: string, served: string[], successors: boolean, family: string | null, isSuccessor: boolean][] = [
  ["a living family serves itself", "gemini-3-pro-image-2k", ["gemini-3-pro-image"], false, "gemini-3-pro-image", false],
  ["a preview is the model it became", "gemini-3-pro-image-preview", ["gemini-3-pro-image"], false, "gemini-3-pro-image", false],
  ["a living family without tokens has no stand-in", "gemini-3-pro-image", ["gemini-nano-banana-2.1"], true, null, false],
  [
    "2.5 serves itself where a token has it",
    "nano-banana",
    ["gemini-2.5-flash-image", "gemini-nano-banana-2.1"],
    true,
    "gemini-2.5-flash-image",
    false,
  ],
  [
    "2.5 elsewhere is served by 2.1",
    "gemini-2.5-flash-image",
    ["gemini-3-pro-image", "gemini-nano-banana-2.1"],
    true,
    "gemini-nano-banana-2.1",
    true,
  ],
  ["successors can be switched off", "gemini-2.5-flash-image", ["gemini-nano-banana-2.1"], false, null, false],
  ["a retired model needs successors", "imagen-3.0-generate-002", ["imagen-4", "gemini-nano-banana-2.1"], false, null, false],
  ["Imagen 3 becomes Imagen 4 on Flow", "imagen-3.0-generate-002", ["imagen-4", "gemini-nano-banana-2.1"], true, "imagen-4", true],
  ["dall-e-3 is served by what there is", "dall-e-3", ["gemini-3-pro-image"], true, "gemini-3-pro-image", true],
  ["Veo lives on Flow", "veo-3.1-generate-preview", ["veo-3.1", "gemini-omni-1.2-flash"], false, "veo-3.1", false],
  ["Veo without Flow becomes Omni", "veo-3.1-generate-preview", ["gemini-omni-1.1-flash"], true, "gemini-omni-1.1-flash", true],
];

for (const [what, id, served, successors, family, isSuccessor] of CHOICES) {
  test(what, () => {
    const chosen = chooseFamily(parseModel(id)!, { canServe: pool(...served), successors });
    expect(chosen).toEqual(family === null ? null : { family, successorOf: isSuccessor ? id : null });
  });
}

test("among families that can be served, one that fits the request goes first; when none fits the first serves", () => {
  const choice = parseModel("imagen-4.0-generate-001")!;
  const served = pool("imagen-4", "gemini-nano-banana-2.1");
  const fits = (family: string) => family !== "imagen-4";
  expect(chooseFamily(choice, { canServe: served, successors: true, fits })).toEqual({
    family: "gemini-nano-banana-2.1",
    successorOf: "imagen-4.0-generate-001",
  });
  expect(chooseFamily(choice, { canServe: served, successors: false, fits })).toEqual({ family: "imagen-4", successorOf: null });
});

test("a pool that serves everything lists every id and alias of python-flow2api", () => {
  const ids = new Set(listModels(["image", "video"], everything).map((entry) => entry.id));
  for (const { id } of flow.models) expect(ids.has(id), id).toBe(true);
  for (const { alias } of flow.aliases) expect(ids.has(alias), alias).toBe(true);
});

test("listed ids are unique, understood, and of the kinds asked for", () => {
  const entries = listModels(["image"], everything);
  expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
  for (const entry of entries) expect(parseModel(entry.id)?.kind, entry.id).toBe("image");
  expect(listModels([], everything)).toEqual([]);
});

test("every pattern of listed ids expands to ids that are understood", () => {
  expect(BUILT_IN_LAYER.listed.image!.length + BUILT_IN_LAYER.listed.video!.length).toBeGreaterThan(0);
  for (const entry of listModels(["image", "video"], everything)) expect(entry.id).not.toMatch(/[{},]/);
});

test("a name is listed when what serves it is in the pool", () => {
  const entries = listModels(["image", "video"], new Set(["gemini-nano-banana-2.1"]));
  const ids = entries.map((entry) => entry.id);
  expect(ids).toContain("gemini-nano-banana-2.1");
  expect(ids).toContain("gemini-2.5-flash-image-landscape");
  expect(ids).toContain("dall-e-3");
  expect(ids).not.toContain("gemini-3.0-pro-image-landscape");
  expect(ids).not.toContain("omni");
  expect(entries.every((entry) => entry.family === "gemini-nano-banana-2.1")).toBe(true);
});

test("with successors switched off only what is named is listed", () => {
  const ids = listModels(["image"], new Set(["gemini-nano-banana-2.1"]), false).map((entry) => entry.id);
  expect(ids).toEqual(["gemini-nano-banana-2.1"]);
});

test("an entry says what the id fixes and when a successor serves it", () => {
  const entries = listModels(["image", "video"], everything);
  const entry = (id: string) => entries.find((candidate) => candidate.id === id);
  expect(entry("gemini-3.0-pro-image-four-three-4k")).toEqual({
    id: "gemini-3.0-pro-image-four-three-4k",
    kind: "image",
    family: "gemini-3-pro-image",
    created: Date.UTC(2026, 4, 28) / 1000,
    ownedBy: "google",
    name: "Gemini 3 Pro Image, 4:3, 4K · image (gemini-3.0-pro-image-four-three-4k)",
    description: "Gemini 3 Pro Image, 4:3, 4K",
  });
  expect(entry("veo_3_1_i2v_s_fast_portrait_4s_fl")?.description).toBe("Veo 3.1, 9:16, 4 s, fast, first frame or frames");
  expect(entry("dall-e-3")?.description).toBe("Nano Banana 2.1 (successor of the model named)");
});

test("a misspelt id is answered by the ids nearest to it", () => {
  expect(nearestModels("gemini-3-pro-imge", 3)[0]).toBe("gemini-3-pro-image");
  expect(nearestModels("GEMINI-3.0-PRO-IMAGE-LANDSCAP", 3)).toContain("gemini-3.0-pro-image-landscape");
  expect(nearestModels("dalle-3", 1)).toEqual(["dall-e-3"]);
  expect(nearestModels("gemini-3-pro", 1)).toEqual(["gemini-3-pro-image"]);
  expect(nearestModels("veo-4", 1)[0]).toStartWith("veo-3");
  expect(nearestModels("gemini-omni", 1)[0]).toStartWith("gemini-omni");
  expect(nearestModels("sora2", 1)).toEqual(["sora-2"]);
  expect(nearestModels("gemini-2.5-flash", 1)).toEqual(["gemini-2.5-flash-image"]);
});

test("before a token has reported, it is taken to serve what its provider gives to everybody", () => {
  expect(CATALOGUE.servedFamilies("gemini", null)).toContain("gemini-nano-banana-2.1");
  expect(CATALOGUE.servedFamilies("gemini", null)).not.toContain("gemini-2.5-flash-image");
  expect(CATALOGUE.servedFamilies("flow", null)).toContain("imagen-4");
  expect(CATALOGUE.servedFamilies("other", null)).toEqual([]);
});
