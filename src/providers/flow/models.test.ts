// Every video id of python-flow2api leads to the model key that it led to there.
import { describe, expect, test } from "bun:test";
import type { Tier, VideoMode } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import { parseModel } from "../../gateway/models/testing.ts";
import { builtInModels } from "../testing.ts";
import FACTS from "./fixtures/video-keys.json" with { type: "json" };
import { tierOf, VIDEO_UPSCALES, type VideoChoice, videoModelKey } from "./models.ts";

const MODELS = builtInModels("flow");

type Fact = (typeof FACTS.models)[number];

/** The key that a token of this plan is asked for, with the parameters that the id fixes. */
function keyOf(choice: ModelChoice, mode: VideoMode, plan: Tier | undefined): string {
  const { seconds, quality, relaxed } = choice.params;
  const aspect = choice.params.aspect === "9:16" ? "9:16" : "16:9";
  return videoModelKey({ wire: MODELS.find(choice.families[0])!.wire, mode, aspect, seconds, quality, relaxed, plan });
}

const withOneFrame = (fact: Fact, plan: Tier) => (plan === 2 ? fact.tierTwo.replace(/_fl$/, "") : fact.single!);
const withoutLane = (key: string) => key.replace("r2v", "t2v").replace("_landscape", "");

/** What an id leads to, by what the request starts from; where the id says nothing of a mode, it has none. */
function expected(fact: Fact, plan: Tier): Partial<Record<VideoMode, string>> {
  const key = plan === 2 ? fact.tierTwo : fact.key;
  if (fact.mode === "t2v") return { text: key };
  if (fact.mode === "extend") return { extend: key };
  if (fact.mode === "omni") return { text: key, references: fact.withReferences! };
  // Without references python-flow2api sent the references' key to the endpoint for words, which takes other keys.
  if (fact.mode === "r2v") return { references: key, text: withoutLane(key) };
  const [least, most] = fact.images;
  return { ...(least === 1 ? { first_frame: withOneFrame(fact, plan) } : {}), ...(most === 2 ? { frames: key } : {}) };
}

describe("an id of python-flow2api is asked for by its own key", () => {
  for (const fact of FACTS.models) {
    const plans = ([0, 1, 2] as const).filter((plan) => plan >= fact.minTier);
    test(`${fact.id}: ${fact.key}`, () => {
      const choice = parseModel(fact.id)!;
      for (const plan of plans) {
        for (const [mode, key] of Object.entries(expected(fact, plan))) {
          expect([mode, plan, keyOf(choice, mode as VideoMode, plan)]).toEqual([mode, plan, key]);
          if (choice.params.modes) expect(choice.params.modes).toContain(mode as VideoMode);
        }
      }
      const upscale = fact.upscale && VIDEO_UPSCALES[choice.params.resolution!];
      expect(upscale && { resolution: upscale.resolution, key: upscale.videoModelKey }).toEqual(
        fact.upscale && { resolution: fact.upscale.resolution, key: fact.upscale.key },
      );
      if (upscale) expect(upscale.minPlan).toBeLessThanOrEqual(fact.minTier);
    });
  }

  test("and the ids lead to all 55 keys and to no other", () => {
    const produced = new Set(Object.values(VIDEO_UPSCALES).map((upscale) => upscale.videoModelKey));
    for (const fact of FACTS.models) {
      const choice = parseModel(fact.id)!;
      for (const plan of [0, 1, 2] as const) {
        const modes = plan < fact.minTier ? [] : Object.keys(expected(fact, plan));
        for (const mode of modes) produced.add(keyOf(choice, mode as VideoMode, plan));
      }
    }
    expect([FACTS.models.length, FACTS.keys.length]).toEqual([182, 55]);
    expect([...produced].sort()).toEqual([...FACTS.keys].sort());
  });
});

const choice = (change: Partial<VideoChoice>): VideoChoice => ({ wire: "veo_3_1", mode: "text", aspect: "16:9", plan: 1, ...change });

test.each([
  ["a fast video on the highest plan has a lane of its own", { quality: "fast", plan: 2 }, "veo_3_1_t2v_fast_ultra"],
  ["a plan that is not known is not the highest", { quality: "fast", plan: undefined }, "veo_3_1_t2v_fast"],
  ["quality is what nobody named", {}, "veo_3_1_t2v"],
  ["references are fast when nobody named a quality", { mode: "references", aspect: "9:16" }, "veo_3_1_r2v_fast_portrait"],
  ["a short video has one key for both aspects", { seconds: 6, aspect: "9:16" }, "veo_3_1_t2v_quality_6s"],
  ["a short video has no lane of the highest plan", { seconds: 4, quality: "fast", plan: 2 }, "veo_3_1_t2v_fast_4s"],
  ["two frames of lite are an interpolation", { mode: "frames", quality: "lite", aspect: "9:16" }, "veo_3_1_interpolation_lite"],
  ["an extension is named by its aspect", { mode: "extend", aspect: "9:16" }, "veo_3_1_extend_portrait"],
  ["Omni names its seconds", { wire: "abra", mode: "references", seconds: 10 }, "abra_r2v_10s"],
] as [string, Partial<VideoChoice>, string][])("%s", (_, change, key) => {
  expect(videoModelKey(choice(change))).toBe(key);
});

test.each([
  ["another family", { wire: "gemini-omni-1.2-flash" }, "upstream_model_denied"],
  ["a name of every object", { wire: "constructor" }, "upstream_model_denied"],
  ["an edit", { mode: "edit" }, "upstream_invalid"],
  ["five seconds", { seconds: 5 }, "upstream_invalid"],
  ["an extension by eight seconds", { mode: "extend", seconds: 8 }, "upstream_invalid"],
  ["references in lite", { mode: "references", quality: "lite" }, "upstream_invalid"],
  ["references for four seconds", { mode: "references", seconds: 4 }, "upstream_invalid"],
  ["the relaxed lane for quality", { relaxed: true }, "upstream_invalid"],
  ["the relaxed lane for four seconds", { relaxed: true, quality: "fast", seconds: 4 }, "upstream_invalid"],
  ["Omni from a first frame", { wire: "abra", mode: "first_frame" }, "upstream_invalid"],
  ["Omni for three seconds", { wire: "abra", seconds: 3 }, "upstream_invalid"],
  ["Omni in the relaxed lane", { wire: "abra", relaxed: true }, "upstream_invalid"],
] as [string, Partial<VideoChoice>, string][])("%s is refused", (_, change, kind) => {
  let error: unknown;
  try {
    videoModelKey(choice(change));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(AppError);
  expect((error as AppError).kind as string).toBe(kind);
});

test("a session can be expected to serve videos, on every plan", () => {
  expect(MODELS.assumed()).toEqual(expect.arrayContaining(["veo-3.1", "omni"]));
  expect([0, 1, 2, 3, "2", undefined].map(tierOf)).toEqual([0, 1, 2, undefined, undefined, undefined]);
});
