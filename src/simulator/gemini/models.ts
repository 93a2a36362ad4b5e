// The simulated Gemini models and their limits. Source: Gemini API model pages and image generation guide, read 2026-11-23.

import type { RenderedSize, RenderedType } from "../media/images.ts";
import type { World } from "../world.ts";

const TEN_ASPECTS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"];
const ALL_ASPECTS = [...TEN_ASPECTS, "1:4", "4:1", "1:8", "8:1"];

export type ImageLimits = {
  /** Empty: the model has no size knob. */
  sizes: RenderedSize[];
  aspects: string[];
  maxInputs: number;
  /** Empty: no knob. */
  thinkingLevels: string[];
  /** Whether `thinkingConfig` is allowed at all. */
  thinks: boolean;
  search: boolean;
  /** Whether videos may be among the inputs. */
  videos?: true;
  sampling: boolean;
  /** What the model usually answers with. */
  type: RenderedType;
  /** Output tokens of an image, by size. */
  tokens: (size: RenderedSize) => number;
  tokensPerInput: number;
};

export type GeminiModel = {
  id: string;
  displayName: string;
  kind: "image" | "video" | "text";
  image?: ImageLimits /** As Vertex serves it. */;
  vertex?: true;
};

const newTokens = (size: RenderedSize) => (size === "4K" ? 2000 : 1120);

const MODEL_LIST: GeminiModel[] = [
  {
    id: "gemini-nano-banana-2.1",
    displayName: "Nano Banana 2.1",
    kind: "image",
    image: {
      sizes: ["1K", "2K", "4K"],
      aspects: ALL_ASPECTS,
      maxInputs: 14,
      thinkingLevels: ["MINIMAL", "MEDIUM", "HIGH"],
      thinks: true,
      search: true,
      sampling: false,
      type: "image/png",
      tokens: newTokens,
      tokensPerInput: 258,
    },
  },
  {
    id: "gemini-3-pro-image",
    displayName: "Nano Banana Pro",
    kind: "image",
    image: {
      sizes: ["1K", "2K", "4K"],
      aspects: TEN_ASPECTS,
      maxInputs: 14,
      thinkingLevels: [],
      thinks: true,
      search: true,
      sampling: true,
      type: "image/jpeg",
      tokens: newTokens,
      tokensPerInput: 560,
    },
  },
  {
    id: "gemini-3.1-flash-image",
    displayName: "Nano Banana 2",
    kind: "image",
    image: {
      sizes: ["512", "1K", "2K", "4K"],
      aspects: ALL_ASPECTS,
      maxInputs: 14,
      thinkingLevels: ["MINIMAL", "HIGH"],
      thinks: true,
      search: true,
      videos: true,
      sampling: true,
      type: "image/png",
      tokens: newTokens,
      tokensPerInput: 258,
    },
  },
  {
    id: "gemini-3.1-flash-lite-image",
    displayName: "Nano Banana 2 Lite",
    kind: "image",
    image: {
      sizes: ["1K"],
      aspects: TEN_ASPECTS,
      maxInputs: 14,
      thinkingLevels: ["MINIMAL", "HIGH"],
      thinks: true,
      search: false,
      sampling: true,
      type: "image/jpeg",
      tokens: newTokens,
      tokensPerInput: 258,
    },
  },
  {
    id: "gemini-2.5-flash-image",
    displayName: "Nano Banana",
    kind: "image",
    image: {
      sizes: [],
      aspects: TEN_ASPECTS,
      maxInputs: 3,
      thinkingLevels: [],
      thinks: false,
      search: false,
      sampling: true,
      type: "image/png",
      tokens: () => 1290,
      tokensPerInput: 258,
    },
  },
  { id: "gemini-omni-1.2-flash", displayName: "Gemini Omni 1.2 Flash", kind: "video" },
  { id: "gemini-omni-1.1-flash", displayName: "Gemini Omni 1.1 Flash", kind: "video" },
  { id: "gemini-3.5-flash", displayName: "Gemini 3.5 Flash", kind: "text" },
  { id: "gemini-3.1-pro", displayName: "Gemini 3.1 Pro", kind: "text" },
  { id: "gemini-2.5-flash", displayName: "Gemini 2.5 Flash", kind: "text" },
];

const MODELS: ReadonlyMap<string, GeminiModel> = new Map(MODEL_LIST.map((model) => [model.id, model]));

/** A model that came out since: as able as the newest of its kind. */
function newModel(id: string): GeminiModel {
  const like = MODELS.get(id.includes("omni") ? "gemini-omni-1.2-flash" : "gemini-nano-banana-2.1")!;
  return { ...like, id, displayName: id };
}

export const findModel = (id: string, { options }: World): GeminiModel | undefined =>
  MODELS.get(id) ?? (options.newModels.includes(id) ? newModel(id) : undefined);

export const allModels = ({ options }: World): GeminiModel[] => [...MODELS.values(), ...options.newModels.map(newModel)];

/** Ids that existed once: Imagen, Veo and every preview. */
export function isRetired(id: string): boolean {
  return /^(imagen|veo)-|-preview(-|$)/.test(id);
}

const METHODS: Record<GeminiModel["kind"], string[]> = {
  image: ["generateContent", "countTokens", "batchGenerateContent"],
  video: ["createInteraction"],
  text: ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"],
};

/** The object that models.list and models.get answer with. */
export function modelResource(model: GeminiModel): Record<string, unknown> {
  return {
    name: `models/${model.id}`,
    baseModelId: model.id,
    version: "001",
    displayName: model.displayName,
    description: `${model.displayName}, simulated`,
    inputTokenLimit: 65536,
    outputTokenLimit: 32768,
    supportedGenerationMethods: METHODS[model.kind],
    temperature: 1,
    topP: 0.95,
    topK: 64,
    maxTemperature: 2,
    ...(model.image && !model.image.thinks ? {} : { thinking: true }),
  };
}
