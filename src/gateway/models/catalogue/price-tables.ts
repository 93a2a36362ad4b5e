// Prices of a family at a provider, from their tables; and the prices that are assumed where there are none. Pure.

import { IMAGE_SIZES, type ImageSize, RESOLUTIONS, type Resolution } from "../../../domain/generation.ts";
import type { Family, ImageLimits, ImagePrice, VideoLimits, VideoPrice } from "../family.ts";
import { misfit, type Table } from "./fields.ts";

/** Tokens of an image by its size: the most of any model so far, so that an estimate by them is not too low (pricing pages, read 2026-11-29). */
const IMAGE_TOKENS: Readonly<Record<ImageSize, number>> = { "512": 750, "1K": 1290, "2K": 1680, "4K": 3780 };
/** Tokens of a second of video (Omni, pricing page, read 2026-11-29). */
const VIDEO_TOKENS: Readonly<Record<Resolution, number>> = { "360p": 1934, "720p": 5792, "1080p": 8692, "4k": 17_375 };

const inUsd = (tokens: Readonly<Record<string, number>>, perMillion: number) =>
  Object.fromEntries(Object.entries(tokens).map(([size, count]) => [size, (count * perMillion) / 1e6]));
const free = (sizes: readonly string[]) => Object.fromEntries(sizes.map((size) => [size, 0]));

/** The price that the tables say; without one in them `perImage` is empty. */
export function readImagePrice(price: Table, path: string): ImagePrice {
  const rates = ratesOf(price, ["input_text", "input_image", "output_text", "output_image"], path);
  const own = (price.per_image ?? {}) as ImagePrice["perImage"];
  const derived = rates && Object.keys(own).length === 0 ? inUsd(IMAGE_TOKENS, rates.output_image!) : {};
  return {
    perImage: { ...(price.by_plan === true ? free(IMAGE_SIZES) : derived), ...own },
    ...(rates
      ? {
          perMillionTokens: {
            inputText: rates.input_text!,
            inputImage: rates.input_image!,
            outputText: rates.output_text!,
            outputImage: rates.output_image!,
          },
        }
      : {}),
    ...(price.per_thinking ? { perThinking: price.per_thinking as ImagePrice["perThinking"] } : {}),
    ...(price.per_input_image === undefined ? {} : { perInputImage: price.per_input_image as number }),
    ...(price.per_search === undefined ? {} : { perSearch: price.per_search as number }),
  };
}

export function readVideoPrice(price: Table, path: string): VideoPrice {
  const rates = ratesOf(price, ["input", "output_text", "output_video"], path);
  const own = (price.per_second ?? {}) as VideoPrice["perSecond"];
  const derived = rates && Object.keys(own).length === 0 ? inUsd(VIDEO_TOKENS, rates.output_video!) : {};
  return {
    perSecond: { ...(price.by_plan === true ? free(RESOLUTIONS) : derived), ...own },
    ...(rates ? { perMillionTokens: { input: rates.input!, outputText: rates.output_text!, outputVideo: rates.output_video! } } : {}),
    ...(price.per_input_image === undefined ? {} : { perInputImage: price.per_input_image as number }),
  };
}

/** All rates or none: one that is missing would count as free. */
function ratesOf(price: Table, names: readonly string[], path: string): Record<string, number> | null {
  const rates = price.per_million_tokens as Record<string, number> | undefined;
  if (!rates) return null;
  const missing = names.find((name) => rates[name] === undefined);
  if (missing) throw misfit(`${path}.per_million_tokens.${missing}`, "a number (the rates count together)", "nothing");
  return rates;
}

export const isPriced = ({ price }: ImageLimits | VideoLimits): boolean =>
  Object.keys("perImage" in price ? price.perImage : price.perSecond).length > 0;

/** For each size or resolution the dearest list price of the priced families, with the dearest of what is added to it. */
export type AssumedPrices = { image: ImagePrice; video: VideoPrice };

/** @param families those whose prices are known, the built-in ones among them */
export function assumePrices(families: readonly Family[]): AssumedPrices {
  const images = families.flatMap((family) => (family.kind === "image" ? Object.values(family.providers).map(({ price }) => price) : []));
  const videos = families.flatMap((family) => (family.kind === "video" ? Object.values(family.providers).map(({ price }) => price) : []));
  const most = (values: readonly (number | undefined)[]) => Math.max(0, ...values.map((value) => value ?? 0));
  return {
    image: {
      perImage: dearest(
        IMAGE_SIZES,
        images.map(({ perImage }) => perImage),
      ),
      perInputImage: most(images.map(({ perInputImage }) => perInputImage)),
      perSearch: most(images.map(({ perSearch }) => perSearch)),
    },
    video: {
      perSecond: dearest(
        RESOLUTIONS,
        videos.map(({ perSecond }) => perSecond),
      ),
      perInputImage: most(videos.map(({ perInputImage }) => perInputImage)),
    },
  };
}

/** Ascending: a larger size is never assumed to be cheaper than a smaller one. */
function dearest<T extends string>(sizes: readonly T[], prices: readonly Partial<Record<T, number>>[]): Record<T, number> {
  let least = 0;
  const all = sizes.map((size): [T, number] => {
    least = Math.max(least, ...prices.map((price) => price[size] ?? 0));
    return [size, least];
  });
  return Object.fromEntries(all) as Record<T, number>;
}
