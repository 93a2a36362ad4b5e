// Images body decoder: prompt, input images, mask and output format. Pure.

import type { ImageOptions } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference, UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import { countOr, mustBe } from "../../body/invalid.ts";
import { type CollectedHints, collectImageHints, collectSeed } from "../../image-config.ts";
import { IMAGE_FORMATS, type ImageFormatOptions } from "../../image-output.ts";
import { withNegativePrompt } from "../../negative-prompt.ts";
import { decodeText } from "../chat/message.ts";
import { referencesOf } from "../references.ts";
import { COMPRESSION, IMAGE_COUNT, type ImagesBody, PARTIALS } from "../schema.ts";

/** Values of `quality` in responses. */
const QUALITIES = ["low", "medium", "high", "xhigh", "max"] as const;
export type Quality = (typeof QUALITIES)[number];

/** Fields of a response beside the images. Plain JSON: stored with the job. */
export type ImageEcho = { output: ImageFormatOptions; form: "b64_json" | "url"; quality: Quality | null };

export type DecodedImages = ImageEcho & {
  model: string;
  stream: boolean;
  n: number;
  /** One turn: the prompt, the images in order, then the mask with its instruction. */
  turns: UnresolvedTurn[];
  hints: ImageHints;
  names?: CollectedHints["names"];
  /** All but shape and size. */
  options: ImageOptions;
  /** Maximum number of interim images in a stream. */
  partials: number;
  /** Return 202 at once and run as a job. */
  background: boolean;
  webhookUrl?: string;
};

/** Maximum number of images of one edit, without the mask. A model may take fewer. */
export const MAX_IMAGES = 16;

export const tooManyImages = (count: number) =>
  new AppError("invalid_request", `image must be at most ${MAX_IMAGES} images, got ${count}.`, {
    param: "image",
    reason: "invalid_value",
  });

/** Upstreams have no field for masks: the mask is sent as an image, with this instruction. */
export const MASK_INSTRUCTION =
  "The next image is a mask for the first image. Change only the area where the mask is transparent and keep everything else exactly as it is.";

/** Form fields with numbers and flags. */
export const FORM_FIELDS = { numbers: ["n", "partial_images", "output_compression"], flags: ["stream"] } as const;

type Uploads = { images: readonly InputReference[]; mask: readonly InputReference[] };

const NO_UPLOADS: Uploads = { images: [], mask: [] };
const FIELDS = ["image", "images", "input_references"] as const;

/**
 * `uploads`: images that came as files of a form; they follow those that the body names.
 * @throws {AppError} `invalid_request` naming the field
 */
export function decodeImages(
  body: ImagesBody,
  kind: "generation" | "edit",
  defaultModel: string,
  uploads: Uploads = NO_UPLOADS,
): DecodedImages {
  const stream = body.stream ?? false;
  const partials = stream ? countOr(0, body.partial_images, "partial_images", PARTIALS) : 0;
  return {
    model: body.model ?? defaultModel,
    stream,
    n: countOr(1, body.n, "n", IMAGE_COUNT),
    turns: [{ role: "user", parts: partsOf(body, kind, uploads) }],
    ...collectImageHints(body),
    options: { seed: collectSeed(body), imageOnly: true, includeThoughts: partials > 0 },
    partials,
    output: decodeOutput(body.output_format, countOr(null, body.output_compression, "output_compression", COMPRESSION)),
    form: decodeForm(body.response_format),
    quality: qualityOf(body.quality),
    background: body.background === true || String(body.background).toLowerCase() === "true",
    webhookUrl: body.webhook_url ?? undefined,
  };
}

/** The prompt with what it mentions, the images in order, then the mask with its instruction. */
function partsOf(body: ImagesBody, kind: "generation" | "edit", uploads: Uploads): UnresolvedTurn["parts"] {
  const parts: UnresolvedTurn["parts"] = [];
  for (const part of decodeText(withNegativePrompt(body.prompt, body.negative_prompt), "prompt"))
    if (part.type === "reference" || part.text.trim() !== "") parts.push(part);
  for (const field of FIELDS) for (const image of referencesOf(body[field], field)) parts.push(image);
  for (const image of uploads.images) parts.push(image);
  let count = 0;
  for (const { type } of parts) if (type === "reference") count++;
  if (kind === "edit" && count === 0)
    throw new AppError("invalid_request", "Missing required parameter: 'image'.", { param: "image", reason: "missing_required_parameter" });
  if (count > MAX_IMAGES) throw tooManyImages(count);
  const mask = referencesOf(body.mask, "mask")[0] ?? uploads.mask[0];
  if (mask && count > 0) parts.push({ type: "text", text: MASK_INSTRUCTION }, mask);
  return parts;
}

/** @throws {AppError} `invalid_request` for a format that cannot be made here */
export function decodeOutput(format: string | null | undefined, compression: number | null | undefined): ImageFormatOptions {
  const word = format?.trim().toLowerCase() || null;
  const known = word === "jpg" ? "jpeg" : word;
  const found = IMAGE_FORMATS.find((one) => one === known) ?? null;
  if (known !== null && found === null) throw mustBe("output_format", '"png", "jpeg" or "webp"', format);
  return { format: found, compression: compression ?? null };
}

function decodeForm(word: string | null | undefined): "b64_json" | "url" {
  if (word === undefined || word === null || word === "" || word === "b64_json") return "b64_json";
  if (word === "url") return "url";
  throw mustBe("response_format", '"url" or "b64_json"', word);
}

/** `quality` of a response: the requested word, older words as their successors; null without one. */
export function qualityOf(word: string | null | undefined): Quality | null {
  const today = word === "standard" ? "medium" : word === "hd" ? "high" : word;
  return QUALITIES.find((one) => one === today) ?? null;
}
