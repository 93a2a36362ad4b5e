// Prices of images and video seconds in USD: estimated from the list, actual from upstream counts.

import type { ImageSize, Resolution, Usage } from "../../domain/generation.ts";
import type { ImageCosts, VideoCosts } from "./catalogue/catalogue.ts";
import type { ImagePrice, Thinking, TokenRates } from "./family.ts";

export type ImagePricing = {
  /** Level that was sent; absent: the family's default. */
  thinking?: Thinking;
  /** Queries of a search: those made, or before the call one where a search is asked for. */
  searches?: number;
  /** Input images of the call. */
  inputs?: number;
};

/** Tokens of an input image where only the price of tokens is known (Gemini API pricing page, read 2026-11-29). */
const INPUT_IMAGE_TOKENS = 1120;

/**
 * List price of one image with its thinking and inputs, in USD. Without a size, that of the size made by default; a size without a price of
 * its own costs the nearest larger one's, else the largest. Text is not counted: it is a small part, and `actualImageUsd` has it.
 */
export function estimateImageUsd(costs: ImageCosts, size: ImageSize | undefined, pricing: ImagePricing = {}): number {
  const { price } = costs;
  return drawingUsd(costs, size) + thinkingUsd(costs, pricing.thinking) + searchUsd(price, pricing) + inputImagesUsd(price, pricing);
}

/** One call that was made; `usage` as the upstream counted it. */
export type ImageCall = ImagePricing & { size?: ImageSize; usage: Usage | null; images?: number };

/**
 * Cost of one call that made `images` images (default 1), in USD: by the counts that the upstream reports and bills by, else by the list.
 * Images without reported tokens count at list price.
 */
export function actualImageUsd(costs: ImageCosts, call: ImageCall): number {
  const { size, usage, images = 1 } = call;
  const { price } = costs;
  const drawing = images * drawingUsd(costs, size);
  const rates = price.perMillionTokens;
  const searching = searchUsd(price, call);
  if (usage && rates)
    return (
      searching +
      (usage.outputImage > 0 || images === 0
        ? tokensUsd(usage, rates)
        : inputUsd(usage, rates) + thoughtsUsd(usage.thoughts, rates) + drawing)
    );
  const thought = !usage || usage.thoughts > 0;
  return searching + drawing + inputImagesUsd(price, call) + (thought ? images * thinkingUsd(costs, call.thinking) : 0);
}

/** List price of a video with its input images, in USD. Without a resolution, that of the family's default. */
export function estimateVideoUsd(
  { price, defaultResolution }: VideoCosts,
  { resolution, seconds, inputs = 0 }: { resolution?: Resolution; seconds: number; inputs?: number },
): number {
  const each = price.perInputImage ?? ((price.perMillionTokens?.input ?? 0) * INPUT_IMAGE_TOKENS) / 1e6;
  return seconds * listed(price.perSecond, resolution ?? defaultResolution, ["360p", "720p", "1080p", "4k"]) + inputs * each;
}

/** Cost of a finished video, in USD: by the counts that the upstream reports and bills by, else the estimate that was made. */
export function actualVideoUsd({ price }: VideoCosts, usage: Usage | null, estimate: number): number {
  const rates = price.perMillionTokens;
  if (!usage || !rates || usage.outputImage === 0) return estimate;
  const input = (usage.inputText + usage.inputImage) * rates.input;
  return (input + (usage.outputText + usage.thoughts) * rates.outputText + usage.outputImage * rates.outputVideo) / 1e6;
}

const SIZES = ["512", "1K", "2K", "4K"] as const;

function drawingUsd({ price, defaultSize }: ImageCosts, size: ImageSize | undefined): number {
  return listed(price.perImage, size ?? defaultSize, SIZES);
}

function thinkingUsd({ price, defaultThinking }: ImageCosts, level: Thinking | undefined): number {
  const used = level ?? defaultThinking;
  return (used && price.perThinking?.[used]) ?? 0;
}

const searchUsd = ({ perSearch = 0 }: ImagePrice, { searches = 0 }: ImagePricing): number => perSearch * searches;

const inputImagesUsd = ({ perInputImage, perMillionTokens }: ImagePrice, { inputs = 0 }: ImagePricing): number =>
  inputs * (perInputImage ?? ((perMillionTokens?.inputImage ?? 0) * INPUT_IMAGE_TOKENS) / 1e6);

function tokensUsd(usage: Usage, rates: TokenRates): number {
  return inputUsd(usage, rates) + thoughtsUsd(usage.outputText + usage.thoughts, rates) + (usage.outputImage * rates.outputImage) / 1e6;
}

const thoughtsUsd = (tokens: number, rates: TokenRates): number => (tokens * rates.outputText) / 1e6;

function inputUsd(usage: Usage, rates: TokenRates): number {
  return (usage.inputText * rates.inputText + usage.inputImage * rates.inputImage) / 1e6;
}

/** The price of the size asked for or the next larger that has one, else the largest's; nothing listed costs nothing. */
function listed<T extends string>(prices: Partial<Record<T, number>>, asked: T | undefined, order: readonly T[]): number {
  const from = asked ? order.indexOf(asked) : 0;
  let price = 0;
  for (let at = 0; at < order.length; at++) {
    price = prices[order[at]!] ?? price;
    if (at >= from && prices[order[at]!] !== undefined) return price;
  }
  return price;
}

/** What a request costs at each provider, in USD. */
export const costsBy = (providers: readonly string[], costOf: (provider: string) => number): Record<string, number> =>
  Object.fromEntries(providers.map((provider) => [provider, costOf(provider)]));
