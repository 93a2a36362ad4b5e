// Types of a model family: limits and prices per provider, in the gateway's own terms.

import type {
  Aspect,
  ImageSize,
  Kind,
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
  /** Added for each input image, where the upstream does not bill it by reported tokens. */
  perInputImage?: number;
  /** Added for each query of a search that the image was grounded by. */
  perSearch?: number;
  /** True: the vendor's price is not known, and the dearest of its kind counts. */
  isAssumed?: true;
};

/** What one second of video costs, in USD. */
export type VideoPrice = {
  perSecond: Partial<Record<Resolution, number>>;
  /** By the tokens that the upstream reports; thoughts are billed as text. */
  perMillionTokens?: { input: number; outputText: number; outputVideo: number };
  /** Added for each input image, where tokens are not reported. */
  perInputImage?: number;
  isAssumed?: true;
};

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

/** What every family has at a provider. */
export type ProviderFacts = {
  /** The provider's own id of the model. */
  wire: string;
  /** True: no token is assumed to have it unless its own list of models shows it. */
  onlyWhenLearned?: true;
  /** Last day on which the provider serves it, as announced: `2026-12-31`. */
  retires?: string;
};

/** What one provider can do with an image family. */
export type ImageLimits = ProviderFacts & {
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
  /** What the provider calls each level; null: there is no choice. */
  levels: Readonly<Partial<Record<Thinking, string>>> | null;
  /** Whether it thinks and returns its thoughts when they are asked for, with a choice of level or without. */
  thinks: boolean;
  /** Options beyond shape and size, and inputs besides images; absent: none. */
  takes?: ImageTakes;
  /** Least plan that a size needs; absent: any. */
  minTier: Partial<Record<ImageSize, Tier>>;
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
export type VideoLimits = ProviderFacts & {
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
  /** The one of its kind that serves a request without a model. */
  recommended?: true;
  /** True: the operator has switched it off. */
  isOff?: true;
  /** Tokens of one input image, for estimates. */
  inputImageTokens: number;
  /** Other spellings of the id. */
  names: readonly string[];
  /** Families that may stand in for it, the best first. */
  successors: readonly string[];
};
export type ImageFamily = FamilyFacts & { kind: "image"; providers: Readonly<Record<string, ImageLimits>> };
export type VideoFamily = FamilyFacts & { kind: "video"; providers: Readonly<Record<string, VideoLimits>> };
export type Family = ImageFamily | VideoFamily;

/** A model that a token's list names and no layer of the catalogue knows. */
export type FoundModel = { id: string; kind: Kind; provider: string /** Epoch ms of the first list that named it. */; at: number };
