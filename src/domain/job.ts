// A job: a generation that outlives its connection. Its states, its row, and what dialects and the admin ask of the jobs.
import type { ErrorKind, FailureDetail } from "../errors.ts";
import type { JobClient } from "../gateway/generation/job-client.ts";
import type { ImageAnswer } from "../gateway/generation/image-output.ts";
import type { ImageWish } from "../gateway/models/image-options.ts";
import type { ModelChoice } from "../gateway/models/models.ts";
import type {
  ImageRequest,
  InputMedia,
  Json,
  Kind,
  ModelOptions,
  Resolution,
  Turn,
  Usage,
  VideoAspect,
  VideoMode,
  VideoQuality,
} from "./generation.ts";

/**
 * `queued` waits for a token; `submitting` may be charged from here on; `running` has a handle that is persisted;
 * `storing` is finished upstream. `unknown`: it was submitted and no answer came; a person decides, nothing is resubmitted by itself.
 */
export const JOB_STATES = ["queued", "submitting", "running", "storing", "completed", "failed", "cancelled", "unknown"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const TERMINAL_STATES: ReadonlySet<JobState> = new Set(["completed", "failed", "cancelled"]);

export type JobError = { kind: ErrorKind; message: string; reason: string | null; detail: FailureDetail | null; charged: boolean };

/** A job as everybody sees it. Times are epoch ms. */
export type Job = {
  /** `video_` or `image_` and 26 base32 characters. */
  id: string;
  kind: Kind;
  keyId: number;
  requestId: string;
  dialect: "openai" | "gemini";
  state: JobState;
  /** As the client wrote it. */
  model: string;
  family: string;
  provider: string | null;
  tokenId: number | null;
  prompt: string;
  mode: VideoMode | null;
  aspect: VideoAspect | null;
  resolution: Resolution | null;
  seconds: number | null;
  /** 0 to 100, never falls. */
  progress: number;
  createdAt: number;
  /** When the upstream took it; null before. */
  submittedAt: number | null;
  endedAt: number | null;
  deadlineAt: number;
  error: JobError | null;
  /** Results, in order. */
  mediaIds: string[];
  /** What came with the images, as far as it was kept. Absent: a video, or nothing came. */
  answer?: ImageAnswer;
  /** A still of the video, when one could be made. */
  thumbnailId: string | null;
  /** Job that this one edits, extends or remixes. */
  sourceJobId: string | null;
  usage: Usage | null;
  usd: number;
  webhookUrl: string | null;
  /** What the dialect wants back as it was (size as written, user metadata). */
  echo: Json;
  /** Only while it waits for a token; known to the process that works on it, never kept. */
  place?: Place;
};

/** Where a queued job stands: first is 1. `waitMs` is an estimate of what is left, null where nothing is known. */
export type Place = { position: number; waitMs: number | null };

/** A client's wish for a video, decoded from any dialect; pictures are already stored. */
export type VideoOrder = {
  requestId: string;
  dialect: "openai" | "gemini";
  route: string;
  keyId: number;
  choice: ModelChoice;
  prompt: string;
  /** Absent: from the inputs (`text` without any). */
  mode?: VideoMode;
  aspect?: VideoAspect;
  resolution?: Resolution;
  seconds?: number;
  quality?: VideoQuality;
  seed?: number;
  images: InputMedia[];
  /** A video of ours to start from: by the job that made it (same token where the upstream needs that) or by stored bytes. */
  source?: { jobId: string } | { media: InputMedia };
  webhookUrl?: string;
  idempotencyKey?: string;
  echo?: Json;
  /** Who waits for it; absent: nobody does, and nothing is joined. */
  client?: JobClient;
  startedAt: number;
};

/** Images as a job. */
export type ImageJobOrder = Pick<
  VideoOrder,
  "requestId" | "dialect" | "route" | "keyId" | "choice" | "webhookUrl" | "idempotencyKey" | "echo" | "client" | "startedAt"
> & {
  wish: ImageWish;
  system?: string;
  turns: Turn[];
  n: number;
  seed?: number;
  thinking?: ImageRequest["thinking"];
  includeThoughts?: boolean;
  imageOnly?: boolean;
  options?: ModelOptions;
  shapeParams?: { aspect: string; size: string; thinking?: string };
  /** Field that the pictures came in, named when there are too many. */
  picturesParam?: string;
  /** What else tells this request from another under the same key: wishes for its answer. */
  compared?: Json;
};

export type JobPage = { jobs: Job[]; hasMore: boolean };

export interface Jobs {
  /**
   * Checks, reserves and persists; resolves when the job is safe. An `idempotencyKey` seen within 24 h gives the earlier job,
   * unless that failed and nothing was charged.
   * @throws {AppError} `invalid_request` (what the family cannot express, with the reason), `forbidden`, `limit_exceeded`, `no_token`,
   * `busy`, `not_found` (a source that is not the key's), `conflict` (same idempotency key, other request)
   */
  createVideo(order: VideoOrder): Promise<Job>;
  createImages(order: ImageJobOrder): Promise<Job>;
  /** Null when there is none, or it is another key's (`keyId` null: the operator sees all). */
  get(id: string, keyId: number | null): Promise<Job | null>;
  /** The video job that made a stored medium. Null when none did, or it is another key's. */
  makerOf(mediaId: string, keyId: number | null): Promise<Job | null>;
  /** Newest first unless `order` is `asc`; `after` is the last id of the page before. */
  list(
    keyId: number | null,
    page: { limit: number; after?: string; order?: "asc" | "desc"; kind?: Kind; states?: readonly JobState[] },
  ): Promise<JobPage>;
  /** The job now and after every change, until it is terminal or `unknown`, or the signal aborts. Null at once when it is not the key's. */
  watch(id: string, keyId: number | null, signal: AbortSignal): Promise<AsyncIterable<Job> | null>;
  /** Ends a queued job, asks the upstream about a running one. Resolves with the job as it is then. */
  cancel(id: string, keyId: number | null): Promise<Job | null>;
  /** Forgets an ended job and its media; a running one is cancelled first. False when there is none. */
  remove(id: string, keyId: number | null): Promise<boolean>;
  /** The operator's verdict on `unknown`: charged (settled) or not (released); both end it as failed. */
  decide(id: string, charged: boolean): Promise<Job | null>;
}
