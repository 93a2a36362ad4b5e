// Job: its states, and the job as dialects and the admin see it.

import type { ErrorKind, FailureDetail } from "../errors.ts";
import type { Dialect, ImageOutput, Json, Kind, Resolution, Usage, VideoAspect, VideoMode } from "./generation.ts";

/**
 * `queued` waits for a token; `submitting` may be charged from here on; `running` has a handle that is persisted;
 * `storing` is finished upstream. `unknown`: it was submitted without a response; the operator decides, it is not resubmitted.
 */
export const JOB_STATES = ["queued", "submitting", "running", "storing", "completed", "failed", "cancelled", "unknown"] as const;
export type JobState = (typeof JOB_STATES)[number];

export const TERMINAL_STATES: ReadonlySet<JobState> = new Set(["completed", "failed", "cancelled"]);

export type JobError = { kind: ErrorKind; message: string; reason: string | null; detail: FailureDetail | null; charged: boolean };

/** A job as dialects and the admin see it. Times are epoch ms. */
export type Job = {
  /** `video_` or `image_` and 26 base32 characters. */
  id: string;
  kind: Kind;
  keyId: number;
  requestId: string;
  dialect: Dialect;
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
  /** Texts and order of the images, as far as stored. Absent for a video. */
  answer?: ImageOutput;
  /** A still of the video, when one could be made. */
  thumbnailId: string | null;
  /** Job that this one edits, extends or remixes. */
  sourceJobId: string | null;
  usage: Usage | null;
  usd: number;
  webhookUrl: string | null;
  /** What the dialect wants back as it was (size as written, user metadata). */
  echo: Json;
  /** Only while it waits for a token; in memory of its process, not stored. */
  place?: QueuePosition;
};

/** Position of a queued job; the first is 1. `waitMs`: estimate of the remaining wait, null when there is none. */
export type QueuePosition = { position: number; waitMs: number | null };
