// Start of a video job, for the videos routes and chat.

import type { InputMedia, VideoMode } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { omit } from "../../../domain/omit.ts";

import { AppError } from "../../../errors.ts";
import { ownMediaId, readInput, readLenient } from "../../../gateway/generation/inputs/inputs.ts";
import { assertReadable } from "../../../gateway/generation/inputs/read-references.ts";
import { JobClient } from "../../../gateway/generation/undelivered/job-client.ts";
import type { CreateVideoJob, Jobs } from "../../../gateway/jobs/contract.ts";
import type { Catalogue } from "../../../gateway/models/catalogue/catalogue.ts";
import type { ModelChoice } from "../../../gateway/models/parse-model.ts";
import { canMakeVideo, videoNeeds } from "../../../gateway/models/video-options.ts";
import { admitInputs } from "../../admission.ts";
import { idempotencyKeyOf, insists, jobHeaders } from "../../generation-headers.ts";
import { type Api, type Call, modelOf } from "../call.ts";
import type { DecodedVideo, SourceReference } from "./decode.ts";
import type { VideoEcho } from "./encode.ts";

/** A job and the headers of its first response. */
export type StartedVideo = { job: Job; headers: Record<string, string>; client: JobClient };

type VideoStart = {
  route: string;
  video: DecodedVideo;
  /** Aborts when the client leaves before it has got the response, which `client.delivered` says. Default: the request's. */
  signal?: AbortSignal;
};

/**
 * Reads the inputs and makes the job; resolves when it is stored.
 * @throws {AppError} as `Jobs.createVideo`, and what is wrong with the images or the video
 */
export async function startVideo(api: Api, call: Call, { route, video, signal = call.request.signal }: VideoStart): Promise<StartedVideo> {
  const { key, requestId, request, startedAt } = call;
  const jobs = jobsOf(api);
  const { prompt, shape, seed, webhookUrl } = video;
  if (video.source || video.images.length > 0) admitInputs(api, request, key.id);
  const source = await readSource(api, call, video.source);
  const choice = chooseModel(api.catalogue(), video, source);
  const mode = video.mode === "references" && choice.params.modes ? undefined : video.mode;
  const images = await readImages(api, call, video);
  const client = new JobClient(signal, insists(request));
  const job = await jobs.createVideo({
    ...{ requestId, route, choice, prompt, images, webhookUrl, startedAt },
    options: { ...shape, mode, seed, seconds: shape.seconds ?? secondsOfSource(choice, mode, source) },
    dialect: "openai",
    keyId: key.id,
    source: source?.order,
    client,
    idempotencyKey: idempotencyKeyOf(request),
    echo: { size: video.size ?? source?.size ?? null } satisfies VideoEcho,
  });
  return { job, client, headers: { ...jobHeaders(api.catalogue(), job), ...client.headers } };
}

export function jobsOf({ jobs }: Api): Jobs {
  if (jobs) return jobs;
  throw new AppError("not_found", "No videos are made here.", { reason: "unknown_url" });
}

/** @throws {AppError} `not_found`, also for another key's: existence is not revealed */
export async function videoOf(api: Api, { key }: Pick<Call, "key">, id: string): Promise<Job> {
  const job = await jobsOf(api).get(id, key.id);
  if (job?.kind !== "video") throw noVideo();
  return job;
}

export const noVideo = () => new AppError("not_found", "There is no such video.", { param: "id" });

type Source = { order: NonNullable<CreateVideoJob["source"]>; job: Job | null; size: string | null };

/** Prefers the job that made the video to its bytes: its token may extend it upstream. */
async function readSource(api: Api, call: Call, source: SourceReference | null): Promise<Source | null> {
  if (!source) return null;
  const job = "jobId" in source ? await videoOf(api, call, source.jobId) : await makerOf(api, call, source.url);
  if (job) return { order: { jobId: job.id }, job, size: (job.echo as VideoEcho | null)?.size ?? null };
  const { key, requestId, request } = call;
  if ("jobId" in source) throw noVideo();
  const media = await readInput(api.inputs, source, { keyId: key.id, requestId, signal: request.signal }, "video");
  if (!media) throw new AppError("invalid_request", `${source.param}: there is no such video.`, { param: source.param });
  return { order: { media }, job: null, size: null };
}

/** An edited video keeps its length; an extended one does not. */
function secondsOfSource({ params }: ModelChoice, mode: VideoMode | undefined, source: Source | null): number | undefined {
  return mode === "extend" || params.modes?.includes("extend") ? undefined : (source?.job?.seconds ?? undefined);
}

async function makerOf(api: Api, { key }: Call, url: string): Promise<Job | null> {
  const mediaId = ownMediaId(url);
  return mediaId === null ? null : jobsOf(api).makerOf(mediaId, key.id);
}

async function readImages(api: Api, { key, requestId, request }: Call, { images: references }: DecodedVideo): Promise<InputMedia[]> {
  assertReadable(references.length, references[0]?.param ?? "input_reference");
  const owner = { keyId: key.id, requestId, signal: request.signal };
  const images = await Promise.all(references.map((image) => readLenient(api.inputs, image, owner)));
  return images.filter((image) => image !== null);
}

/**
 * The model asked for; without one that which made the source, where it can go on from it, else the default.
 * @throws {AppError} `not_found`
 */
function chooseModel(catalogue: Catalogue, { model, mode, images: named }: DecodedVideo, source: Source | null): ModelChoice {
  const maker = model === null && source?.job ? makerChoice(catalogue, source.job) : null;
  if (maker) {
    const images = named.map((): InputMedia => ({ mime: "", data: new Blob() }));
    const needs = videoNeeds(maker.params, { options: { mode }, images, source: source!.order });
    const family = catalogue.familyOf(maker.families[0]);
    if (family?.kind === "video" && canMakeVideo(family, needs, () => true)) return maker;
  }
  const choice = modelOf(catalogue, model ?? catalogue.defaultFamily("video"));
  if (choice.kind === "video") return choice;
  throw new AppError("not_found", `The model '${choice.requested}' makes images, which this route does not serve.`, {
    param: "model",
    reason: "model_not_found",
  });
}

/** The model of a job without what its id says of where a video starts and how long it is. */
function makerChoice(catalogue: Catalogue, { model, family }: Job): ModelChoice | null {
  const choice = catalogue.parseModel(model);
  if (!choice) return null;
  const params = omit(choice.params, ["modes", "seconds"]);
  return { ...choice, retired: choice.retired || family !== choice.families[0], families: [family], params };
}
