// Encoder of Video objects from jobs. Pure; the stored media item is an argument.
// Source: OpenAI API reference, videos (SDK types of openai 7.57), OpenRouter's video responses (its AI SDK provider 2.10); read 2026-11-23.

import type { Media, Resolution } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { Job, JobState } from "../../../domain/job.ts";
import { mediaUrl } from "../../links.ts";
import { waitSeconds } from "../chat/chat-progress.ts";
import { errorBody, jobFailure } from "../errors.ts";

/** Clients poll until `completed` or `failed`; some stop at any other unknown word. */
const STATUS = {
  queued: "queued",
  submitting: "in_progress",
  running: "in_progress",
  storing: "in_progress",
  completed: "completed",
  failed: "failed",
  cancelled: "failed",
  unknown: "failed",
} as const satisfies Record<JobState, "queued" | "in_progress" | "completed" | "failed">;

const WIDE: Readonly<Record<Resolution, [long: number, short: number]>> = {
  "360p": [640, 360],
  "720p": [1280, 720],
  "1080p": [1920, 1080],
  "4k": [3840, 2160],
};

export type VideoObject = ReturnType<typeof encodeVideo>;

/** Fields that a job stores for this dialect. */
export type VideoEcho = { size: string | null };

/**
 * `Video`, with what OpenRouter's clients look for. `media`: the result, when there is one.
 * `size` is as the client wrote it; `resolution` and `aspect_ratio` are what is made.
 */
export function encodeVideo(job: Job, media: Media | null, origin: string) {
  const isDone = job.state === "completed";
  const url = isDone && media ? mediaUrl(origin, media) : null;
  return {
    id: job.id,
    object: "video" as const,
    model: job.model,
    status: STATUS[job.state],
    progress: isDone ? 100 : Math.min(99, Math.floor(job.progress)),
    ...encodeQueuePosition(job),
    created_at: toSeconds(job.createdAt),
    completed_at: isDone && job.endedAt !== null ? toSeconds(job.endedAt) : null,
    expires_at: isDone && media?.expiresAt ? toSeconds(media.expiresAt) : null,
    prompt: job.prompt,
    seconds: String(job.seconds ?? 0),
    size: sizeOf(job),
    resolution: job.resolution,
    aspect_ratio: job.aspect,
    remixed_from_video_id: job.mode === "edit" ? job.sourceJobId : null,
    error: errorOf(job),
    polling_url: `${origin}/v1/videos/${job.id}`,
    ...(url === null ? {} : { url, unsigned_urls: [url] }),
  };
}

/** Queue position of a job that waits for a token; our own fields. */
export function encodeQueuePosition({ place }: Pick<Job, "place">) {
  if (!place) return {};
  const { position, waitMs } = place;
  return { queue_position: position, estimated_wait_seconds: waitMs === null ? null : waitSeconds(waitMs) };
}

/** OpenRouter's client expects `error` to be a text and fails on null. */
export function forOpenRouter({ error, ...video }: VideoObject) {
  return error === null ? video : { ...video, error: error.message };
}

/** Null: the size is that of the source, which is not measured. */
export function sizeOf({ echo, aspect, resolution }: Pick<Job, "echo" | "aspect" | "resolution">): string | null {
  if (isRecord(echo) && typeof echo.size === "string") return echo.size;
  if (aspect === null) return null;
  const [long, short] = WIDE[resolution ?? "720p"];
  return aspect === "16:9" ? `${long}x${short}` : `${short}x${long}`;
}

function errorOf(job: Job): { code: string; message: string } | null {
  if (STATUS[job.state] !== "failed") return null;
  if (job.state === "unknown") return { code: "unknown", message: errorBody(jobFailure(job)).error.message };
  const { code, message } = errorBody(jobFailure(job)).error;
  // The envelope's code names images.
  return { code: job.error?.kind === "no_result" ? "no_output" : (code ?? "internal_error"), message };
}

const toSeconds = (ms: number) => Math.floor(ms / 1000);
