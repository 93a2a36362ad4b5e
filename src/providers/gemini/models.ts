// The image models of the official Gemini API, by public family id: wire id and what may be sent to each.
// Source: ai.google.dev, image generation guide and changelog, read 2026-11-23.
import { AppError } from "../../errors.ts";
import type { ImageRequest, ImageSize } from "../../gateway/types.ts";

type Thinking = NonNullable<ImageRequest["thinking"]>;
type ThinkingLevel = "MINIMAL" | "MEDIUM" | "HIGH";

export type GeminiModel = {
  /** The upstream's id, without `models/`. */
  id: string;
  /** Values of `imageSize` that it takes; another is a 400 upstream and is not sent. */
  sizes: readonly ImageSize[];
  /** Levels of `thinkingConfig`; null where the model has no such knob. */
  thinking: Readonly<Record<Thinking, ThinkingLevel>> | null;
};

const TWO_LEVELS = { minimal: "MINIMAL", low: "MINIMAL", medium: "HIGH", high: "HIGH" } as const;
const THREE_LEVELS = { ...TWO_LEVELS, medium: "MEDIUM" } as const;

/** By public family id. */
export const GEMINI_MODELS: Readonly<Record<string, GeminiModel>> = {
  "gemini-nano-banana-2.1": { id: "gemini-nano-banana-2.1", sizes: ["1K", "2K", "4K"], thinking: THREE_LEVELS },
  "gemini-3-pro-image": { id: "gemini-3-pro-image", sizes: ["1K", "2K", "4K"], thinking: null },
  "gemini-3.1-flash-image": { id: "gemini-3.1-flash-image", sizes: ["512", "1K", "2K", "4K"], thinking: TWO_LEVELS },
  "gemini-3.1-flash-lite-image": { id: "gemini-3.1-flash-lite-image", sizes: ["1K"], thinking: TWO_LEVELS },
  "gemini-2.5-flash-image": { id: "gemini-2.5-flash-image", sizes: [], thinking: null },
};

/**
 * The model that serves a family.
 * @throws {AppError} `upstream_model_denied` for a family that this upstream does not have
 */
export function modelOf(family: string): GeminiModel {
  const model = Object.hasOwn(GEMINI_MODELS, family) ? GEMINI_MODELS[family] : undefined;
  if (model) return model;
  throw new AppError("upstream_model_denied", `The Gemini API has no model for ${family}.`, {
    detail: { scope: "token_model", reason: "model_missing" },
  });
}

/** The public family of an upstream's model name (`models/…`), or null for what we do not serve. */
export function familyOf(name: string): string | null {
  const id = name.replace(/^models\//, "");
  return Object.keys(GEMINI_MODELS).find((family) => GEMINI_MODELS[family]!.id === id) ?? null;
}
