// What Flow calls our families, aspects, sizes and plans. Source: reference of the Flow wire, sections 2 and 3.5 to 3.7, read 2026-11-23.

import type { Aspect, ImageSize, Resolution, Tier, VideoAspect, VideoMode, VideoQuality } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

export const IMAGE_ASPECTS: Readonly<Partial<Record<Aspect, string>>> = {
  "16:9": "IMAGE_ASPECT_RATIO_LANDSCAPE",
  "9:16": "IMAGE_ASPECT_RATIO_PORTRAIT",
  "1:1": "IMAGE_ASPECT_RATIO_SQUARE",
  "4:3": "IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE",
  "3:4": "IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR",
};

/** Flow's page always sends an aspect and starts with this one. */
export const DEFAULT_ASPECT: Aspect = "16:9";

/** What an image is upscaled to; null: it is delivered as generated. Sizes that are absent do not exist in Flow. */
export const UPSCALES: Readonly<Partial<Record<ImageSize, string | null>>> = {
  "1K": null,
  "2K": "UPSAMPLE_IMAGE_RESOLUTION_2K",
  "4K": "UPSAMPLE_IMAGE_RESOLUTION_4K",
};

/** `userPaygateTier` by plan: 0 free, 1 Pro, 2 Ultra. */
export const PAYGATE_TIERS = ["PAYGATE_TIER_NOT_PAID", "PAYGATE_TIER_ONE", "PAYGATE_TIER_TWO"] as const;

/** A plan as it was remembered, or undefined when it is not known. */
export function tierOf(value: unknown): Tier | undefined {
  return ([0, 1, 2] as const).find((plan) => plan === value);
}

export const VIDEO_ASPECTS: Readonly<Record<VideoAspect, string>> = {
  "16:9": "VIDEO_ASPECT_RATIO_LANDSCAPE",
  "9:16": "VIDEO_ASPECT_RATIO_PORTRAIT",
};

/** What a finished video can be upscaled to, and the least plan for it. */
export const VIDEO_UPSCALES: Readonly<Partial<Record<Resolution, { resolution: string; videoModelKey: string; minPlan: Tier }>>> = {
  "1080p": { resolution: "VIDEO_RESOLUTION_1080P", videoModelKey: "veo_3_1_upsampler_1080p", minPlan: 1 },
  "4k": { resolution: "VIDEO_RESOLUTION_4K", videoModelKey: "veo_3_1_upsampler_4k", minPlan: 2 },
};

/** What decides which model key a video is submitted with. */
export type VideoChoice = {
  /** Which grammar of keys the family has: `wire` of the catalogue. */
  wire: string;
  mode: VideoMode;
  aspect: VideoAspect;
  /** Absent: 8. An extension has its own length. */
  seconds?: number;
  /** Absent: the only one that the mode has, else `quality`. */
  quality?: VideoQuality;
  /** The slower mode that costs no credits. */
  relaxed?: boolean;
  /** Undefined: not known, served as if it were not the highest. */
  plan: Tier | undefined;
};

/** `wire` of the families whose keys are known. */
const OMNI = "abra";
export const VEO = "veo_3_1";

/**
 * The `videoModelKey` of a video; upscales have theirs in `VIDEO_UPSCALES`. The highest plan has keys of its own (`_ultra`).
 * @throws {AppError} `upstream_model_denied` for a model whose keys are not known, `upstream_invalid` for what no key expresses
 */
export function videoModelKey(choice: VideoChoice): string {
  if (choice.wire === OMNI) return omniKey(choice);
  if (choice.wire === VEO) return veoKey(choice);
  const detail = { scope: "token_model", reason: "model_missing" } as const;
  throw new AppError("upstream_model_denied", `Flow does not have the model ${choice.wire}.`, { detail });
}

function omniKey({ mode, seconds = 8, relaxed }: VideoChoice): string {
  if (mode !== "text" && mode !== "references")
    throw notExpressed(`Omni on Flow starts from words or references, not from ${mode}.`, "mode");
  if (![4, 6, 8, 10].includes(seconds)) throw notExpressed(`Omni on Flow makes 4, 6, 8 or 10 s, not ${seconds} s.`, "seconds");
  if (relaxed) throw notExpressed("Omni on Flow has no relaxed lane.", "model");
  return `abra_${mode === "text" ? "t2v" : "r2v"}_${seconds}s`;
}

const LITE_KEYS = { text: "veo_3_1_t2v_lite", first_frame: "veo_3_1_i2v_lite", frames: "veo_3_1_interpolation_lite" } as const;

function veoKey(choice: VideoChoice): string {
  const { mode, aspect, plan } = choice;
  const { seconds = mode === "extend" ? 7 : 8, quality = mode === "references" ? "fast" : "quality", relaxed = false } = choice;
  const shape = aspect === "9:16" ? "portrait" : "landscape";
  const lane = relaxed ? "_ultra_relaxed" : plan === 2 ? "_ultra" : "";
  if (relaxed && (quality !== "fast" || seconds !== 8)) {
    throw notExpressed("The relaxed lane of Flow is for fast videos of 8 s that do not start from another video.", "model");
  }
  if (mode === "extend") {
    if (seconds !== 7) throw notExpressed(`Flow extends a video by 7 s, not by ${seconds} s.`, "seconds");
    return `veo_3_1_extend_${shape}`;
  }
  if (mode === "references") {
    if (quality !== "fast" || seconds !== 8) throw notExpressed("Veo on Flow takes references for fast videos of 8 s only.", "quality");
    return `veo_3_1_r2v_fast_${shape}${lane}`;
  }
  if (mode === "edit" || mode === "upscale") throw notExpressed(`Veo on Flow has no model for ${mode}.`, "mode");
  if (![4, 6, 8].includes(seconds)) throw notExpressed(`Veo on Flow makes 4, 6 or 8 s, not ${seconds} s.`, "seconds");
  const stem = mode === "text" ? "veo_3_1_t2v" : "veo_3_1_i2v_s";
  const frames = mode === "frames" ? "_fl" : "";
  if (seconds !== 8) return `${stem}_${quality}_${seconds}s${frames}`;
  if (quality === "lite") return LITE_KEYS[mode];
  const turned = aspect === "9:16" ? "_portrait" : "";
  if (quality === "quality") return `${stem}${turned}${frames}`;
  // The relaxed keys are the same for one frame and for two.
  return `${stem}_fast${turned}${lane}${relaxed ? "" : frames}`;
}

function notExpressed(message: string, param: string): AppError {
  return new AppError("upstream_invalid", message, { param });
}
