// Job state rules: transitions, polling delays, progress, deadlines, submission ends. Pure.

import type { Job, JobError, JobState } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";

/** What may follow a state. A job that was refused without a charge goes back to `queued`; a stage refused, to `running`. */
const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ["submitting", "failed", "cancelled"],
  submitting: ["running", "queued", "completed", "failed", "cancelled", "unknown"],
  running: ["submitting", "storing", "failed", "cancelled", "unknown"],
  storing: ["completed", "failed", "cancelled"],
  completed: [],
  failed: [],
  cancelled: [],
  unknown: ["failed", "cancelled", "completed"],
};

/** Whether a job may move from one state to another; a change of other fields keeps the state. */
export function mayFollow(from: JobState, to: JobState): boolean {
  return from === to || NEXT[from].includes(to);
}

/** Whether its state no longer changes by itself. */
export function isSettled(state: JobState): boolean {
  return NEXT[state].length === 0 || state === "unknown";
}

const FIRST_POLL_MS = 2_000;
const LONGEST_POLL_MS = 10_000;
const GROWTH = 1.25;

/**
 * Ms until the upstream is asked again: 2 s at first, growing to 10 s; after a failed poll longer when the upstream named a time.
 * Never beyond the deadline, so that the last poll comes at its moment and not one pause later.
 * @param polls polls made so far @param untilDeadline ms
 */
export function pollDelay(polls: number, untilDeadline: number, retryAfterMs = 0): number {
  const pause = Math.max(Math.min(FIRST_POLL_MS * GROWTH ** polls, LONGEST_POLL_MS), retryAfterMs);
  return Math.round(Math.min(pause, Math.max(untilDeadline, 0)));
}

/** Polls that a submission of this age has seen: a resumed job is not asked as often as a new one. */
export function pollsAfter(ageMs: number): number {
  let polls = 0;
  for (let spent = 0; spent < ageMs && polls < 10; polls++) spent += FIRST_POLL_MS * GROWTH ** polls;
  return polls;
}

const FIRST_DOWNLOAD_MS = 1_000;
const LONGEST_DOWNLOAD_MS = 30_000;

/** Ms until a failed download is tried again: 1 s, doubled each time, 30 s at most. */
export function downloadDelay(failures: number, untilDeadline: number): number {
  const pause = Math.min(FIRST_DOWNLOAD_MS * 2 ** (failures - 1), LONGEST_DOWNLOAD_MS);
  return Math.min(pause, Math.max(untilDeadline, 0));
}

/** Highest progress that elapsed time alone can show, in percent. */
const MOST_ESTIMATED = 90;
const STORING = 95;

/**
 * Progress to show, 0 to 99 (100 belongs to `completed`) and never less than before. The upstream's figure is used; without one,
 * elapsed against usual time, slowing down below MOST_ESTIMATED.
 */
export function nextProgress(before: number, now: { reported: number | null; elapsedMs: number; usualMs: number } | "storing"): number {
  const honest =
    now === "storing"
      ? STORING
      : (now.reported ?? MOST_ESTIMATED * (1 - Math.exp(-1.5 * (Math.max(0, now.elapsedMs) / Math.max(1, now.usualMs)))));
  return Math.max(before, Math.min(99, Math.floor(honest)));
}

/** Usual duration of a video job, ms: about ten times the length of the clip. */
export function usualVideoMs(seconds: number | null): number {
  return 20_000 + (seconds ?? 8) * 6_000;
}

/**
 * Deadline, epoch ms. Waiting, generating and storing each have the whole `video_timeout`: a charged video is not lost because a token
 * came late.
 */
export function deadlineAfter(now: number, timeoutSeconds: number): number {
  return now + timeoutSeconds * 1000;
}

/** A failure as it is stored. */
export function toJobError({ kind, message, reason, detail, charged }: AppError): JobError {
  return { kind, message, reason: reason ?? null, detail: detail ?? null, charged };
}

const UNKNOWN =
  "The upstream took this job, and no answer came. It may have been charged, so it is not repeated by itself: the operator decides about it.";

/** Why a job that has ended has no result; null while it runs and when it completed. */
export function failureOf({ state, error }: Pick<Job, "state" | "error">): AppError | null {
  if (state === "cancelled") return new AppError("cancelled", "The job was cancelled.", { charged: error?.charged });
  if (state === "unknown") return new AppError("upstream_unknown_outcome", UNKNOWN, { charged: true });
  if (state !== "failed") return null;
  if (!error) return new AppError("upstream_unavailable", "The job failed.");
  const { kind, message, reason, detail, charged } = error;
  return new AppError(kind, message, { reason: reason ?? undefined, detail: detail ?? undefined, charged });
}

const OUTCOME_UNKNOWN: ReadonlySet<string> = new Set(["upstream_timeout", "upstream_unknown_outcome"]);

/** Whether it was submitted and its outcome is unknown: a state to show, which another poll does not change. */
export const isOutcomeUnknown = ({ state, error }: Pick<Job, "state" | "error">): boolean =>
  state === "unknown" || (state === "failed" && error !== null && error.charged && OUTCOME_UNKNOWN.has(error.kind));

/** A failure without a charge: an identical request gets a new job. */
export const isFreeFailure = ({ state, charged }: { state: JobState; charged: boolean }): boolean => state === "failed" && !charged;

/**
 * Outcome of a failed submission. `isSent`: its body may have been sent. `unknown` is never repeated.
 * `refused`: nothing was charged, another try may be made. `final`: the upstream's decision, or a failure that another token would not change.
 */
export function submissionEnd(error: AppError, isSent: boolean): "unknown" | "refused" | "final" {
  if (isSent && MAY_RUN.has(error.kind)) return "unknown";
  if (isSent && error.charged && !ANSWERED.has(error.kind)) return "unknown";
  return ANSWERED.has(error.kind) ? "final" : "refused";
}

const MAY_RUN: ReadonlySet<string> = new Set(["upstream_timeout", "upstream_unknown_outcome", "cancelled"]);
const ANSWERED: ReadonlySet<string> = new Set(["content_policy", "no_result", "upstream_invalid", "invalid_request", "payload_too_large"]);
