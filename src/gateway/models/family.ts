// Types of a model family: limits and prices per provider, in the gateway's own terms.

import type {
  Aspect,
  ImageSize,
  Resolution,
  SearchType,
  Thinking,
  Tier,
  VideoAspect,
  VideoMode,
  VideoQuality,
} from "../../domain/generation.ts";

export type { Thinking } from "../../domain/generation.ts";

/** USD per million tokens. Thoughts are billed as text output. */
export type TokenRates = { inputText: number; inputImage: number; outputText: number; outputImage: number };

/** What one image costs, in USD. */
export type ImagePrice = {
  perImage: Partial<Record<ImageSize, number>>;
  /** Absent: the upstream names a price per image only. */
  perMillionTokens?: TokenRates;
  /** Added to each image by thinking, where the upstream does not bill it by reported tokens. */
  perThinking?: Partial<Record<Thinking, number>>;
  /** Added for each query of a search that the image was grounded by. */
  perSearch?: number;
};

/** What one second of video costs, in USD. */
export type VideoPrice = { perSecond: Partial<Record<Resolution, number>> };

/** Options beyond shape and size that one provider takes for a family. */
export type ImageTakes = {
  /** Harm categories whose threshold may be set. */
  safety: readonly string[];
  /** What a search may look for; empty: there is no search. */
  search: readonly SearchType[];
  /** `temperature`, `topP`, `topK`. */
  sampling: boolean;
  /** Videos among the inputs. */
  videos: boolean;
  personGeneration?: true;
};

/** What one provider can do with an image family. */
export type ImageLimits = {
  aspects: readonly Aspect[];
  /** Sent when the request has none; absent: the upstream chooses, by the input image if there is one. */
  defaultAspect?: Aspect;
  /** Ascending; empty: the upstream takes no size at all. */
  sizes: readonly ImageSize[];
  /** What it makes when no size is sent. */
  defaultSize: ImageSize;
  /** Input images of one request. */
  maxInputs: number;
  /** Levels that may be chosen, ascending; empty: no choice. */
  thinking: readonly Thinking[];
  defaultThinking?: Thinking;
  /** Options beyond shape and size, and inputs besides images; absent: none. */
  takes?: ImageTakes;
  /** Least plan that a size needs; absent: any. */
  minTier: Partial<Record<ImageSize, Tier>>;
  /** True: no token is assumed to have it unless its own list of models shows it. */
  onlyWhenLearned?: true;
  price: ImagePrice;
};

/** What a video of one mode may be made of. Absent counts are zero. */
export type VideoModeLimits = {
  /** `values`: the only lengths offered; otherwise anything from `min` to `max`. */
  seconds: { min: number; max: number; values?: readonly number[]; default: number };
  images?: { min: number; max: number };
  videos?: { min: number; max: number };
  /** Qualities that offer this mode; absent: all of the family. */
  qualities?: readonly VideoQuality[];
};

/** What one provider can do with a video family. */
export type VideoLimits = {
  aspects: readonly VideoAspect[];
  defaultAspect: VideoAspect;
  resolutions: readonly Resolution[];
  defaultResolution: Resolution;
  /** Empty: the family has only one. */
  qualities: readonly VideoQuality[];
  defaultQuality?: VideoQuality;
  /** A mode that is absent is not offered. */
  modes: Partial<Record<VideoMode, VideoModeLimits>>;
  minTier: Partial<Record<Resolution, Tier>>;
  onlyWhenLearned?: true;
  price: VideoPrice;
};

type FamilyFacts = {
  /** Public id, the same for every provider. */
  id: string;
  title: string;
  /** Day it became generally available, where announced; else the day it was first seen. Epoch seconds. */
  created: number;
  ownedBy: string;
  /** True when its vendor has announced its end. */
  deprecated?: true;
};
export type ImageFamily = FamilyFacts & { kind: "image"; providers: Readonly<Record<string, ImageLimits>> };
export type VideoFamily = FamilyFacts & { kind: "video"; providers: Readonly<Record<string, VideoLimits>> };
export type Family = ImageFamily | VideoFamily;
