// A conversation as Flow takes it: one prompt and a list of reference images. Pure.

import type { ImageRequest, InputMedia, Turn } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { ProviderModels } from "../provider.ts";
import { DEFAULT_ASPECT, IMAGE_ASPECTS, UPSCALES } from "./models.ts";

/** Everything of a request that does not depend on the token. */
export type ImageSpec = {
  imageModelName: string;
  imageAspectRatio: string;
  /** `UPSAMPLE_IMAGE_RESOLUTION_*`, or null when the image is delivered as generated. */
  targetResolution: string | null;
  prompt: string;
  references: InputMedia[];
  /** As asked for, brought into Flow's range; absent: any. */
  seed?: number;
};

/** Up to this many images in all, earlier generated ones are sent along. Flow names no limit; its page offers half. */
const MAX_REFERENCES = 10;
export const MAX_SEED = 999_999;

/**
 * What Flow is asked for.
 * @throws {AppError} `upstream_model_denied` for a family that Flow has not, `upstream_invalid` for an aspect, size or prompt that it cannot take
 */
export function imageSpecOf(request: ImageRequest, models: ProviderModels): ImageSpec {
  const model = models.find(request.family);
  if (model?.kind !== "image") {
    const detail = { scope: "token_model", reason: "model_missing" } as const;
    throw new AppError("upstream_model_denied", `Flow does not have the model ${request.family}.`, { detail });
  }
  const aspect = request.aspect ?? DEFAULT_ASPECT;
  const imageAspectRatio = model.aspects.includes(aspect) ? IMAGE_ASPECTS[aspect] : undefined;
  if (!imageAspectRatio) throw invalid(`Flow makes ${request.family} in ${model.aspects.join(", ")}, not in ${aspect}.`, "aspect_ratio");
  const targetResolution = UPSCALES[request.size ?? "1K"];
  if (targetResolution === undefined) throw invalid(`Flow makes images in 1K, 2K and 4K, not in ${request.size}.`, "size");
  const prompt = flattenPrompt(request);
  if (prompt === "") throw invalid("Flow needs a prompt in words.", "prompt");
  return {
    imageModelName: model.wire,
    imageAspectRatio,
    targetResolution,
    prompt,
    references: chooseReferences(request.turns),
    ...(request.seed === undefined ? {} : { seed: Math.abs(Math.trunc(request.seed)) % MAX_SEED || MAX_SEED }),
  };
}

/** System text, what the user asked before, what the user asks now: in this order, the last word last. */
export function flattenPrompt(request: Pick<ImageRequest, "system" | "turns">): string {
  const asked = request.turns.filter((turn) => turn.role === "user").map(textOf);
  const now = asked.pop() ?? "";
  const before = asked.filter((text) => text !== "");
  const earlier = before.length === 0 ? "" : `Asked before:\n${before.map((text) => `- ${text}`).join("\n")}`;
  const last = earlier && now ? `Asked now:\n${now}` : now;
  return [request.system?.trim() ?? "", earlier, last].filter((part) => part !== "").join("\n\n");
}

/**
 * Earlier generated images, oldest first, then those of the last user turn; the same image once. Over the limit the oldest generated
 * ones are left out, never what the user just sent.
 */
export function chooseReferences(turns: readonly Turn[]): InputMedia[] {
  const last = turns.findLast((turn) => turn.role === "user");
  const sent = distinct(last ? imagesOf(last) : []);
  const drawn = distinct(turns.filter((turn) => turn.role === "model").flatMap(imagesOf)).filter(
    (renderedImage) => !isAmong(renderedImage, sent),
  );
  const room = Math.max(0, MAX_REFERENCES - sent.length);
  return [...drawn.slice(Math.max(0, drawn.length - room)), ...sent];
}

function imagesOf(turn: Turn): InputMedia[] {
  return turn.parts.flatMap((part) => (part.type === "image" ? [part.image] : []));
}

function distinct(images: InputMedia[]): InputMedia[] {
  return images.filter((renderedImage, index) => !isAmong(renderedImage, images.slice(index + 1)));
}

function isAmong(renderedImage: InputMedia, others: InputMedia[]): boolean {
  return renderedImage.mediaId !== undefined && others.some((other) => other.mediaId === renderedImage.mediaId);
}

function textOf(turn: Turn): string {
  return turn.parts
    .flatMap((part) => (part.type === "text" ? [part.text.trim()] : []))
    .filter((text) => text !== "")
    .join("\n");
}

function invalid(message: string, param: string): AppError {
  return new AppError("upstream_invalid", message, { param });
}
