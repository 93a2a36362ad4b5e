// Creates jobs: chooses the family, stores inputs, reserves the estimate, and writes the row before anything is sent.

import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { InputMedia, Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { assertTextFits } from "../generation/inputs/request-text.ts";
import type { AdmissionControl } from "../limits/contract.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import { chooseFamily, requireFamily } from "../models/choose-family.ts";
import { canMakeVideo, chooseVideo, videoNeeds } from "../models/video-options.ts";
import type { Leases } from "../pool/lease-contract.ts";
import type { CreateImageJob, CreateVideoJob } from "./contract.ts";
import type { ImageJobDependencies } from "./image-job.ts";
import { storeTurns, writeImageSpec } from "./image-spec.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { deadlineAfter, isSettled } from "./job-state.ts";
import { type VideoJobSpec, writeVideoSpec } from "./video-spec.ts";
import type { Worker } from "./worker.ts";

export type JobCreationDependencies = ImageJobDependencies & {
  lifecycle: JobLifecycle;
  worker: Pick<Worker, "take" | "newImageJob">;
  pool: Pick<Leases, "canServe" | "families" | "isOff" | "deniedFor">;
  limits: AdmissionControl;
  media: Pick<MediaStore, "open" | "storeBytes" | "assertSpace" | "claimInputs">;
  settings: () => Settings;
  clock: Clock;
  log: Log;
};

/** Stores the job's id for its Idempotency-Key, in the same commit as the job. */
export type Attach = (id: string) => Promise<void>;
/** The row of a job that the key may see; null: there is none. */
export type FindJob = (id: string, keyId: number | null) => Promise<JobRow | null>;

export class JobCreation {
  constructor(
    private readonly deps: JobCreationDependencies,
    private readonly find: FindJob,
  ) {}

  async createVideo(request: CreateVideoJob, attach: Attach): Promise<JobRow> {
    assertTextFits(request.prompt.length);
    const source = await this.#findSource(request);
    const { family, choice } = this.#choose(request, source?.provider ?? null);
    this.deps.media.assertSpace();
    const images = await Promise.all(request.images.map((image) => storedId(this.deps, image, request)));
    const [fit] = Object.values(choice.fits);
    const isKnown = source?.known && Object.keys(choice.fits).join() === source.provider;
    const spec: VideoJobSpec = {
      prompt: request.prompt,
      ...(request.options.seed === undefined ? {} : { seed: request.options.seed }),
      ...choice,
      ...this.#successorsOf(request, family),
      images,
      source: source && { mediaId: source.mediaId, known: isKnown ? source.known : null },
    };
    const estimate = { images: 0, videoSeconds: fit!.seconds, usd: choice.estimateUsd };
    const { keyId, requestId } = request;
    const admission = await this.deps.limits.admit(keyId, {
      requestId,
      kind: "video",
      model: request.choice.requested,
      family,
      estimate,
      forJob: true,
    });
    const job: JobRow = {
      ...newRow(request, this.deps.clock.now()),
      id: `video_${newId()}`,
      kind: "video",
      family,
      prompt: request.prompt,
      mode: fit!.mode,
      aspect: fit!.aspect ?? null,
      resolution: fit!.resolution ?? null,
      seconds: fit!.seconds,
      deadlineAt: deadlineAfter(this.deps.clock.now(), this.deps.settings().generation.video_timeout),
      sourceJobId: source?.jobId ?? null,
      usd: choice.estimateUsd,
      plan: writeVideoSpec(spec),
    };
    // Both in one turn of the event loop: one commit.
    await Promise.all([attach(job.id), this.deps.lifecycle.open(job, admission)]);
    this.deps.media.claimInputs(requestId);
    this.deps.worker.take(job);
    return job;
  }

  /** Specs for the families after the chosen one; used when the upstream has retired that. */
  #successorsOf(request: CreateVideoJob, family: string): Pick<VideoJobSpec, "successors"> {
    const { choice } = request;
    if (!this.deps.settings().generation.successors || choice.families.length < 2) return {};
    const needs = videoNeeds(choice.params, request);
    const usable = (other: string) => (provider: string) => this.deps.pool.canServe("video", other, [provider]);
    const catalogue = this.deps.catalogue();
    const others = choice.families.filter(
      (other) => other !== family && isVideo(catalogue, other) && canMakeVideo(catalogue.videoFamily(other), needs, usable(other)),
    );
    return others.length === 0
      ? {}
      : { successors: others.map((other) => chooseVideo(catalogue.videoFamily(other), needs, usable(other))) };
  }

  /** The family that serves it: first one whose provider made the source, then one that supports the options. */
  #choose(request: CreateVideoJob, known: string | null) {
    const { choice } = request;
    const catalogue = this.deps.catalogue();
    const needs = videoNeeds(choice.params, request);
    const usable = (family: string) => (provider: string) => this.deps.pool.canServe("video", family, [provider]);
    const knows = (family: string) => (provider: string) => provider === known && usable(family)(provider);
    const { successors } = this.deps.settings().generation;
    const rules = { canServe: (family: string) => this.deps.pool.canServe("video", family), successors, isOff: this.deps.pool.isOff };
    const ofSource =
      known === null
        ? null
        : chooseFamily(choice, { ...rules, fits: (family) => canMakeVideo(catalogue.videoFamily(family), needs, knows(family)) });
    const knowing = ofSource?.family;
    if (knowing && canMakeVideo(catalogue.videoFamily(knowing), needs, knows(knowing)))
      return { family: knowing, choice: chooseVideo(catalogue.videoFamily(knowing), needs, knows(knowing)) };
    const fits = (other: string) => canMakeVideo(catalogue.videoFamily(other), needs, usable(other));
    const { family } = requireFamily(choice, this.deps.pool, { successors, fits, log: this.deps.log });
    return { family, choice: chooseVideo(catalogue.videoFamily(family), needs, usable(family)) };
  }

  /** The source video. @throws {AppError} `not_found`, `conflict` while it is generated, `invalid_request` when it was deleted */
  async #findSource({ source, keyId, requestId }: CreateVideoJob) {
    if (!source) return null;
    if ("media" in source)
      return { jobId: null, mediaId: await storedId(this.deps, source.media, { keyId, requestId }), provider: null, known: null };
    const job = await this.find(source.jobId, keyId);
    if (job?.kind !== "video") throw new AppError("not_found", "There is no such video.", { param: "video" });
    if (job.state !== "completed")
      throw new AppError(isSettled(job.state) ? "invalid_request" : "conflict", `This video is ${job.state}.`, { param: "video" });
    const [mediaId] = job.mediaIds;
    if (mediaId === undefined || !(await this.deps.media.open(mediaId)))
      throw new AppError("invalid_request", "This video was deleted: it is past its age.", { param: "video" });
    const known = job.tokenId === null || job.operation === null ? null : { tokenId: job.tokenId, operation: job.operation };
    return { jobId: job.id, mediaId, provider: job.provider, known };
  }

  async createImages(request: CreateImageJob, attach: Attach): Promise<JobRow> {
    const { choice, options, n, imagesParam, shapeParams } = request;
    const id = `image_${newId()}`;
    const prompt = request.turns
      .at(-1)!
      .parts.flatMap((part) => (part.type === "text" ? [part.text] : []))
      .join("\n");
    const turns = storeTurns(await storeImages(this.deps, request));
    const job: JobRow = {
      ...newRow(request, this.deps.clock.now()),
      id,
      kind: "image",
      family: choice.families[0],
      prompt,
      deadlineAt: deadlineAfter(this.deps.clock.now(), this.deps.settings().generation.image_timeout),
      plan: writeImageSpec({ choice, options, n, turns, imagesParam, shapeParams }),
    };
    const imageJob = this.deps.worker.newImageJob(id);
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    ready.catch(() => {});
    // Starts first, so that a refusal reaches the client; nothing is sent before the job is on disk.
    const started = await imageJob.start(job, ready);
    job.family = started.family;
    try {
      await Promise.all([attach(id), this.deps.lifecycle.open(job, null)]);
      resolve();
    } catch (error) {
      reject(error);
      imageJob.stop();
      throw error;
    }
    this.deps.worker.take(job, { job: imageJob, started });
    return job;
  }
}

/** False for a family that has gone since the model id was read. */
const isVideo = (catalogue: Catalogue, id: string): boolean => catalogue.familyOf(id)?.kind === "video";

/** The columns that are the same for every new job. */
function newRow(request: CreateVideoJob | CreateImageJob, now: number) {
  const { keyId, requestId, dialect, route, choice, webhookUrl = null, echo = null } = request;
  return {
    keyId,
    requestId,
    dialect,
    route,
    model: choice.requested,
    state: "queued" as const,
    provider: null,
    tokenId: null,
    mode: null,
    aspect: null,
    resolution: null,
    seconds: null,
    progress: 0,
    createdAt: now,
    submittedAt: null,
    endedAt: null,
    error: null,
    mediaIds: [],
    thumbnailId: null,
    sourceJobId: null,
    usage: null,
    usd: 0,
    webhookUrl,
    echo,
    operation: null,
    step: null,
    result: null as Json,
    charged: false,
    cancelAsked: false,
    removed: false,
  };
}

type Owner = { keyId: number; requestId: string };

async function storedId(
  { media }: Pick<JobCreationDependencies, "media">,
  input: InputMedia,
  { keyId, requestId }: Owner,
): Promise<string> {
  return input.mediaId ?? (await media.storeBytes(input.data, { origin: "input", keyId, requestId })).id;
}

async function storeImages(deps: Pick<JobCreationDependencies, "media">, request: CreateImageJob): Promise<CreateImageJob["turns"]> {
  return Promise.all(
    request.turns.map(async ({ role, parts }) => ({
      role,
      parts: await Promise.all(
        parts.map(async (part) =>
          part.type === "text" || part.image.uri !== undefined
            ? part
            : { ...part, image: { ...part.image, mediaId: await storedId(deps, part.image, request) } },
        ),
      ),
    })),
  );
}
