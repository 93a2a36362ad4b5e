// What Flow calls our families, aspects, sizes and plans. Source: reference of the Flow wire, sections 2 and 3.5 to 3.7, read 2026-11-23.
import type { Aspect, ImageSize } from "../../gateway/types.ts";

/** A public family as Flow knows it. */
export type FlowModel = {
  imageModelName: string;
  aspects: readonly Aspect[];
  /** Whether Flow offered it in August 2026. Flow has no list to ask: the others are tried only when an operator allows them. */
  offered: boolean;
};

const FIVE_ASPECTS = ["16:9", "9:16", "1:1", "4:3", "3:4"] as const satisfies readonly Aspect[];
const TWO_ASPECTS = ["16:9", "9:16"] as const satisfies readonly Aspect[];

/** Public family id to Flow's model. */
export const IMAGE_MODELS: Readonly<Record<string, FlowModel>> = {
  "gemini-3-pro-image": { imageModelName: "GEM_PIX_2", aspects: FIVE_ASPECTS, offered: true },
  "gemini-3.1-flash-image": { imageModelName: "NARWHAL", aspects: FIVE_ASPECTS, offered: true },
  "gemini-2.5-flash-image": { imageModelName: "GEM_PIX", aspects: TWO_ASPECTS, offered: false },
  "imagen-4": { imageModelName: "IMAGEN_3_5", aspects: TWO_ASPECTS, offered: true },
};

/** Families that a living session can be expected to serve. */
export const OFFERED_FAMILIES: readonly string[] = Object.keys(IMAGE_MODELS).filter((family) => IMAGE_MODELS[family]?.offered);

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
