// Contract of jobs: what dialects and the admin call.

import type { Dialect, InputMedia, Json, Kind, VideoOptions } from "../../domain/generation.ts";
import type { Job, JobState } from "../../domain/job.ts";
import type { ImageSpec } from "../generation/contract.ts";
import type { JobClient } from "../generation/undelivered/job-client.ts";
import type { ModelChoice } from "../models/parse-model.ts";

/** A client's request for a video, decoded from any dialect. */
export type CreateVideoJob = {
  requestId: string;
  dialect: Dialect;
  route: string;
  keyId: number;
  choice: ModelChoice;
  prompt: string;
  options: VideoOptions;
  images: InputMedia[];
  /** A source video: by the job that made it (same token where the upstream needs that) or by its bytes. */
  source?: { jobId: string } | { media: InputMedia };
  webhookUrl?: string;
  idempotencyKey?: string;
  echo?: Json;
  /** The waiting client; absent: there is none, and undelivered results are not reused. */
  client?: JobClient;
  startedAt: number;
};

/** Images as a job. */
export type CreateImageJob = Pick<
  CreateVideoJob,
  "requestId" | "dialect" | "route" | "keyId" | "webhookUrl" | "idempotencyKey" | "echo" | "client" | "startedAt"
> &
  ImageSpec & {
    /** Further fields that distinguish this request from another under the same key: options of its response. */
    compared?: Json;
  };

export type JobPage = { jobs: Job[]; hasMore: boolean };

export interface Jobs {
  /**
   * Checks, reserves and persists; resolves when the job is durable. An `idempotencyKey` seen within 24 h returns the earlier job,
   * unless that failed and nothing was charged.
   * @throws {AppError} `invalid_request` (what the family cannot express, with the reason), `forbidden`, `limit_exceeded`, `no_token`,
   * `busy`, `not_found` (a source that is not the key's), `conflict` (same idempotency key, other request)
   */
  createVideo(request: CreateVideoJob): Promise<Job>;
  createImages(request: CreateImageJob): Promise<Job>;
  /** Null when there is none, or it is another key's (`keyId` null: the operator sees all). */
  get(id: string, keyId: number | null): Promise<Job | null>;
  /** The video job that made a media item. Null when none did, or it is another key's. */
  makerOf(mediaId: string, keyId: number | null): Promise<Job | null>;
  /** Newest first unless `order` is `asc`; `after` is the last id of the page before. */
  list(
    keyId: number | null,
    page: { limit: number; after?: string; order?: "asc" | "desc"; kind?: Kind; states?: readonly JobState[] },
  ): Promise<JobPage>;
  /** The job now and after every change, until it is terminal or `unknown`, or the signal aborts. Null at once when it is not the key's. */
  watch(id: string, keyId: number | null, signal: AbortSignal): Promise<AsyncIterable<Job> | null>;
  /**
   * Ends a queued job, asks the upstream to cancel a running video. Images that were submitted are cut for the operator only (`keyId` null)
   * and where `generation.on_disconnect` says `abort`: then they count at their estimate. Resolves with the job as it is then.
   */
  cancel(id: string, keyId: number | null): Promise<Job | null>;
  /** Deletes an ended job and its media; a running one is cancelled first. False when there is none. */
  remove(id: string, keyId: number | null): Promise<boolean>;
  /** The operator's decision on `unknown`: charged (settled) or not (released); both end it as failed. */
  decide(id: string, charged: boolean): Promise<Job | null>;
}
