// Data: the living model families with limits and prices per provider, and every name that leads to them.
import {
  ASPECTS,
  type Aspect,
  type ImageRequest,
  type ImageSize,
  type Kind,
  RESOLUTIONS,
  type Resolution,
  VIDEO_ASPECTS,
  type VideoAspect,
  type VideoMode,
  type VideoQuality,
} from "./types.ts";

/** The upstream's plan: 0 free, 1 paid, 2 highest. */
export type Tier = 0 | 1 | 2;
export type Thinking = NonNullable<ImageRequest["thinking"]>;

/** USD per million tokens. Thoughts are billed as text output. */
export type TokenRates = { inputText: number; inputImage: number; outputText: number; outputImage: number };

/** What one image costs, in USD. */
export type ImagePrice = {
  perImage: Partial<Record<ImageSize, number>>;
  /** Absent: the upstream names a price per image only. */
  perMillionTokens?: TokenRates;
  /** Added to each image by thinking, where the upstream does not bill it by tokens that it tells. */
  perThinking?: Partial<Record<Thinking, number>>;
};

/** What one second of video costs, in USD. */
export type VideoPrice = { perSecond: Partial<Record<Resolution, number>> };

/** What one provider can do with an image family. */
export type ImageLimits = {
  aspects: readonly Aspect[];
  /** Sent when nobody asks for one; absent: the upstream chooses, by the input picture if there is one. */
  defaultAspect?: Aspect;
  /** Ascending; empty: the upstream takes no size at all. */
  sizes: readonly ImageSize[];
  /** What it makes when no size is sent. */
  defaultSize: ImageSize;
  /** Input pictures of one request. */
  maxInputs: number;
  /** Levels that may be chosen, ascending; empty: no choice. */
  thinking: readonly Thinking[];
  defaultThinking?: Thinking;
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
  /** Day it became generally available, where told; else the day it was first seen. Epoch seconds. */
  created: number;
  ownedBy: string;
  /** True when its vendor has announced its end. */
  deprecated?: true;
};
export type ImageFamily = FamilyFacts & { kind: "image"; providers: Readonly<Record<string, ImageLimits>> };
export type VideoFamily = FamilyFacts & { kind: "video"; providers: Readonly<Record<string, VideoLimits>> };
export type Family = ImageFamily | VideoFamily;

const day = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000;

const TEN_ASPECTS: readonly Aspect[] = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];
const FLOW_ASPECTS: readonly Aspect[] = ["16:9", "9:16", "1:1", "4:3", "3:4"];

/** Flow's plan pays: a picture costs no money of its own. */
const BY_PLAN: ImagePrice = { perImage: { "512": 0, "1K": 0, "2K": 0, "4K": 0 } };
const VIDEO_BY_PLAN: VideoPrice = { perSecond: { "360p": 0, "720p": 0, "1080p": 0, "4k": 0 } };

/** Flow draws about 1K and upscales; 2K asks for the Pro plan, 4K for Ultra. It names no maximum of inputs: the model's own counts. */
const FLOW_IMAGE: ImageLimits = {
  aspects: FLOW_ASPECTS,
  defaultAspect: "16:9",
  sizes: ["1K", "2K", "4K"],
  defaultSize: "1K",
  maxInputs: 14,
  thinking: [],
  minTier: { "2K": 1, "4K": 2 },
  price: BY_PLAN,
};
const FLOW_TWO_ASPECTS: ImageLimits = { ...FLOW_IMAGE, aspects: ["16:9", "9:16"], sizes: ["1K"], maxInputs: 5, minTier: {} };

/** Omni on the Gemini API: ai.google.dev video documentation, read 2026-11-23. `longest` is the longest clip, in seconds. */
function omniModes(longest: number): VideoLimits["modes"] {
  const seconds = { min: 3, max: longest, default: 10 };
  const source = { min: 1, max: 1 };
  return {
    text: { seconds },
    first_frame: { seconds, images: { min: 1, max: 1 } },
    frames: { seconds: { min: 3, max: 10, default: 10 }, images: { min: 2, max: 2 } },
    references: { seconds, images: { min: 0, max: 6 }, videos: { min: 0, max: 3 } },
    edit: { seconds, images: { min: 0, max: 6 }, videos: source },
    extend: { seconds: { min: 3, max: 10, default: 10 }, videos: source },
    upscale: { seconds, videos: source },
  };
}

const OMNI_LIMITS = {
  aspects: VIDEO_ASPECTS,
  defaultAspect: "16:9",
  resolutions: RESOLUTIONS,
  defaultResolution: "720p",
  qualities: [],
  minTier: {},
} as const;

const VEO_SECONDS = { min: 4, max: 8, values: [4, 6, 8], default: 8 };

/**
 * The living families, the recommended one of each kind first. Limits and prices of the Gemini API: ai.google.dev model and pricing pages,
 * read 2026-11-23; the 2K and 4K prices of nano-banana-2.1 are derived, not quoted. Flow: as observed until 2026-08-20.
 */
export const FAMILIES: readonly Family[] = [
  {
    id: "gemini-nano-banana-2.1",
    kind: "image",
    title: "Nano Banana 2.1",
    created: day("2026-10-06"),
    ownedBy: "google",
    providers: {
      gemini: {
        aspects: ASPECTS,
        sizes: ["1K", "2K", "4K"],
        defaultSize: "1K",
        maxInputs: 14,
        thinking: ["minimal", "medium", "high"],
        defaultThinking: "medium",
        minTier: {},
        price: { perImage: { "1K": 0.0336, "2K": 0.0504, "4K": 0.1134 }, perThinking: { medium: 0.0075, high: 0.0124 } },
      },
    },
  },
  {
    id: "gemini-3-pro-image",
    kind: "image",
    title: "Gemini 3 Pro Image",
    created: day("2026-05-28"),
    ownedBy: "google",
    providers: {
      gemini: {
        aspects: TEN_ASPECTS,
        sizes: ["1K", "2K", "4K"],
        defaultSize: "1K",
        maxInputs: 14,
        thinking: [],
        minTier: {},
        price: {
          perImage: { "1K": 0.134, "2K": 0.134, "4K": 0.24 },
          perMillionTokens: { inputText: 2, inputImage: 2, outputText: 12, outputImage: 120 },
        },
      },
      flow: FLOW_IMAGE,
    },
  },
  {
    id: "gemini-3.1-flash-image",
    kind: "image",
    title: "Gemini 3.1 Flash Image",
    created: day("2026-05-28"),
    ownedBy: "google",
    deprecated: true,
    providers: {
      gemini: {
        aspects: ASPECTS,
        sizes: ["512", "1K", "2K", "4K"],
        defaultSize: "1K",
        maxInputs: 14,
        thinking: ["minimal", "high"],
        defaultThinking: "minimal",
        minTier: {},
        price: {
          perImage: { "512": 0.045, "1K": 0.067, "2K": 0.101, "4K": 0.151 },
          perMillionTokens: { inputText: 0.5, inputImage: 0.5, outputText: 3, outputImage: 60 },
        },
      },
      flow: FLOW_IMAGE,
    },
  },
  {
    id: "gemini-3.1-flash-lite-image",
    kind: "image",
    title: "Gemini 3.1 Flash Lite Image",
    created: day("2026-06-30"),
    ownedBy: "google",
    providers: {
      gemini: {
        aspects: TEN_ASPECTS,
        sizes: ["1K"],
        defaultSize: "1K",
        maxInputs: 14,
        thinking: ["minimal", "high"],
        defaultThinking: "minimal",
        minTier: {},
        price: {
          perImage: { "1K": 0.0336 },
          perMillionTokens: { inputText: 0.25, inputImage: 0.25, outputText: 1.5, outputImage: 30 },
        },
      },
    },
  },
  {
    id: "gemini-2.5-flash-image",
    kind: "image",
    title: "Gemini 2.5 Flash Image",
    created: day("2025-10-02"),
    ownedBy: "google",
    deprecated: true,
    providers: {
      gemini: {
        aspects: TEN_ASPECTS,
        sizes: [],
        defaultSize: "1K",
        maxInputs: 3,
        thinking: [],
        minTier: {},
        onlyWhenLearned: true,
        price: {
          perImage: { "1K": 0.039 },
          perMillionTokens: { inputText: 0.3, inputImage: 0.3, outputText: 2.5, outputImage: 30 },
        },
      },
      flow: { ...FLOW_TWO_ASPECTS, maxInputs: 3, onlyWhenLearned: true },
    },
  },
  {
    id: "imagen-4",
    kind: "image",
    title: "Imagen 4",
    created: day("2025-08-14"),
    ownedBy: "google",
    deprecated: true,
    providers: { flow: FLOW_TWO_ASPECTS },
  },
  {
    id: "gemini-omni-1.2-flash",
    kind: "video",
    title: "Gemini Omni 1.2 Flash",
    created: day("2026-11-05"),
    ownedBy: "google",
    providers: {
      gemini: {
        ...OMNI_LIMITS,
        modes: omniModes(15),
        price: { perSecond: { "360p": 0.0232, "720p": 0.0695, "1080p": 0.1043, "4k": 0.2085 } },
      },
    },
  },
  {
    id: "gemini-omni-1.1-flash",
    kind: "video",
    title: "Gemini Omni 1.1 Flash",
    created: day("2026-08-27"),
    ownedBy: "google",
    providers: {
      gemini: {
        ...OMNI_LIMITS,
        modes: omniModes(10),
        price: { perSecond: { "360p": 0.03, "720p": 0.1, "1080p": 0.15, "4k": 0.3 } },
      },
    },
  },
  {
    id: "veo-3.1",
    kind: "video",
    title: "Veo 3.1",
    created: day("2025-10-15"),
    ownedBy: "google",
    providers: {
      flow: {
        aspects: VIDEO_ASPECTS,
        defaultAspect: "16:9",
        resolutions: ["720p", "1080p", "4k"],
        defaultResolution: "720p",
        qualities: ["lite", "fast", "quality"],
        defaultQuality: "quality",
        modes: {
          text: { seconds: VEO_SECONDS },
          first_frame: { seconds: VEO_SECONDS, images: { min: 1, max: 1 } },
          frames: { seconds: VEO_SECONDS, images: { min: 2, max: 2 } },
          references: { seconds: { min: 8, max: 8, values: [8], default: 8 }, images: { min: 1, max: 3 }, qualities: ["fast"] },
          extend: { seconds: { min: 7, max: 7, values: [7], default: 7 }, videos: { min: 1, max: 1 } },
          upscale: { seconds: VEO_SECONDS, videos: { min: 1, max: 1 } },
        },
        minTier: { "1080p": 1, "4k": 2 },
        price: VIDEO_BY_PLAN,
      },
    },
  },
  {
    id: "omni",
    kind: "video",
    title: "Omni on Flow",
    created: day("2026-08-20"),
    ownedBy: "google",
    providers: {
      flow: {
        aspects: VIDEO_ASPECTS,
        defaultAspect: "16:9",
        resolutions: ["720p"],
        defaultResolution: "720p",
        qualities: [],
        modes: {
          text: { seconds: { min: 4, max: 10, values: [4, 6, 8, 10], default: 8 } },
          references: { seconds: { min: 4, max: 10, values: [4, 6, 8, 10], default: 8 }, images: { min: 1, max: 3 } },
        },
        minTier: {},
        price: VIDEO_BY_PLAN,
      },
    },
  },
];

/** Names that lead to families, and what may follow a name. */
export type Name = {
  kind: Kind;
  /** Spellings; case and the difference between `-`, `_`, `.` and `@` do not count. */
  names: readonly string[];
  /** Living families, the first that the pool can serve wins. */
  families: readonly [string, ...string[]];
  /** True when the first family is a successor rather than the model that is named. */
  retired?: true;
  /** True when words after the name that mean nothing here (a snapshot's date, a variant) are passed over. */
  open?: true;
};

const AFTER_FLASH = ["gemini-nano-banana-2.1", "gemini-3.1-flash-image", "gemini-3-pro-image"] as const;
const AFTER_VEO = ["veo-3.1", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"] as const;
const IN_PLACE_OF_SORA = ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash", "veo-3.1", "omni"] as const;

/** Every spelling that clients send. Parameters follow the name as words: see `model-ids.ts`. */
export const NAMES: readonly Name[] = [
  { kind: "image", names: ["gemini-nano-banana-2.1", "nano-banana-2.1"], families: ["gemini-nano-banana-2.1"] },
  {
    kind: "image",
    names: ["gemini-3-pro-image", "gemini-3.0-pro-image", "nano-banana-pro", "gemini-nano-banana-pro"],
    families: ["gemini-3-pro-image"],
  },
  {
    kind: "image",
    names: ["gemini-3.1-flash-image", "nano-banana-2", "gemini-nano-banana-2"],
    families: ["gemini-3.1-flash-image", "gemini-nano-banana-2.1", "gemini-3-pro-image"],
  },
  { kind: "image", names: ["gemini-3.1-flash-lite-image", "nano-banana-2-lite"], families: ["gemini-3.1-flash-lite-image"] },
  {
    kind: "image",
    names: ["gemini-2.5-flash-image", "nano-banana", "gemini-nano-banana", "nano-banana-1"],
    families: ["gemini-2.5-flash-image", ...AFTER_FLASH],
  },
  {
    kind: "image",
    names: ["gemini-2.0-flash-exp-image-generation", "gemini-2.0-flash-preview-image-generation"],
    families: AFTER_FLASH,
    retired: true,
  },
  { kind: "image", names: ["imagen-4", "imagen-4.0", "imagen-4-generate", "imagen-4.0-generate"], families: ["imagen-4", ...AFTER_FLASH] },
  {
    kind: "image",
    names: [
      "imagen-4-ultra",
      "imagen-4-fast",
      "imagen-4.0-ultra",
      "imagen-4.0-fast",
      "imagen-4.0-ultra-generate",
      "imagen-4.0-fast-generate",
      "imagen-3",
      "imagen-3.0",
      "imagen-3.0-generate",
      "imagen-3.0-fast-generate",
      "imagen-3.0-capability",
      "imagegeneration",
    ],
    families: ["imagen-4", ...AFTER_FLASH],
    retired: true,
  },
  // Seen in other clients of Flow's next surface; which model stands behind it is not known.
  { kind: "image", names: ["harbor-seal"], families: AFTER_FLASH, retired: true },
  { kind: "image", names: ["dall-e-2", "dall-e-3"], families: [...AFTER_FLASH, "imagen-4"], retired: true },
  {
    kind: "image",
    names: ["gpt-image-1", "gpt-image-2", "chatgpt-image"],
    families: [...AFTER_FLASH, "imagen-4"],
    retired: true,
    open: true,
  },
  { kind: "video", names: ["gemini-omni-1.2-flash"], families: ["gemini-omni-1.2-flash"] },
  { kind: "video", names: ["gemini-omni-1.1-flash"], families: ["gemini-omni-1.1-flash", "gemini-omni-1.2-flash"] },
  { kind: "video", names: ["gemini-omni-flash"], families: ["gemini-omni-1.2-flash", "gemini-omni-1.1-flash"], retired: true },
  { kind: "video", names: ["omni", "abra"], families: ["omni", "gemini-omni-1.2-flash", "gemini-omni-1.1-flash"] },
  { kind: "video", names: ["veo-3.1"], families: AFTER_VEO },
  { kind: "video", names: ["veo-2", "veo-2.0", "veo-2.1", "veo-3", "veo-3.0"], families: AFTER_VEO, retired: true },
  { kind: "video", names: ["sora-2"], families: IN_PLACE_OF_SORA, retired: true, open: true },
];

/**
 * Ids that `GET /v1/models` shows besides the families, as patterns: `{a,b}` stands for each of its words.
 * The first ones are what users of the Python original have saved; the last ones what clients hard-code.
 */
export const LISTED: Readonly<Record<Kind, readonly string[]>> = {
  image: [
    "gemini-{3.0-pro,3.1-flash}-image{,-landscape,-portrait,-square,-four-three,-three-four}{,-2k,-4k}",
    "imagen-4.0-generate-preview{,-landscape,-portrait}",
    "gemini-2.5-flash-image-{landscape,portrait}",
    "gemini-{3-pro,3.1-flash,2.5-flash}-image-preview",
    "nano-banana{,-pro,-pro-preview,-2}",
    "imagen-4.0-{,fast-,ultra-}generate-001",
    "imagen-3.0-generate-002",
    "{dall-e-2,dall-e-3,gpt-image-1,gpt-image-1-mini,gpt-image-1.5,gpt-image-2,chatgpt-image-latest}",
  ],
  video: [
    "omni{,_portrait}",
    "veo_3_1_t2v_fast{,_landscape,_portrait}{,_4s,_6s,_8s}",
    "veo_3_1_t2v_fast{,_portrait}_{4k,1080p}",
    "veo_3_1_t2v_fast{,_portrait}_ultra{,_relaxed,_4k,_1080p}",
    "veo_3_1_{t2v,i2v_s}{,_landscape,_portrait}{,_4s,_6s,_8s}{,_4k,_1080p}",
    "veo_3_1_{t2v,i2v,interpolation}_lite{,_landscape,_portrait}",
    "veo_3_1_{t2v,i2v,interpolation}_lite_{4s,6s,8s}{,_landscape,_portrait}",
    "veo_3_1_{t2v,i2v,interpolation}_lite_{landscape,portrait}_{4s,6s,8s}",
    "veo_3_1_i2v_s_fast{,_landscape,_portrait}_{4s,6s,8s}_fl",
    "veo_3_1_i2v_s_fast{,_portrait}_fl",
    "veo_3_1_i2v_s_fast{,_portrait}_ultra_{fl,fl_4k,fl_1080p,relaxed}",
    "veo_3_1_r2v_fast{,_landscape,_portrait}{,_ultra,_ultra_relaxed}{,_8s}",
    "veo_3_1_r2v_fast{,_landscape,_portrait}_ultra_{4k,1080p}",
    "veo_3_1_extend{,_portrait}",
    "veo-3.1-{,fast-,lite-}generate-preview",
    "veo-3.0-{,fast-}generate-001",
    "gemini-omni-flash-preview",
    "sora-2{,-pro}",
  ],
};

/** Output pixels of the Gemini 3.x families, width then height: ai.google.dev image generation, read 2026-11-23 (21:9 at 512 as published). */
export const PIXELS: Readonly<Record<Aspect, Readonly<Record<ImageSize, readonly [width: number, height: number]>>>> = {
  "1:1": { "512": [512, 512], "1K": [1024, 1024], "2K": [2048, 2048], "4K": [4096, 4096] },
  "2:3": { "512": [424, 632], "1K": [848, 1264], "2K": [1696, 2528], "4K": [3392, 5056] },
  "3:2": { "512": [632, 424], "1K": [1264, 848], "2K": [2528, 1696], "4K": [5056, 3392] },
  "3:4": { "512": [448, 600], "1K": [896, 1200], "2K": [1792, 2400], "4K": [3584, 4800] },
  "4:3": { "512": [600, 448], "1K": [1200, 896], "2K": [2400, 1792], "4K": [4800, 3584] },
  "4:5": { "512": [464, 576], "1K": [928, 1152], "2K": [1856, 2304], "4K": [3712, 4608] },
  "5:4": { "512": [576, 464], "1K": [1152, 928], "2K": [2304, 1856], "4K": [4608, 3712] },
  "9:16": { "512": [384, 688], "1K": [768, 1376], "2K": [1536, 2752], "4K": [3072, 5504] },
  "16:9": { "512": [688, 384], "1K": [1376, 768], "2K": [2752, 1536], "4K": [5504, 3072] },
  "21:9": { "512": [792, 168], "1K": [1584, 672], "2K": [3168, 1344], "4K": [6336, 2688] },
  "1:4": { "512": [256, 1024], "1K": [512, 2048], "2K": [1024, 4096], "4K": [2048, 8192] },
  "4:1": { "512": [1024, 256], "1K": [2048, 512], "2K": [4096, 1024], "4K": [8192, 2048] },
  "1:8": { "512": [192, 1536], "1K": [384, 3072], "2K": [768, 6144], "4K": [1536, 12288] },
  "8:1": { "512": [1536, 192], "1K": [3072, 384], "2K": [6144, 768], "4K": [12288, 1536] },
};
