// Retries an ended job: creates a new one with the same options, from the stored row.

import type { Clock } from "../../clock.ts";
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { InputMedia } from "../../domain/generation.ts";
import { type Job, TERMINAL_STATES } from "../../domain/job.ts";
import { omit } from "../../domain/omit.ts";
import { AppError } from "../../errors.ts";
import { newRequestId } from "../../ids.ts";
import type { Affinity } from "../generation/inputs/affinity.ts";
import { openInput } from "../generation/inputs/inputs.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import type { CreateVideoJob, Jobs } from "./contract.ts";
import { openTurns, readImageSpec } from "./image-spec.ts";
import { readVideoSpec } from "./video-spec.ts";

type Dependencies = {
  jobs: Jobs;
  store: Pick<JobStore, "getJob">;
  media: Pick<MediaStore, "open">;
  affinity: Affinity;
  catalogue: () => Catalogue;
  clock: Clock;
};

/**
 * Creates the same job again, for the same key; resolves with the new job.
 * @throws {AppError} `not_found`, `conflict` while it has not ended, `invalid_request` when an input was deleted, and as `Jobs.createVideo`
 */
export async function retryJob(deps: Dependencies, id: string): Promise<Job> {
  const job = await deps.store.getJob(id);
  if (!job) throw new AppError("not_found", "There is no such job.");
  if (!TERMINAL_STATES.has(job.state)) throw new AppError("conflict", "This job has not ended yet.");
  const { keyId, dialect, route, webhookUrl, echo } = job;
  const choice = deps.catalogue().parseModel(job.model);
  if (!choice) throw new AppError("invalid_request", `There is no model "${job.model}" any more.`);
  const now = deps.clock.now();
  const shared = {
    ...{ requestId: newRequestId(now), keyId, dialect, route, choice, echo, startedAt: now },
    ...(webhookUrl === null ? {} : { webhookUrl }),
  };
  if (job.kind === "image") {
    const { turns, ...plan } = readImageSpec(job.plan);
    return deps.jobs.createImages({ ...plan, ...shared, turns: await openTurns(deps.media, turns) });
  }
  const { images, seed, source, fits } = readVideoSpec(job.plan);
  return deps.jobs.createVideo({
    ...shared,
    prompt: job.prompt,
    options: {
      ...omit(Object.values(fits)[0]!, ["family"]),
      mode: job.mode ?? undefined,
      aspect: job.aspect ?? undefined,
      resolution: job.resolution ?? undefined,
      seconds: job.seconds ?? undefined,
      seed,
    },
    images: await Promise.all(images.map((mediaId) => inputOf(deps, mediaId))),
    ...(source ? { source: await sourceOf(deps, job, source.mediaId) } : {}),
  });
}

async function sourceOf(deps: Dependencies, job: JobRow, mediaId: string): Promise<NonNullable<CreateVideoJob["source"]>> {
  const maker = job.sourceJobId === null ? null : await deps.store.getJob(job.sourceJobId);
  return maker?.state === "completed" && maker.mediaIds.length > 0 ? { jobId: maker.id } : { media: await inputOf(deps, mediaId) };
}

async function inputOf({ media, affinity }: Dependencies, mediaId: string): Promise<InputMedia> {
  const input = await openInput(media, mediaId, "An input of this job was deleted: it cannot be made again.");
  return { ...input, signature: (await affinity.recall(mediaId))?.signature };
}
