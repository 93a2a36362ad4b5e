// Data: the living model families with limits and prices per provider.

import { ASPECTS, type Aspect, RESOLUTIONS, SEARCH_TYPES, VIDEO_ASPECTS } from "../../domain/generation.ts";
import type { Family, ImageLimits, ImagePrice, ImageTakes, VideoLimits, VideoPrice } from "./family.ts";

const day = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1000;

const TEN_ASPECTS: readonly Aspect[] = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];
const FLOW_ASPECTS: readonly Aspect[] = ["16:9", "9:16", "1:1", "4:3", "3:4"];

/** Covered by the Flow plan: an image has no price of its own. */
const BY_PLAN: ImagePrice = { perImage: { "512": 0, "1K": 0, "2K": 0, "4K": 0 } };
const VIDEO_BY_PLAN: VideoPrice = { perSecond: { "360p": 0, "720p": 0, "1080p": 0, "4k": 0 } };

/** The Gemini API takes these alone; Vertex has categories of images besides (safety documentation, read 2026-11-29). */
const SAFETY = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"].map(
  (name) => `HARM_CATEGORY_${name}`,
);
/** USD for a query of a search, on the models of the third generation (pricing page, read 2026-11-29). */
const PER_SEARCH = 0.014;
const TAKES: ImageTakes = { safety: SAFETY, search: [], sampling: true, videos: false };

/** Flow generates about 1K and upscales; 2K needs the Pro plan, 4K for Ultra. It names no maximum of inputs: the model's own counts. */
const FLOW_IMAGE: ImageLimits = {
  aspects: FLOW_ASPECTS,
  defaultAspect: "1:1",
  sizes: ["1K", "2K", "4K"],
  defaultSize: "1K",
  maxInputs: 14,
  thinking: [],
  minTier: { "2K": 1, "4K": 2 },
  price: BY_PLAN,
};
const FLOW_TWO_ASPECTS: ImageLimits = {
  ...FLOW_IMAGE,
  aspects: ["16:9", "9:16"],
  defaultAspect: "16:9",
  sizes: ["1K"],
  maxInputs: 5,
  minTier: {},
};

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
        takes: { ...TAKES, search: SEARCH_TYPES, sampling: false },
        minTier: {},
        price: {
          perImage: { "1K": 0.0336, "2K": 0.0504, "4K": 0.1134 },
          perThinking: { medium: 0.0075, high: 0.0124 },
          perSearch: PER_SEARCH,
        },
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
        takes: { ...TAKES, search: ["web"] },
        minTier: {},
        price: {
          perImage: { "1K": 0.134, "2K": 0.134, "4K": 0.24 },
          perSearch: PER_SEARCH,
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
        takes: { ...TAKES, search: SEARCH_TYPES, videos: true },
        minTier: {},
        price: {
          perImage: { "512": 0.045, "1K": 0.067, "2K": 0.101, "4K": 0.151 },
          perSearch: PER_SEARCH,
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
        takes: TAKES,
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
        takes: TAKES,
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
