// What options for a video becomes at each provider, and what is refused with which reason.

import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import { parseModel, video } from "./testing.ts";
import { chooseVideo, type VideoNeeds, videoNeeds } from "./video-options.ts";

const OMNI = "gemini-omni-1.2-flash";
const needs = (change: Partial<VideoNeeds> = {}): VideoNeeds => ({ images: 0, hasSource: false, ...change });
const fit = (family: string, change: Partial<VideoNeeds> = {}) => Object.values(chooseVideo(video(family), needs(change)).fits)[0]!;

function refusalOf(family: string, change: Partial<VideoNeeds>): string {
  try {
    chooseVideo(video(family), needs(change));
  } catch (error) {
    if (error instanceof AppError && error.kind === "invalid_request") return error.message;
  }
  return "accepted";
}

describe("the mode comes from the inputs", () => {
  test.each([
    [OMNI, 0, false, "text"],
    [OMNI, 1, false, "first_frame"],
    [OMNI, 2, false, "frames"],
    [OMNI, 3, false, "references"],
    [OMNI, 0, true, "edit"],
    ["omni", 1, false, "references"],
    ["omni", 2, false, "references"],
    ["veo-3.1", 2, false, "frames"],
  ] as const)("%s with %p images, video %p: %s", (family, images, hasSource, mode) =>
    expect(fit(family, { images, hasSource }).mode).toBe(mode),
  );

  test("a request that names its mode gets it", () => {
    expect(fit(OMNI, { images: 1, mode: "references" }).mode).toBe("references");
    expect(fit(OMNI, { hasSource: true, mode: "extend" }).mode).toBe("extend");
  });

  test("a model id that fixes what it starts from lets the inputs choose among that", () => {
    const ofId = (id: string, images: number) => {
      const choice = parseModel(id)!;
      const order = { options: {}, images: Array.from({ length: images }, () => ({ mime: "image/png", data: new Blob() })) };
      return Object.values(chooseVideo(video("veo-3.1"), videoNeeds(choice.params, order)).fits)[0]!.mode;
    };
    expect(ofId("veo_3_1_t2v_fast_landscape", 0)).toBe("text");
    expect(ofId("veo_3_1_i2v_s_fast_fl", 1)).toBe("first_frame");
    expect(ofId("veo_3_1_i2v_s_fast_fl", 2)).toBe("frames");
    expect(ofId("veo_3_1_r2v_fast", 2)).toBe("references");
  });
});

describe("the nearest that is on offer", () => {
  test.each([
    [OMNI, undefined, 10],
    [OMNI, 1, 3],
    [OMNI, 12, 12],
    [OMNI, 60, 15],
    [OMNI, 4.5, 4.5],
    ["veo-3.1", undefined, 8],
    ["veo-3.1", 5, 6],
    ["veo-3.1", 12, 8],
    ["veo-3.1", 1, 4],
  ] as const)("%s: %p s become %p", (family, seconds, made) => expect(fit(family, { seconds }).seconds).toBe(made));

  test("first and last frame allow less than the rest of the family", () => expect(fit(OMNI, { images: 2, seconds: 15 }).seconds).toBe(10));

  test.each([
    [OMNI, undefined, "720p"],
    [OMNI, "4k", "4k"],
    ["veo-3.1", "360p", "720p"],
    ["omni", "4k", "720p"],
  ] as const)("%s: %p becomes %p", (family, resolution, made) => expect(fit(family, { resolution }).resolution).toBe(made));

  test("an aspect is sent unless the source decides it", () => {
    expect(fit(OMNI).aspect).toBe("16:9");
    expect(fit(OMNI, { aspect: "9:16" }).aspect).toBe("9:16");
    expect(fit(OMNI, { hasSource: true, aspect: "9:16" })).not.toHaveProperty("aspect");
  });

  test("upscaling without a size goes to 1080p", () =>
    expect(fit("veo-3.1", { hasSource: true, mode: "upscale" }).resolution).toBe("1080p"));

  test("a family without qualities ignores one; one that has them says its own", () => {
    expect(fit(OMNI, { quality: "fast" })).not.toHaveProperty("quality");
    expect(fit("veo-3.1").quality).toBe("quality");
    expect(fit("veo-3.1", { images: 3 }).quality).toBe("fast");
  });
});

describe("what cannot be expressed is refused with the reason", () => {
  test.each([
    ["veo-3.1", { hasSource: true, mode: "edit" }, "veo-3.1 makes no video from a video to change"],
    ["omni", { images: 0, hasSource: true, mode: "extend" }, "omni makes no video from a video to go on from"],
    ["veo-3.1", { images: 4 }, "takes 1 to 3 images, got 4"],
    [OMNI, { images: 7 }, "takes 1 to 6 images, got 7"],
    [OMNI, { images: 2, mode: "first_frame" }, "takes 1 image, got 2"],
    [OMNI, { images: 0, mode: "references" }, "takes 1 to 6 images, got 0"],
    [OMNI, { images: 1, mode: "text" }, "takes no images, got 1"],
    [OMNI, { mode: "extend" }, "needs the video"],
    ["veo-3.1", { images: 3, quality: "lite" }, "in fast only, not in lite"],
    [OMNI, { images: 1, modes: ["text"], mode: "first_frame" }, "This model id makes videos from text alone"],
  ] as const)("%s %p", (family, change, reason) => expect(refusalOf(family, change)).toContain(reason));

  test("a family that no usable provider has", () =>
    expect(() => chooseVideo(video(OMNI), needs(), () => false)).toThrow(
      "No provider of this pool makes videos with gemini-omni-1.2-flash",
    ));
});

test("plans: 1080p on Flow asks for the first paid one, 4k and `ultra` for the highest", () => {
  expect(chooseVideo(video("veo-3.1"), needs({ resolution: "1080p" })).minTier).toEqual({ flow: 1 });
  expect(chooseVideo(video("veo-3.1"), needs({ resolution: "4k" })).minTier).toEqual({ flow: 2 });
  expect(chooseVideo(video("veo-3.1"), needs({ tier: 2 })).minTier).toEqual({ flow: 2 });
  expect(chooseVideo(video(OMNI), needs({ resolution: "4k" })).minTier).toEqual({});
});

test("the estimate is the price of the seconds that are made", () => {
  expect(chooseVideo(video(OMNI), needs({ seconds: 60 })).estimateUsd).toBeCloseTo(15 * 0.0695, 6);
  expect(chooseVideo(video("veo-3.1"), needs()).estimateUsd).toBe(0);
});
