// Facts about model ids: every id of python-flow2api and every id that clients hard-code.

import { expect, test } from "bun:test";
import type { Tier, VideoMode } from "../../domain/generation.ts";
import type { VideoFamily } from "./family.ts";
import flow from "./fixtures/flow-models.json";
import type { ModelChoice, ModelParameters } from "./parse-model.ts";
import { FAMILIES, familyOf, parseModel } from "./testing.ts";

const INPUTS: Record<string, readonly [min: number, max: number]> = {
  text: [0, 0],
  first_frame: [1, 1],
  frames: [2, 2],
  references: [1, 3],
  extend: [0, 0],
};
const MODES: Record<string, readonly VideoMode[]> = {
  t2v: ["text"],
  i2v: ["first_frame", "frames"],
  r2v: ["references", "text"],
  extend: ["extend"],
  omni: [],
};

function parsed(id: string): ModelChoice {
  const choice = parseModel(id);
  if (!choice) throw new Error(`${id} is not understood`);
  return choice;
}

function flowVideo({ families: [id] }: ModelChoice) {
  return (familyOf(id) as VideoFamily).providers.flow!;
}

function planOf({ families: [id], params }: ModelChoice): Tier {
  const limits = familyOf(id)!.providers.flow as { minTier: Record<string, Tier | undefined> };
  const wanted = params.size ?? params.resolution;
  return Math.max(params.tier ?? 0, (wanted && limits.minTier[wanted]) ?? 0) as Tier;
}

test("the fixture holds all 214 ids and 59 aliases", () => {
  expect([flow.models.length, flow.aliases.length]).toEqual([214, 59]);
});

for (const model of flow.models.filter((model) => model.kind === "image")) {
  test(`${model.id} is ${model.ratio} in ${model.upscale ?? "the normal size"}`, () => {
    const choice = parsed(model.id);
    expect({ kind: choice.kind, retired: choice.retired }).toEqual({ kind: "image", retired: false });
    expect<ModelParameters>(choice.params).toEqual({
      aspect: model.ratio as never,
      ...(model.upscale && { size: model.upscale.toUpperCase() as never }),
    });
    expect<number>(planOf(choice)).toBe(model.minTier);
  });
}

for (const model of flow.models.filter((model) => model.kind === "video")) {
  test(`${model.id} is ${model.mode}, ${model.ratio}, ${model.seconds} s, ${model.upscale ?? "not upscaled"}`, () => {
    const choice = parsed(model.id);
    const { params } = choice;
    const limits = flowVideo(choice);
    expect({ kind: choice.kind, retired: choice.retired }).toEqual({ kind: "video", retired: false });
    expect<string>(params.aspect ?? limits.defaultAspect).toBe(model.ratio);
    expect<string | null>(params.resolution ?? null).toBe(model.upscale);
    const modes = params.modes ?? (Object.keys(limits.modes) as VideoMode[]);
    for (const mode of params.modes ?? []) expect(MODES[model.mode]).toContain(mode);
    expect(params.seconds ?? limits.modes[modes[0]!]!.seconds.default).toBe(model.seconds!);
    for (const mode of modes) expect(limits.modes[mode]!.seconds.values).toContain(model.seconds!);
    const inputs = modes.map((mode) => INPUTS[mode]!);
    expect(Math.min(...inputs.map(([min]) => min))).toBe(model.minImages);
    expect(Math.max(...inputs.map(([, max]) => max))).toBe(model.maxImages!);
    expect<number>(planOf(choice)).toBe(model.minTier);
  });
}

test("an alias of python-flow2api means the same family as the ids it chooses from, and leaves the aspect open", () => {
  for (const { alias, landscape, portrait } of flow.aliases) {
    const { families, params } = parsed(alias);
    expect(params.aspect, alias).toBeUndefined();
    expect(parsed(landscape), landscape).toMatchObject({ families, params: { ...params, ...parsed(landscape).params } });
    expect(parsed(portrait).params, portrait).toEqual({ ...params, aspect: "9:16" });
  }
});

test("ids that python-flow2api once had are understood, Veo 2 and 3.0 as retired", () => {
  for (const id of flow.historical) {
    const choice = parsed(id);
    expect(choice.params.aspect, id).toBe(id.endsWith("portrait") ? "9:16" : "16:9");
    expect(choice.retired, id).toBe(/^veo_(2|3_0)/.test(id));
  }
});

test("names seen in other Flow clients are understood", () => {
  for (const id of flow.seenElsewhere) expect(parseModel(id), id).not.toBeNull();
  expect(parsed("abra_r2v_10s")).toMatchObject({ families: ["omni", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"] });
  expect(parsed("abra_r2v_10s").params).toEqual({ modes: ["references", "text"], seconds: 10 });
});

test("the model words of a Veo id fix quality, tier and speed", () => {
  expect(parsed("veo_3_1_t2v_lite_4s_portrait").params).toEqual({ aspect: "9:16", seconds: 4, modes: ["text"], quality: "lite" });
  expect(parsed("veo_3_1_i2v_lite_landscape").params.modes).toEqual(["first_frame"]);
  expect(parsed("veo_3_1_interpolation_lite").params.modes).toEqual(["frames"]);
  expect(parsed("veo_3_1_r2v_fast_portrait_ultra_relaxed").params).toEqual({
    aspect: "9:16",
    modes: ["references", "text"],
    quality: "fast",
    tier: 2,
    relaxed: true,
  });
});

const AFTER_FLASH = ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "gemini-3-pro-image"];
const AFTER_VEO = ["veo-3.1", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"];
const LIVING = false;
const RETIRED = true;

const HARD_CODED: readonly [id: string, families: readonly string[], retired: boolean, params?: ModelParameters][] = [
  ["gemini-3-pro-image-preview", ["gemini-3-pro-image"], LIVING],
  ["gemini-3-pro-image-preview-2k", ["gemini-3-pro-image"], LIVING, { size: "2K" }],
  ["nano-banana-pro", ["gemini-3-pro-image"], LIVING],
  ["nano-banana-pro-preview", ["gemini-3-pro-image"], LIVING],
  ["nano-banana-2", ["gemini-3.1-flash-image", "gemini-nano-banana-2.1", "gemini-3-pro-image"], LIVING],
  ["nano-banana-2.1", ["gemini-nano-banana-2.1"], LIVING],
  ["gemini-nano-banana-2.1-21x9-4k", ["gemini-nano-banana-2.1"], LIVING, { aspect: "21:9", size: "4K" }],
  ["nano-banana", ["gemini-2.5-flash-image", ...AFTER_FLASH], LIVING],
  ["gemini-3.1-flash-image-preview", ["gemini-3.1-flash-image", "gemini-nano-banana-2.1", "gemini-3-pro-image"], LIVING],
  ["gemini-2.5-flash-image-preview", ["gemini-2.5-flash-image", ...AFTER_FLASH], LIVING],
  ["gemini-2.0-flash-preview-image-generation", AFTER_FLASH, RETIRED],
  ["gemini-3.1-flash-lite-image", ["gemini-3.1-flash-lite-image"], LIVING],
  ["imagen-4.0-generate-001", ["imagen-4", ...AFTER_FLASH], LIVING],
  ["imagen-4.0-generate-preview-06-06", ["imagen-4", ...AFTER_FLASH], LIVING],
  ["imagen-4.0-ultra-generate-001", ["imagen-4", ...AFTER_FLASH], RETIRED],
  ["imagen-4.0-fast-generate-001", ["imagen-4", ...AFTER_FLASH], RETIRED],
  ["imagen-3.0-generate-002", ["imagen-4", ...AFTER_FLASH], RETIRED],
  ["imagegeneration@006", ["imagen-4", ...AFTER_FLASH], RETIRED],
  ["dall-e-2", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["dall-e-3", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-1", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-1-mini", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-1.5", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-2", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-2.5-sunburst", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gpt-image-2.6-flare", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["chatgpt-image-latest", [...AFTER_FLASH, "imagen-4"], RETIRED],
  ["gemini-omni-1.2-flash", ["gemini-omni-1.2-flash"], LIVING],
  ["gemini-omni-1.1-flash", ["gemini-omni-1.1-flash", "gemini-omni-1.2-flash"], LIVING],
  ["gemini-omni-flash-preview", ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash"], RETIRED],
  ["veo-3.1-generate-preview", AFTER_VEO, LIVING],
  ["veo-3.1-generate-001", AFTER_VEO, LIVING],
  ["veo-3.1-fast-generate-preview", AFTER_VEO, LIVING, { quality: "fast" }],
  ["veo-3.1-fast-generate-001", AFTER_VEO, LIVING, { quality: "fast" }],
  ["veo-3.1-lite-generate-preview", AFTER_VEO, LIVING, { quality: "lite" }],
  ["veo-3.0-generate-001", AFTER_VEO, RETIRED],
  ["veo-3.0-fast-generate-preview", AFTER_VEO, RETIRED, { quality: "fast" }],
  ["veo-2.0-generate-001", AFTER_VEO, RETIRED],
  ["sora-2", ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "veo-3.1", "omni"], RETIRED],
  ["sora-2-pro", ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "veo-3.1", "omni"], RETIRED],
];

for (const [id, families, retired, params = {}] of HARD_CODED) {
  test(`${id} is served by ${families[0]}${retired ? ", its successor" : ""}`, () => {
    expect(parsed(id)).toMatchObject({ requested: id, retired, params });
    expect(parsed(id).families).toEqual(families as [string]);
    expect(parsed(id).params).toEqual(params);
  });
}

test("prefixes, the :image suffix, case, and the kind of separator do not count", () => {
  const plain = parsed("gemini-3.0-pro-image-four-three-4k");
  for (const id of [
    "models/gemini-3.0-pro-image-four-three-4k",
    "google/gemini-3.0-pro-image-four-three-4k",
    "publishers/google/models/gemini-3.0-pro-image-four-three-4k:image",
    "Gemini_3_0_Pro_Image_Four_Three_4K",
    "gemini-3-0-pro-image-4k-four-three",
    " gemini-3.0-pro-image-4x3-4k ",
  ]) {
    expect(parsed(id), id).toEqual({ ...plain, requested: id.trim() });
  }
});

const UNKNOWN = [
  "",
  "gpt-4o",
  "gpt-image-3",
  "gemini-3-pro",
  "gemini-3-pro-image-wide",
  "gemini-3-pro-image-landscape-portrait",
  "gemini-3-pro-image-2k-4k",
  "gemini-3-pro-image--2k",
  "gemini-3-pro-image-4s",
  "veo_3_1_t2v_i2v",
  "veo_3_1_t2v_fast_lite",
  "veo_4_0_t2v",
  "omni_constructor",
  "__proto__",
  "gemini-3-pro-image\r\nx-injected: 1",
  "gemini-3-pro-image-2\u212a",
  `gemini-3-pro-image${"-2k".repeat(200)}`,
];

for (const id of UNKNOWN) {
  test(`${JSON.stringify(id.slice(0, 60))} means nothing`, () => {
    expect(parseModel(id)).toBeNull();
  });
}

test("every family id means that family and nothing else", () => {
  for (const family of FAMILIES) {
    const choice = parsed(family.id);
    expect([choice.families[0], choice.kind, choice.retired, choice.params]).toEqual([family.id, family.kind, false, {}]);
  }
});
