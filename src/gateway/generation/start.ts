// Starts the images of a request under an Idempotency-Key: as a job that answers its repetitions, for either dialect.

import type { Json } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { ImageGeneration, ImageSpec } from "./contract.ts";

/** How a request may be repeated. */
export type Repetition = {
  idempotencyKey: string;
  /** What a job returns as it was asked for. */
  echo?: Json;
  webhookUrl?: string;
  /** What else tells this request from another under one Idempotency-Key. */
  compared?: Json;
};

type JobFacts = Pick<ImageGeneration, "requestId" | "dialect" | "route" | "startedAt"> & { keyId: number };

/** The part of `Jobs` that starts images; jobs are above generations and are handed in. */
export interface ImageJobs {
  createImages(job: ImageSpec & JobFacts & Repetition): Promise<Job>;
}

/**
 * Under an `Idempotency-Key` the images are a job that the client waits for: it ends also without its client and answers its repetitions.
 * @throws {AppError} everything that is known before an upstream is called
 */
export function createRepeatable(jobs: ImageJobs, generation: ImageGeneration, repetition: Repetition): Promise<Job> {
  const { choice, options, turns, n, imagesParam, shapeParams } = generation;
  const { requestId, dialect, route, startedAt, key } = generation;
  const spec = { choice, options, turns, n, imagesParam, shapeParams };
  return jobs.createImages({ ...spec, requestId, dialect, route, startedAt, keyId: key.id, ...repetition });
}
