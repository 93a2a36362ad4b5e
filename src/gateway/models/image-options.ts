// Image options: reads them from hints, and resolves them to what a provider can do. Pure.
import { ASPECTS, type Aspect, IMAGE_SIZES, type ImageOptions, type ImageSize, type Tier } from "../../domain/generation.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import type { ImageFamily, ImageLimits, Thinking } from "./family.ts";
import { fitOptions, MODEL_OPTIONS } from "./model-options.ts";
import type { ModelParameters } from "./parse-model.ts";

/** The fields of a request that may speak about shape and size, unread. Each dialect fills in those that it has. */
export type ImageHints = {
  /** `auto`, `1536x1024`, and as people write it: `16:9`, `landscape`, `2K`. */
  size?: unknown;
  /** `low` … `max`, `standard`, `hd`, `2K`; decides the size where nothing else does. */
  quality?: unknown;
  /** `16:9`, `16x9`, `landscape`. */
  aspectRatio?: unknown;
  /** `1K`, `2k`, `2048`, `2048x2048`. */
  imageSize?: unknown;
};

/** Shape as one provider can make it. */
export type FittedImage = { aspect?: Aspect; size?: ImageSize };

const NAMED_ASPECTS: ReadonlyMap<string, Aspect> = new Map([
  ["landscape", "16:9"],
  ["portrait", "9:16"],
  ["square", "1:1"],
  ["four-three", "4:3"],
  ["three-four", "3:4"],
]);

const NAMED_SIZES: ReadonlyMap<string, ImageSize> = new Map([
  ["512", "512"],
  ["512px", "512"],
  ["0.5k", "512"],
  ["1k", "1K"],
  ["2k", "2K"],
  ["4k", "4K"],
]);

/** Qualities of OpenAI and of python-flow2api. */
const QUALITIES: ReadonlyMap<string, ImageSize> = new Map([
  ["low", "512"],
  ["standard", "1K"],
  ["medium", "1K"],
  ["high", "2K"],
  ["hd", "2K"],
  ["xhigh", "4K"],
  ["max", "4K"],
  ["ultra", "4K"],
]);

/** Words of video models; said to an image they ask for nothing. */
const VIDEO_RESOLUTION = /^(360|480|720|1080)p$/;
const PAIR = /^(\d{1,5}(?:\.\d{1,4})?)\s*[:/x×*：]\s*(\d{1,5}(?:\.\d{1,4})?)$/;
/** From here on a pair of numbers is pixels rather than a ratio. */
const LEAST_PIXELS = 64;
/** A wider ratio is not an aspect: twice the widest one. */
const WIDEST = 16;

/**
 * Reads the hints of a request. An aspect said by itself goes before one that pixels imply; a size said by itself before pixels, pixels before
 * quality. Null, an empty string and `auto` say nothing. Pixels become the nearest aspect (by logarithm) and the size that has about as many.
 * @param names what the caller calls the fields, for errors
 * @throws {AppError} `invalid_request` with `param` when a field cannot be read
 */
export function readImageOptions(hints: ImageHints, names: Partial<Record<keyof ImageHints, string>> = NO_NAMES): ImageOptions {
  return isSilent(hints) ? NO_OPTIONS : readHints(hints, names);
}

/** Of hints that say nothing. */
export const NO_OPTIONS: Readonly<ImageOptions> = Object.freeze({});
const NO_NAMES: Partial<Record<keyof ImageHints, string>> = {};

function readHints(hints: ImageHints, names: Partial<Record<keyof ImageHints, string>>): ImageOptions {
  const read = (field: keyof ImageHints, parse: (text: string) => ImageOptions | null, expected: string): ImageOptions => {
    const value = hints[field];
    const text = typeof value === "number" ? String(value) : value;
    if (text === undefined || text === null) return {};
    const word = typeof text === "string" ? text.trim().toLowerCase() : null;
    if (word === "" || word === "auto") return {};
    const parsed = word === null ? null : parse(word);
    if (!parsed) throw unreadable(names[field] ?? field, expected, value);
    return parsed;
  };
  const aspect = read("aspectRatio", readAspect, 'an aspect ratio such as "16:9"');
  const size = read("imageSize", readSize, '"1K", "2K" or "4K"');
  const shape = read("size", (text) => readSize(text) ?? readAspect(text), '"auto", pixels such as "1536x1024", or a ratio such as "16:9"');
  const quality = read("quality", readQuality, '"auto", "low", "medium", "high" or "hd"');
  const shaping = [aspect, shape, size].find((reading) => reading.aspect);
  return compact({
    aspect: shaping?.aspect,
    size: size.size ?? shape.size ?? quality.size,
    pixels: shaping?.pixels,
  });
}

function isSilent(hints: ImageHints): boolean {
  for (const name in hints) if (hints[name as keyof ImageHints] !== undefined) return false;
  return true;
}

/** The options with what the model id fixes put first. */
export function withModel(params: ModelParameters, options: ImageOptions): ImageOptions {
  return compact({
    ...options,
    aspect: params.aspect ?? options.aspect,
    size: params.size ?? options.size,
    pixels: params.aspect || params.size ? undefined : options.pixels,
  });
}

/**
 * The nearest that the provider can do: the nearest offered aspect, the next smaller offered size (else the smallest).
 * What was not asked for is absent, unless the provider needs it; so is a size where it takes none.
 */
export function fitImage(limits: ImageLimits, options: ImageOptions): FittedImage {
  const ratio = options.pixels ? options.pixels.width / options.pixels.height : options.aspect && ratioOf(options.aspect);
  return compact({
    aspect: ratio ? nearestAspect(ratio, limits.aspects) : limits.defaultAspect,
    size: options.size && nearestOf(options.size, limits.sizes, IMAGE_SIZES),
  });
}

/** The nearest thinking level that the provider lets be chosen, or undefined where there is no choice or none was asked for. */
export function fitThinking({ thinking: levels }: ImageLimits, thinking: Thinking | undefined): Thinking | undefined {
  return thinking && nearestOf(thinking, levels, ["minimal", "low", "medium", "high", "xhigh"]);
}

/** The options as the provider can follow them; those that it does not take are left out. */
export function resolveImageOptions(family: ImageFamily, provider: string, options: ImageOptions): Omit<ImageOptions, "pixels"> {
  const limits = limitsOf(family, provider);
  return {
    ...omit(options, ["aspect", "size", "pixels", ...MODEL_OPTIONS]),
    ...fitImage(limits, options),
    ...fitOptions(family, provider, options).options,
    thinking: fitThinking(limits, options.thinking),
  };
}

/** Whether some provider of the family has the aspect asked for. A smaller image will do; another shape will not. */
export function takesAspect(family: ImageFamily, options: ImageOptions): boolean {
  return Object.values(family.providers).some((limits) => hasAspect(limits, options));
}

/**
 * The providers for these options: those that can do exactly what is asked, else the nearest (see `fitImage`), with the least tier
 * that each needs for it. `usable` limits the search to what the pool has, so that a provider without tokens rules out none that has some.
 */
export function providersFor(
  family: ImageFamily,
  options: ImageOptions,
  usable: (provider: string) => boolean = () => true,
): { providers: string[]; minTier: Record<string, Tier>; exact: boolean } {
  const all = Object.entries(family.providers).filter(([provider]) => usable(provider));
  const shaped = all.filter(([, limits]) => hasAspect(limits, options));
  const exact = shaped.filter(([, limits]) => hasSize(limits, options));
  const chosen = [exact, shaped, all].find((candidates) => candidates.length > 0) ?? [];
  const minTier: Record<string, Tier> = {};
  for (const [provider, limits] of chosen) {
    const size = fitImage(limits, options).size ?? limits.defaultSize;
    if (limits.minTier[size]) minTier[provider] = limits.minTier[size];
  }
  return { providers: chosen.map(([provider]) => provider), minTier, exact: exact.length > 0 };
}

/** @throws {AppError} `invalid_request` naming the shapes that there are, when none of the providers has the one asked for */
export function requireAspect(family: ImageFamily, providers: readonly string[], { aspect }: ImageOptions, param: string): void {
  const offered = new Set(providers.flatMap((provider) => limitsOf(family, provider).aspects));
  if (!aspect || offered.size === 0 || offered.has(aspect)) return;
  throw new AppError("invalid_request", `${param} must be one of ${[...offered].join(", ")} (${family.id} has no other), got "${aspect}"`, {
    param,
  });
}

/** Input images that one request may have, at the most generous of these providers. */
export function maxInputs(family: ImageFamily, providers: readonly string[]): number {
  return Math.max(0, ...providers.map((provider) => limitsOf(family, provider).maxInputs));
}

function readAspect(text: string): ImageOptions | null {
  const named = NAMED_ASPECTS.get(text.replace(/[_ ]/g, "-"));
  if (named) return { aspect: named };
  const pair = readPair(text);
  return pair && { aspect: nearestAspect(pair.width / pair.height, ASPECTS) };
}

function readSize(text: string): ImageOptions | null {
  if (VIDEO_RESOLUTION.test(text)) return {};
  const named = NAMED_SIZES.get(text);
  if (named) return { size: named };
  if (/^\d{3,5}$/.test(text)) return { size: sizeOfLongSide(Number(text)) };
  const pixels = readPair(text);
  if (!pixels || Math.max(pixels.width, pixels.height) < LEAST_PIXELS) return null;
  return {
    aspect: nearestAspect(pixels.width / pixels.height, ASPECTS),
    size: sizeOfPixels(pixels.width * pixels.height),
    pixels,
  };
}

function readQuality(text: string): ImageOptions | null {
  const size = QUALITIES.get(text);
  return size ? { size } : readSize(text);
}

function readPair(text: string): { width: number; height: number } | null {
  const match = PAIR.exec(text);
  if (!match) return null;
  const [width, height] = [Number(match[1]), Number(match[2])];
  const ratio = width / height;
  return ratio >= 1 / WIDEST && ratio <= WIDEST ? { width, height } : null;
}

function sizeOfLongSide(pixels: number): ImageSize {
  if (pixels <= 640) return "512";
  if (pixels <= 1600) return "1K";
  return pixels <= 3200 ? "2K" : "4K";
}

/** Pixels of each size's square, in the order of sizes. */
const NOMINAL_PIXELS: readonly [ImageSize, number][] = [
  ["512", 512 ** 2],
  ["1K", 1024 ** 2],
  ["2K", 2048 ** 2],
];
/** Beyond its square times this a size is too small: 1536x1024 is still 1K, 1792x1024 is not. */
const HEADROOM = 1.6;

/** By the number of pixels: long and narrow images have as many as square ones of their size. */
function sizeOfPixels(pixels: number): ImageSize {
  return NOMINAL_PIXELS.find(([, nominal]) => pixels <= nominal * HEADROOM)?.[0] ?? "4K";
}

function ratioOf(aspect: Aspect): number {
  const [width, height] = aspect.split(":").map(Number);
  return width! / height!;
}

export function nearestAspect(ratio: number, offered: readonly Aspect[]): Aspect {
  const distance = (aspect: Aspect): number => Math.abs(Math.log(ratio / ratioOf(aspect)));
  return offered.reduce((best, aspect) => (distance(aspect) < distance(best) ? aspect : best));
}

/** The value if offered, else the next lower in `order`, else the lowest offered; undefined when nothing is. */
function nearestOf<T>(wanted: T, offered: readonly T[], order: readonly T[]): T | undefined {
  return offered.findLast((candidate) => order.indexOf(candidate) <= order.indexOf(wanted)) ?? offered[0];
}

function hasAspect(limits: ImageLimits, { aspect }: ImageOptions): boolean {
  return !aspect || limits.aspects.includes(aspect);
}

/** A size below the smallest is served by the smallest. */
function hasSize(limits: ImageLimits, { size }: ImageOptions): boolean {
  if (!size || limits.sizes.includes(size)) return true;
  return IMAGE_SIZES.indexOf(size) <= IMAGE_SIZES.indexOf(limits.sizes[0] ?? limits.defaultSize);
}

/** @throws for a provider that does not serve the family */
export function limitsOf({ id, providers }: ImageFamily, provider: string): ImageLimits {
  const limits = providers[provider];
  if (!limits) throw new Error(`${provider} does not serve ${id}`);
  return limits;
}

function unreadable(param: string, expected: string, value: unknown): AppError {
  const got = typeof value === "object" ? "an object" : JSON.stringify(String(value).slice(0, 60));
  return new AppError("invalid_request", `${param} must be ${expected}, got ${got}.`, { param, reason: "invalid_value" });
}

/** The same without keys that are undefined. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
