// Makes jobs from orders: the family that serves it, what it may cost, how it is to be carried out, all on disk before it begins.

import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { InputMedia, Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { AdmissionControl } from "../limits/contract.ts";
import type { MediaStore } from "../media/media-store.ts";
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
  media: Pick<MediaStore, "open" | "keepBytes" | "assertSpace" | "claimInputs">;
  settings: () => Settings;
  clock: Clock;
  log: Log;
};

/** Keeps under which id an order's job can be found, in the same commit as the job. */
type Attach = (id: string) => Promise<void>;
/** A job's row, when the key may see it. */
type Find = (id: string, keyId: number | null) => Promise<JobRow | null>;

export type JobCreation = {
  openVideo(order: CreateVideoJob, attach: Attach): Promise<JobRow>;
  openImages(order: CreateImageJob, attach: Attach): Promise<JobRow>;
};

export function createJobCreation(deps: JobCreationDependencies, find: Find): JobCreation {
  const { lifecycle, worker, settings, clock } = deps;

  async function openVideo(order: CreateVideoJob, attach: Attach): Promise<JobRow> {
    const source = await findSource(order);
    const { family, choice } = chooseServed(order, source?.provider ?? null);
    deps.media.assertSpace();
    const images = await Promise.all(order.images.map((image) => storedId(deps, image, order)));
    const [fit] = Object.values(choice.fits);
    const isKnown = source?.known && Object.keys(choice.fits).join() === source.provider;
    const plan: VideoJobSpec = {
      prompt: order.prompt,
      ...(order.options.seed === undefined ? {} : { seed: order.options.seed }),
      ...choice,
      ...successorsOf(order, family),
      images,
      source: source && { mediaId: source.mediaId, known: isKnown ? source.known : null },
    };
    const estimate = { images: 0, videoSeconds: fit!.seconds, usd: choice.estimateUsd };
    const { keyId, requestId } = order;
    const admission = await deps.limits.admit(keyId, {
      requestId,
      kind: "video",
      model: order.choice.requested,
      family,
      estimate,
      forJob: true,
    });
    const job: JobRow = {
      ...newRow(order, clock.now()),
      id: `video_${newId()}`,
      kind: "video",
      family,
      prompt: order.prompt,
      mode: fit!.mode,
      aspect: fit!.aspect ?? null,
      resolution: fit!.resolution ?? null,
      seconds: fit!.seconds,
      deadlineAt: deadlineAfter(clock.now(), settings().generation.video_timeout),
      sourceJobId: source?.jobId ?? null,
      usd: choice.estimateUsd,
      plan: writeVideoSpec(plan),
    };
    // Asked for in one turn: both are in one commit.
    await Promise.all([attach(job.id), lifecycle.open(job, admission)]);
    deps.media.claimInputs(requestId);
    worker.take(job);
    return job;
  }

  /** How the families after the chosen one would carry it out; used when the upstream turns out to have retired that. */
  function successorsOf(order: CreateVideoJob, family: string): Pick<VideoJobSpec, "successors"> {
    const { choice } = order;
    if (!settings().generation.successors || choice.families.length < 2) return {};
    const needs = videoNeeds(choice.params, order);
    const usable = (other: string) => (provider: string) => deps.pool.canServe("video", other, [provider]);
    const others = choice.families.filter((other) => other !== family && canMakeVideo(other, needs, usable(other)));
    return others.length === 0 ? {} : { successors: others.map((other) => chooseVideo(other, needs, usable(other), deps.prices?.())) };
  }

  /** The family that serves it: one whose provider knows the source goes first, then one that can make what is wished. */
  function chooseServed(order: CreateVideoJob, known: string | null) {
    const { choice } = order;
    const needs = videoNeeds(choice.params, order);
    const usable = (family: string) => (provider: string) => deps.pool.canServe("video", family, [provider]);
    const knows = (family: string) => (provider: string) => provider === known && usable(family)(provider);
    const { successors } = settings().generation;
    const rules = { canServe: (family: string) => deps.pool.canServe("video", family), successors, isOff: deps.pool.isOff };
    const ofSource =
      known === null ? null : chooseFamily(choice, { ...rules, fits: (family) => canMakeVideo(family, needs, knows(family)) });
    const knowing = ofSource?.family;
    if (knowing && canMakeVideo(knowing, needs, knows(knowing)))
      return { family: knowing, choice: chooseVideo(knowing, needs, knows(knowing), deps.prices?.()) };
    const fits = (other: string) => canMakeVideo(other, needs, usable(other));
    const { family } = requireFamily(choice, deps.pool, { successors, fits, log: deps.log });
    return { family, choice: chooseVideo(family, needs, usable(family), deps.prices?.()) };
  }

  /** The video to start from. @throws {AppError} `not_found`, `conflict` while it is being made, `invalid_request` when it is gone */
  async function findSource({ source, keyId, requestId }: CreateVideoJob) {
    if (!source) return null;
    if ("media" in source)
      return { jobId: null, mediaId: await storedId(deps, source.media, { keyId, requestId }), provider: null, known: null };
    const job = await find(source.jobId, keyId);
    if (job?.kind !== "video") throw new AppError("not_found", "There is no such video.", { param: "video" });
    if (job.state !== "completed")
      throw new AppError(isSettled(job.state) ? "invalid_request" : "conflict", `This video is ${job.state}.`, { param: "video" });
    const [mediaId] = job.mediaIds;
    if (mediaId === undefined || !(await deps.media.open(mediaId)))
      throw new AppError("invalid_request", "This video was deleted: it is past its age.", { param: "video" });
    const known = job.tokenId === null || job.operation === null ? null : { tokenId: job.tokenId, operation: job.operation };
    return { jobId: job.id, mediaId, provider: job.provider, known };
  }

  async function openImages(order: CreateImageJob, attach: Attach): Promise<JobRow> {
    const { choice, options, n, imagesParam, shapeParams } = order;
    const id = `image_${newId()}`;
    const prompt = order.turns
      .at(-1)!
      .parts.flatMap((part) => (part.type === "text" ? [part.text] : []))
      .join("\n");
    const turns = storeTurns(await storeImages(deps, order));
    const job: JobRow = {
      ...newRow(order, clock.now()),
      id,
      kind: "image",
      family: choice.families[0],
      prompt,
      deadlineAt: deadlineAfter(clock.now(), settings().generation.image_timeout),
      plan: writeImageSpec({ choice, options, n, turns, imagesParam, shapeParams }),
    };
    const imageJob = worker.newImageJob(id);
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    ready.catch(() => {});
    // Admits, so that what is refused is told now; nothing is sent before the job is on disk.
    const started = await imageJob.start(job, ready);
    job.family = started.family;
    try {
      await Promise.all([attach(id), lifecycle.open(job, null)]);
      resolve();
    } catch (error) {
      reject(error);
      imageJob.stop();
      throw error;
    }
    worker.take(job, { job: imageJob, started });
    return job;
  }

  return { openVideo, openImages };
}

function newRow(order: CreateVideoJob | CreateImageJob, now: number) {
  const { keyId, requestId, dialect, route, choice, webhookUrl = null, echo = null } = order;
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
  return input.mediaId ?? (await media.keepBytes(input.data, { origin: "input", keyId, requestId })).id;
}

async function storeImages(deps: Pick<JobCreationDependencies, "media">, order: CreateImageJob): Promise<CreateImageJob["turns"]> {
  return Promise.all(
    order.turns.map(async ({ role, parts }) => ({
      role,
      parts: await Promise.all(
        parts.map(async (part) =>
          part.type === "text" || part.image.uri !== undefined
            ? part
            : { ...part, image: { ...part.image, mediaId: await storedId(deps, part.image, order) } },
        ),
      ),
    })),
  );
}
