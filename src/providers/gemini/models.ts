// The models of the official Gemini API, by public family id: wire id and what may be sent to each.
// Source: ai.google.dev, image and video generation guides and changelog, read 2026-11-23.

import type { ImageRequest, ImageSize } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

type Thinking = NonNullable<ImageRequest["thinking"]>;
type ThinkingLevel = "MINIMAL" | "MEDIUM" | "HIGH";

export type GeminiModel = {
  /** The upstream's id, without `models/`. */
  id: string;
  /** Values of `imageSize` that it takes; another is a 400 upstream and is not sent. */
  sizes: readonly ImageSize[];
  /** Levels of `thinkingConfig`; null where the model has no such knob. */
  thinking: Readonly<Record<Thinking, ThinkingLevel>> | null;
  /** Whether it thinks and gives its thoughts when `includeThoughts` asks for them, with a choice of level or without. */
  thinks: boolean;
};

const TWO_LEVELS = { minimal: "MINIMAL", low: "MINIMAL", medium: "HIGH", high: "HIGH", xhigh: "HIGH" } as const;
const THREE_LEVELS = { ...TWO_LEVELS, medium: "MEDIUM" } as const;

/** Image models, by public family id. */
export const GEMINI_MODELS: Readonly<Record<string, GeminiModel>> = {
  "gemini-nano-banana-2.1": { id: "gemini-nano-banana-2.1", sizes: ["1K", "2K", "4K"], thinking: THREE_LEVELS, thinks: true },
  "gemini-3-pro-image": { id: "gemini-3-pro-image", sizes: ["1K", "2K", "4K"], thinking: null, thinks: true },
  "gemini-3.1-flash-image": { id: "gemini-3.1-flash-image", sizes: ["512", "1K", "2K", "4K"], thinking: TWO_LEVELS, thinks: true },
  "gemini-3.1-flash-lite-image": { id: "gemini-3.1-flash-lite-image", sizes: ["1K"], thinking: TWO_LEVELS, thinks: true },
  "gemini-2.5-flash-image": { id: "gemini-2.5-flash-image", sizes: [], thinking: null, thinks: false },
};

/** Ids of video models, by public family id. */
export const GEMINI_VIDEO_MODELS: Readonly<Record<string, string>> = {
  "gemini-omni-1.2-flash": "gemini-omni-1.2-flash",
  "gemini-omni-1.1-flash": "gemini-omni-1.1-flash",
};

/**
 * The model that serves an image family.
 * @throws {AppError} `upstream_model_denied` for a family that this upstream does not have
 */
export function modelOf(family: string): GeminiModel {
  if (Object.hasOwn(GEMINI_MODELS, family)) return GEMINI_MODELS[family]!;
  throw missing(family);
}

/**
 * The upstream's id of the model that serves a video family.
 * @throws {AppError} `upstream_model_denied` for a family that this upstream does not have
 */
export function videoModelOf(family: string): string {
  if (isVideoFamily(family)) return GEMINI_VIDEO_MODELS[family]!;
  throw missing(family);
}

/** Whether this upstream makes videos of this family. */
export const isVideoFamily = (family: string): boolean => Object.hasOwn(GEMINI_VIDEO_MODELS, family);

function missing(family: string): AppError {
  return new AppError("upstream_model_denied", `The Gemini API has no model for ${family}.`, {
    detail: { scope: "token_model", reason: "model_missing" },
  });
}

/** Parts of ids by which Google names models of images and videos. */
const MEDIA_NAMES = ["image", "omni", "banana", "imagen", "veo"];
/** Ids of the list that are known and not served: previews, and what is retired. */
const KNOWN_UNSERVED = /-preview|^models\/(?:imagen|veo)-|embedding|-exp/;

/** Whether a listed model makes images or videos and is none that we know. */
export const isNewMediaModel = (name: string): boolean => MEDIA_NAMES.some((part) => name.includes(part)) && !KNOWN_UNSERVED.test(name);

/** The public family of an upstream's model name (`models/…`), or null for what we do not serve. */
export function familyOf(name: string): string | null {
  const id = name.replace(/^models\//, "");
  const image = Object.keys(GEMINI_MODELS).find((family) => GEMINI_MODELS[family]!.id === id);
  return image ?? Object.keys(GEMINI_VIDEO_MODELS).find((family) => GEMINI_VIDEO_MODELS[family] === id) ?? null;
}
