// Prices of images and video seconds in USD: estimated from the list, actual from upstream counts.

import type { ImageSize, Resolution, Usage } from "../../domain/generation.ts";
import { FAMILIES } from "./catalogue.ts";
import type { ImagePrice, Thinking, TokenRates, VideoPrice } from "./family.ts";
import { familyOf } from "./models.ts";

/** Prices by family, then provider. */
export type Prices = {
  images: Readonly<Record<string, Readonly<Record<string, ImagePrice>>>>;
  videos: Readonly<Record<string, Readonly<Record<string, VideoPrice>>>>;
};

/** The vendors' list prices, as the catalogue has them. */
export const CATALOGUE_PRICES: Prices = {
  images: Object.fromEntries(FAMILIES.flatMap((family) => (family.kind === "image" ? [[family.id, pricesOf(family.providers)]] : []))),
  videos: Object.fromEntries(FAMILIES.flatMap((family) => (family.kind === "video" ? [[family.id, pricesOf(family.providers)]] : []))),
};

export type ImagePricing = {
  /** Level that was sent; absent: the family's default. */
  thinking?: Thinking;
  /** Queries of a search: those made, or before the call one where a search is asked for. */
  searches?: number;
  prices?: Prices;
};

/**
 * List price of one image with its thinking, in USD. Without a size, that of the size made by default; a size without a price of its
 * own costs the nearest larger one's, else the largest.
 * Input images and text are not counted: they are a small part, and `actualImageUsd` has them.
 */
export function estimateImageUsd(family: string, provider: string, size: ImageSize | undefined, pricing: ImagePricing = {}): number {
  const price = (pricing.prices ?? CATALOGUE_PRICES).images[family]?.[provider];
  if (!price) return 0;
  return drawingUsd(price, family, provider, size) + thinkingUsd(price, family, provider, pricing.thinking) + searchUsd(price, pricing);
}

/** One call that was made; `usage` as the upstream counted it. */
export type ImageCall = ImagePricing & { size?: ImageSize; usage: Usage | null; images?: number };

/**
 * Cost of one call that made `images` images (default 1), in USD: by the counts that the upstream reports and bills by, else by the list.
 * Images without reported tokens count at list price.
 */
export function actualImageUsd(family: string, provider: string, call: ImageCall): number {
  const { size, usage, ...pricing } = call;
  const price = (pricing.prices ?? CATALOGUE_PRICES).images[family]?.[provider];
  if (!price) return 0;
  const images = pricing.images ?? 1;
  const drawing = images * drawingUsd(price, family, provider, size);
  const rates = price.perMillionTokens;
  const searching = searchUsd(price, pricing);
  if (usage && rates)
    return searching + (usage.outputImage > 0 || images === 0 ? tokensUsd(usage, rates) : inputUsd(usage, rates) + drawing);
  const thought = !usage || usage.thoughts > 0;
  return searching + drawing + (thought ? images * thinkingUsd(price, family, provider, pricing.thinking) : 0);
}

/** List price of a video, in USD. Without a resolution, that of the family's default. */
export function videoUsd(
  family: string,
  provider: string,
  { resolution, seconds }: { resolution?: Resolution; seconds: number },
  prices: Prices = CATALOGUE_PRICES,
): number {
  const price = prices.videos[family]?.[provider];
  const limits = familyOf(family);
  const usual = limits?.kind === "video" ? limits.providers[provider]?.defaultResolution : undefined;
  return price ? seconds * listed(price.perSecond, resolution ?? usual, ["360p", "720p", "1080p", "4k"]) : 0;
}

function drawingUsd(price: ImagePrice, family: string, provider: string, size: ImageSize | undefined): number {
  return listed(price.perImage, size ?? limitsOf(family, provider)?.defaultSize, ["512", "1K", "2K", "4K"]);
}

function thinkingUsd(price: ImagePrice, family: string, provider: string, level: Thinking | undefined): number {
  const used = level ?? limitsOf(family, provider)?.defaultThinking;
  return (used && price.perThinking?.[used]) ?? 0;
}

const searchUsd = ({ perSearch = 0 }: ImagePrice, { searches = 0 }: ImagePricing): number => perSearch * searches;

function tokensUsd(usage: Usage, rates: TokenRates): number {
  const output = usage.outputImage * rates.outputImage + (usage.outputText + usage.thoughts) * rates.outputText;
  return inputUsd(usage, rates) + output / 1e6;
}

function inputUsd(usage: Usage, rates: TokenRates): number {
  return (usage.inputText * rates.inputText + usage.inputImage * rates.inputImage) / 1e6;
}

/** The price of the size asked for or the next larger that has one, else the largest's; nothing listed costs nothing. */
function listed<T extends string>(prices: Partial<Record<T, number>>, asked: T | undefined, order: readonly T[]): number {
  const priced = order.filter((size) => prices[size] !== undefined);
  const size = priced.find((candidate) => order.indexOf(candidate) >= (asked ? order.indexOf(asked) : 0)) ?? priced.at(-1);
  return size ? prices[size]! : 0;
}

function limitsOf(family: string, provider: string) {
  const facts = familyOf(family);
  return facts?.kind === "image" ? facts.providers[provider] : undefined;
}

function pricesOf<P>(providers: Readonly<Record<string, { price: P }>>): Record<string, P> {
  return Object.fromEntries(Object.entries(providers).map(([provider, { price }]) => [provider, price]));
}
