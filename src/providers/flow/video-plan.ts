// What a request for a video asks of Flow: endpoint, model key, inputs, and what is done with it afterwards. Pure.

import type { InputMedia, Tier, VideoAspect, VideoMode, VideoRequest } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { ProviderModels } from "../provider.ts";
import { type FlowVideo, type Piece, readSource, type Task } from "./handle.ts";
import { VEO, VIDEO_UPSCALES, videoModelKey } from "./models.ts";

/** Everything of a submission that does not depend on session and project. */
export type VideoPlan = {
  stage: "base" | "extension" | "upscale";
  /** End of the path of its endpoint. */
  endpoint: keyof typeof ENDPOINTS;
  videoModelKey: string;
  aspect: VideoAspect;
  prompt: string | null;
  /** To be uploaded, in order. */
  images: readonly InputMedia[];
  /** What the request body holds besides, given the media ids of the uploaded images. */
  extras(names: readonly string[]): object;
  /** As asked for, brought into Flow's range; absent: any. */
  seed?: number;
  /** The project that a source belongs to; null: the token's own. */
  projectId: string | null;
  /** What the finished video will consist of, given its media id. */
  piecesOf(mediaId: string): Piece[];
  tasks: Task[];
};

/** Paths below the API, by the end of `video:batchAsyncGenerateVideo…`. */
export const ENDPOINTS = {
  Text: "video:batchAsyncGenerateVideoText",
  StartImage: "video:batchAsyncGenerateVideoStartImage",
  StartAndEndImage: "video:batchAsyncGenerateVideoStartAndEndImage",
  ReferenceImages: "video:batchAsyncGenerateVideoReferenceImages",
  ExtendVideo: "video:batchAsyncGenerateVideoExtendVideo",
  UpsampleVideo: "video:batchAsyncGenerateVideoUpsampleVideo",
} as const;

export const MAX_VIDEO_SEED = 99_999;
const DEFAULT_ASPECT: VideoAspect = "16:9";
/** An extension is generated in this length: one second of what it extends, and 7 s more. */
const EXTENSION_SECONDS = 8;

const media = (mediaId: string | undefined) => ({ mediaId });

/** Endpoint, images and body of the modes that make a video of their own. */
const BASES: Partial<Record<VideoMode, Pick<VideoPlan, "endpoint" | "extras"> & { least: number; most: number }>> = {
  text: { endpoint: "Text", least: 0, most: 0, extras: () => ({}) },
  first_frame: { endpoint: "StartImage", least: 1, most: 1, extras: ([first]) => ({ startImage: media(first) }) },
  frames: {
    endpoint: "StartAndEndImage",
    least: 2,
    most: 2,
    extras: ([first, last]) => ({ startImage: media(first), endImage: media(last) }),
  },
  references: {
    endpoint: "ReferenceImages",
    least: 1,
    most: 3,
    extras: (names) => ({ referenceImages: names.map((name) => ({ imageUsageType: "IMAGE_USAGE_TYPE_ASSET", ...media(name) })) }),
  },
};

/**
 * What Flow is asked for. `plan` is the account's, undefined when it is not known.
 * @throws {AppError} `upstream_model_denied` for a family or a resolution that this account has not, `upstream_invalid` for what Flow cannot do
 */
export function videoSpecOf(asked: VideoRequest, { plan, models }: { plan: Tier | undefined; models: ProviderModels }): VideoPlan {
  const request = { ...asked, wire: requireVideo(models, asked.family) };
  const seed = request.seed === undefined ? {} : { seed: Math.abs(Math.trunc(request.seed)) % MAX_VIDEO_SEED || MAX_VIDEO_SEED };
  if (request.mode === "upscale") return { ...planUpscale(request, plan), ...seed };
  if (request.prompt.trim() === "") throw invalid("Flow needs a prompt in words.", "prompt");
  return { ...(request.mode === "extend" ? planExtension(request, plan) : planBase(request, plan)), ...seed };
}

/** A video request with Flow's own name of the model. */
type WireVideo = VideoRequest & { wire: string };

function requireVideo(models: ProviderModels, family: string): string {
  const model = models.find(family);
  if (model?.kind === "video") return model.wire;
  const detail = { scope: "token_model", reason: "model_missing" } as const;
  throw new AppError("upstream_model_denied", `Flow does not have the model ${family}.`, { detail });
}

function planBase(request: WireVideo, plan: Tier | undefined): VideoPlan {
  const { mode, images, prompt, aspect = DEFAULT_ASPECT, seconds = 8 } = request;
  const base = BASES[mode];
  if (!base) throw invalid(`Flow has no way to ${mode} a video.`, "mode");
  const key = videoModelKey({ ...request, aspect, plan });
  if (images.length < base.least || images.length > base.most) {
    const wanted = base.least === base.most ? base.least : `${base.least} to ${base.most}`;
    throw invalid(`Flow takes ${wanted} images here, not ${images.length}.`, "images");
  }
  const { endpoint, extras } = base;
  const piecesOf = (name: string) => [{ name, seconds }];
  const shared = { stage: "base", prompt, images, projectId: null } as const;
  return { ...shared, endpoint, extras, videoModelKey: key, aspect, piecesOf, tasks: upscalesOf(request, plan) };
}

function upscalesOf({ family, wire, resolution = "720p" }: WireVideo, plan: Tier | undefined): Task[] {
  if (resolution === "720p") return [];
  if (wire !== VEO || resolution === "360p") throw invalid(`Flow makes ${family} not in ${resolution}.`, "resolution");
  checkPlan(resolution, plan);
  return [{ task: "upscale", resolution }];
}

/** What a plan lacks would show only after the video below it is paid. */
function checkPlan(resolution: "1080p" | "4k", plan: Tier | undefined): void {
  if (plan === undefined || plan >= VIDEO_UPSCALES[resolution]!.minPlan) return;
  const detail = { scope: "token_model", reason: "model_denied" } as const;
  throw new AppError("upstream_model_denied", `The plan of this Flow account does not include ${resolution}.`, { detail });
}

function planExtension(request: WireVideo, plan: Tier | undefined): VideoPlan {
  const { projectId, aspect, pieces } = readSource(request.source?.operation ?? null);
  if (request.resolution !== undefined && request.resolution !== "720p") throw invalid("Flow extends videos in 720p only.", "resolution");
  return {
    stage: "extension",
    endpoint: "ExtendVideo",
    videoModelKey: videoModelKey({ ...request, aspect, plan }),
    aspect,
    prompt: request.prompt,
    images: [],
    extras: () => ({ videoInput: media(pieces.at(-1)!.name), metadata: { workflowId: crypto.randomUUID() } }),
    projectId,
    piecesOf: (name) => [{ name, seconds: EXTENSION_SECONDS }],
    tasks: [{ task: "concatenation", before: pieces }],
  };
}

function planUpscale(request: WireVideo, plan: Tier | undefined): VideoPlan {
  const source = readSource(request.source?.operation ?? null);
  const { resolution = "1080p" } = request;
  if (request.wire !== VEO) throw invalid(`Flow does not upscale ${request.family}.`, "model");
  if (resolution !== "1080p" && resolution !== "4k") throw invalid("Flow upscales to 1080p or 4k.", "resolution");
  if (source.pieces.length > 1) throw invalid("Flow does not upscale a video that was extended.", "video");
  checkPlan(resolution, plan);
  return upscaleSpec({ ...source, mediaId: source.pieces[0]!.name }, resolution);
}

/** The upscale of a finished video. */
export function upscaleSpec(video: Pick<FlowVideo, "projectId" | "aspect" | "pieces" | "mediaId">, to: "1080p" | "4k"): VideoPlan {
  const { resolution, videoModelKey } = VIDEO_UPSCALES[to]!;
  return {
    stage: "upscale",
    endpoint: "UpsampleVideo",
    videoModelKey,
    aspect: video.aspect,
    prompt: null,
    images: [],
    extras: () => ({ videoInput: media(video.mediaId ?? undefined), resolution, metadata: { sceneId: crypto.randomUUID() } }),
    projectId: video.projectId,
    piecesOf: () => video.pieces,
    tasks: [],
  };
}

function invalid(message: string, param: string): AppError {
  return new AppError("upstream_invalid", message, { param });
}
