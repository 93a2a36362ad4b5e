// Starts the images of a request for either dialect: as a generation of its own, or as a job under an Idempotency-Key.

import type { Json } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { Generate, ImageGeneration, ImageSpec, Run } from "./contract.ts";

/** Facts of the request besides the images that it asks for. */
export type GenerationCall = Pick<
  ImageGeneration,
  "requestId" | "dialect" | "route" | "stream" | "returnsBytes" | "signal" | "insist" | "startedAt"
> & {
  key: KeyRow;
  /** The request may be repeated under it; absent: it may not. */
  idempotencyKey?: string;
  /** What a job returns as it was asked for. */
  echo?: Json;
  webhookUrl?: string;
  /** What else tells this request from another under one Idempotency-Key. */
  compared?: Json;
};

/** The part of `Jobs` that starts images; jobs are above generations and are handed in. */
export interface ImageJobs {
  createImages(
    job: ImageSpec &
      Pick<GenerationCall, "requestId" | "dialect" | "route" | "startedAt" | "echo" | "webhookUrl" | "compared"> & {
        keyId: number;
        idempotencyKey: string;
      },
  ): Promise<Job>;
}

export type StartDependencies = {
  generate: Generate;
  /** Null: no job is made. */
  jobs?: ImageJobs | null;
  /** Reads a job as a run; a reader that stops leaves the job as it is. */
  follow(job: Job): Run;
};

/** `job`: what answers the request and its repetitions; null: a run of its own. */
export type StartedGeneration = { run: Run; job: Job | null };

/**
 * Under an `Idempotency-Key` the images are a job that the client waits for: it ends also without its client and answers its repetitions.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startGeneration(
  { generate, jobs, follow }: StartDependencies,
  call: GenerationCall,
  spec: ImageSpec,
): Promise<StartedGeneration> {
  const { requestId, dialect, route, stream, returnsBytes, key, signal, insist, startedAt, idempotencyKey, echo, webhookUrl, compared } =
    call;
  if (jobs && idempotencyKey !== undefined) {
    const facts = { requestId, dialect, route, keyId: key.id, startedAt, idempotencyKey, echo, webhookUrl, compared };
    const job = await jobs.createImages({ ...spec, ...facts });
    return { run: follow(job), job };
  }
  const run = await generate({ ...spec, requestId, dialect, route, stream, returnsBytes, key, signal, insist, startedAt });
  return { run, job: null };
}
