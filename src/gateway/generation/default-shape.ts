// Default shape of an image: that of the image it changes, else a square. Pure.
import { ASPECTS, type ImageOptions, type InputMedia, type Turn } from "../../domain/generation.ts";
import { nearestAspect } from "../models/image-options.ts";

/**
 * The options with a shape. What is changed is the first image of the user's last turn, else the latest of the conversation; where its pixels
 * are not known the upstream, which sees it, decides.
 */
export function withDefaultShape(options: ImageOptions, turns: readonly Turn[]): ImageOptions {
  if (options.aspect) return options;
  const input = changedImage(turns);
  if (!input) return { ...options, aspect: "1:1" };
  if (!input.pixels) return options;
  const { width, height } = input.pixels;
  return { ...options, aspect: nearestAspect(width / height, ASPECTS), pixels: input.pixels };
}

function changedImage(turns: readonly Turn[]): InputMedia | undefined {
  const imagesOf = ({ parts }: Turn) =>
    parts.flatMap((part) => (part.type === "image" && part.image.mime.startsWith("image/") ? [part.image] : []));
  const last = turns.at(-1);
  const named = last ? imagesOf(last)[0] : undefined;
  return named ?? turns.flatMap(imagesOf).at(-1);
}
