// Video mode: chosen from what the inputs may mean and the provider offers. Pure.
import type { Tier, VideoMode, VideoOptions } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { VideoLimits, VideoModeLimits } from "./family.ts";

/** What decides which provider can make a video: its options, what it starts from, and what the model id fixes. */
export type VideoNeeds = VideoOptions & {
  images: number;
  hasSource: boolean;
  /** What the model id allows to start from; the inputs decide among them. */
  modes?: readonly VideoMode[];
  tier?: Tier;
};

export const takesSource = (mode: VideoMode): boolean => mode === "edit" || mode === "extend" || mode === "upscale";

export const INPUTS: Readonly<Record<VideoMode, string>> = {
  text: "text alone",
  first_frame: "one image",
  frames: "a first and a last image",
  references: "reference images",
  edit: "a video to change",
  extend: "a video to go on from",
  upscale: "a video to enlarge",
};

/** Modes that the inputs may mean, the likeliest first. */
function impliedModes({ mode, modes, images, hasSource }: VideoNeeds): readonly VideoMode[] {
  if (mode) return [mode];
  if (hasSource) return modes?.some(takesSource) ? modes : ["edit"];
  const implied: VideoMode[] =
    images === 0 ? ["text"] : images === 1 ? ["first_frame", "references"] : images === 2 ? ["frames", "references"] : ["references"];
  return modes ? [...modes].sort((a, b) => rank(implied, a) - rank(implied, b)) : implied;
}

const rank = (order: readonly VideoMode[], mode: VideoMode): number => (order.includes(mode) ? order.indexOf(mode) : order.length);

export function chooseMode(family: string, limits: VideoLimits, needs: VideoNeeds): VideoMode | AppError {
  if (needs.mode && needs.modes && !needs.modes.includes(needs.mode))
    return refused("model", `This model id makes videos from ${listed(needs.modes)}, not from ${INPUTS[needs.mode]}.`);
  const candidates = impliedModes(needs);
  const offered = candidates.filter((mode) => limits.modes[mode]);
  if (offered.length === 0)
    return refused(
      "model",
      `${family} makes no video from ${listed(candidates)}: it takes ${listed(Object.keys(limits.modes) as VideoMode[])}.`,
    );
  return (
    offered.find((mode) => misfit(mode, limits.modes[mode]!, needs) === null) ??
    refused("images", misfit(offered[0]!, limits.modes[offered[0]!]!, needs)!)
  );
}

/** Why the inputs are not those of the mode; null when they are. */
function misfit(mode: VideoMode, { images = { min: 0, max: 0 } }: VideoModeLimits, needs: VideoNeeds): string | null {
  if (takesSource(mode) && !needs.hasSource) return `A video from ${INPUTS[mode]} needs the video.`;
  if (!takesSource(mode) && needs.hasSource) return `A video from ${INPUTS[mode]} takes no video.`;
  const least = mode === "references" ? Math.max(images.min, 1) : images.min;
  if (needs.images >= least && needs.images <= images.max) return null;
  const range = least === images.max ? `${least}` : `${least} to ${images.max}`;
  return `A video from ${INPUTS[mode]} takes ${images.max === 0 ? "no images" : `${range} image${images.max === 1 ? "" : "s"}`}, got ${needs.images}.`;
}

const listed = (modes: readonly VideoMode[]): string => modes.map((mode) => INPUTS[mode]).join(" or ");
export const refused = (param: string, message: string): AppError => new AppError("invalid_request", message, { param });
