// Encoder of ImagesResponse and image stream events. Pure; base64 is written when the response is sent.
// Source: docs/wire/openai.md.
import type { Usage } from "../../../domain/generation.ts";
import type { RenderedImage } from "../../image-output.ts";
import type { BodyBytes } from "../../json-bytes.ts";
import type { Quality } from "./decode.ts";

export type StreamName = "image_generation" | "image_edit";

/** Usage of the images API, with the names of the chat API as well: one third-party client reads those. */
export function encodeImageUsage(usage: Usage) {
  const input = usage.inputText + usage.inputImage;
  const output = usage.outputText + usage.outputImage + usage.thoughts;
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: usage.total,
    input_tokens_details: { text_tokens: usage.inputText, image_tokens: usage.inputImage },
    output_tokens_details: { text_tokens: usage.outputText + usage.thoughts, image_tokens: usage.outputImage },
    prompt_tokens: input,
    completion_tokens: output,
  };
}

/** Actual pixels of an image, `WxH`; undefined where they are not known. */
export const sizeOf = ({ media }: Pick<RenderedImage, "media">): string | undefined =>
  media.width === null || media.height === null ? undefined : `${media.width}x${media.height}`;

/** One element of `data`: a link, or the bytes. */
export type ImageDatum = { url: string } | { b64_json: BodyBytes | string };

type FinishedImages = {
  created: number;
  shown: readonly (Pick<RenderedImage, "media" | "format"> & { datum: ImageDatum })[];
  quality: Quality | null;
  usage: Usage | null;
};

/** `ImagesResponse`. Format and size are those of the first image: all had the same options. What is undefined is left out of the JSON. */
export function encodeImages({ created, shown, quality, usage }: FinishedImages) {
  const first = shown[0]!;
  const data: ImageDatum[] = [];
  for (const { datum } of shown) data.push(datum);
  return {
    created,
    background: "opaque" as const,
    output_format: first.format,
    quality: quality ?? undefined,
    size: sizeOf(first),
    data,
    usage: usage ? encodeImageUsage(usage) : undefined,
  };
}

/** Fields of partial and completed events. `quality` is required: `auto` where none was requested. */
function encodeImage(image: RenderedImage, base64: string, created: number, quality: Quality | null) {
  return {
    b64_json: base64,
    created_at: created,
    size: sizeOf(image) ?? "auto",
    quality: quality ?? "auto",
    background: "opaque" as const,
    output_format: image.format,
  };
}

export function encodePartial(name: StreamName, index: number, ...image: Parameters<typeof encodeImage>) {
  return { type: `${name}.partial_image` as const, partial_image_index: index, ...encodeImage(...image) };
}

export function encodeCompleted(name: StreamName, usage: Usage, ...image: Parameters<typeof encodeImage>) {
  return { type: `${name}.completed` as const, ...encodeImage(...image), usage: encodeImageUsage(usage) };
}
