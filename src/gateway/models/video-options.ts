// Video options: resolved to what a provider can do; mode from the inputs, nearest length. Pure.
import {
  RESOLUTIONS,
  type Resolution,
  type Tier,
  VIDEO_ASPECTS,
  type VideoAspect,
  type VideoMode,
  type VideoOptions,
  type VideoQuality,
} from "../../domain/generation.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import type { VideoFamily, VideoLimits, VideoModeLimits } from "./family.ts";
import type { ModelParameters } from "./parse-model.ts";
import { estimateVideoUsd } from "./prices.ts";
import { chooseMode, INPUTS, refused, takesSource, type VideoNeeds } from "./video-mode.ts";

export type { VideoNeeds } from "./video-mode.ts";

/** The options as one provider can follow them. The seed is the job's, for every provider. */
export type FittedVideo = Omit<VideoOptions, "seed"> & {
  family: string;
  mode: VideoMode;
  /** Length of what is made, in seconds; also where it is not sent upstream. */
  seconds: number;
};

export type VideoChoice = {
  /** By provider; never empty. */
  fits: Record<string, FittedVideo>;
  minTier: Record<string, Tier>;
  /** The dearest of them. */
  estimateUsd: number;
};

/** The options with what the model id fixes put first. */
export function videoNeeds(
  { aspect, resolution, seconds, quality, modes, relaxed, tier }: ModelParameters,
  { options, images, source }: { options: VideoOptions; images: readonly unknown[]; source?: unknown },
): VideoNeeds {
  return {
    ...options,
    aspect: aspect === "16:9" || aspect === "9:16" ? aspect : options.aspect,
    resolution: resolution ?? options.resolution,
    seconds: seconds ?? options.seconds,
    quality: quality ?? options.quality,
    relaxed: relaxed ?? options.relaxed,
    images: images.length,
    hasSource: source !== undefined,
    modes,
    tier,
  };
}

/**
 * Every provider of the family that can make it, among those that are `usable`.
 * @throws {AppError} `invalid_request` that says why no provider can
 */
export function chooseVideo(family: VideoFamily, needs: VideoNeeds, usable: (provider: string) => boolean = () => true): VideoChoice {
  const fits: Record<string, FittedVideo> = {};
  const minTier: Record<string, Tier> = {};
  let refusal: AppError | null = null;
  for (const [provider, limits] of Object.entries(family.providers)) {
    if (!usable(provider)) continue;
    const fitted = fitVideo(family.id, limits, needs);
    if (fitted instanceof AppError) {
      refusal ??= fitted;
      continue;
    }
    fits[provider] = fitted;
    const tier = Math.max(needs.tier ?? 0, (fitted.resolution && limits.minTier[fitted.resolution]) ?? 0) as Tier;
    if (tier > 0) minTier[provider] = tier;
  }
  if (Object.keys(fits).length === 0) throw refusal ?? refused("model", `No provider of this pool makes videos with ${family.id}.`);
  const costs = Object.entries(fits).map(([provider, { resolution, seconds }]) =>
    estimateVideoUsd(family.providers[provider]!, { resolution, seconds, inputs: needs.images }),
  );
  return { fits, minTier, estimateUsd: Math.max(...costs) };
}

/** Whether some usable provider of the family can make it. */
export function canMakeVideo(family: VideoFamily, needs: VideoNeeds, usable: (provider: string) => boolean): boolean {
  return Object.entries(family.providers).some(
    ([provider, limits]) => usable(provider) && !(fitVideo(family.id, limits, needs) instanceof AppError),
  );
}

function fitVideo(family: string, limits: VideoLimits, needs: VideoNeeds): FittedVideo | AppError {
  const mode = chooseMode(family, limits, needs);
  if (mode instanceof AppError) return mode;
  const mine = limits.modes[mode]!;
  const quality = chooseQuality(family, mode, limits, needs.quality);
  if (quality instanceof AppError) return quality;
  const sourced = takesSource(mode);
  return compact({
    ...omit(needs, ["seed", "images", "hasSource", "modes", "tier"]),
    family,
    mode,
    seconds: fitSeconds(needs.seconds, mine),
    // The source decides its own shape.
    aspect: sourced ? undefined : fitAspect(needs.aspect, limits),
    resolution: fitResolution(needs.resolution ?? (mode === "upscale" ? "1080p" : undefined), limits),
    quality,
  });
}

/** The quality to send; undefined where there is no choice. */
function chooseQuality(
  family: string,
  mode: VideoMode,
  limits: VideoLimits,
  requested: VideoQuality | undefined,
): VideoQuality | undefined | AppError {
  if (limits.qualities.length === 0) return undefined;
  const offered = limits.modes[mode]?.qualities ?? limits.qualities;
  if (requested === undefined) return limits.defaultQuality && offered.includes(limits.defaultQuality) ? limits.defaultQuality : offered[0];
  return offered.includes(requested)
    ? requested
    : refused("quality", `${family} makes videos from ${INPUTS[mode]} in ${offered.join(" or ")} only, not in ${requested}.`);
}

/** The nearest length on offer, the longer of two that are equally near. */
function fitSeconds(requested: number | undefined, { seconds }: VideoModeLimits): number {
  if (requested === undefined) return seconds.default;
  if (!seconds.values) return Math.min(Math.max(requested, seconds.min), seconds.max);
  return seconds.values.reduce((best, value) => (Math.abs(value - requested) <= Math.abs(best - requested) ? value : best));
}

function fitAspect(requested: VideoAspect | undefined, { aspects, defaultAspect }: VideoLimits): VideoAspect {
  return requested && aspects.includes(requested) ? requested : defaultAspect;
}

/** The next lower on offer, else the lowest. */
function fitResolution(requested: Resolution | undefined, { resolutions, defaultResolution }: VideoLimits): Resolution {
  if (!requested) return defaultResolution;
  const order = (resolution: Resolution) => RESOLUTIONS.indexOf(resolution);
  return resolutions.findLast((resolution) => order(resolution) <= order(requested)) ?? resolutions[0] ?? defaultResolution;
}

/** The same without keys that are undefined. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

/** Farthest that a proportion may be from one that is made. */
const WIDEST_MISS = 0.1 + 1e-9;

/** The aspect that a proportion (width by height) is within a tenth of; null where it is none of them. */
export function nearVideoAspect(ratio: number): VideoAspect | null {
  const miss = (aspect: VideoAspect) => Math.abs(ratio / (aspect === "16:9" ? 16 / 9 : 9 / 16) - 1);
  return VIDEO_ASPECTS.find((aspect) => miss(aspect) <= WIDEST_MISS) ?? null;
}
