// A job as its client waits for it: what a generation tells, made from what is on record. Who stops reading leaves the job as it is.
import { AppError } from "../../errors.ts";
import type { Affinity } from "../generation/affinity.ts";
import type { Run } from "../generation/generate.ts";
import { partsOf } from "../generation/image-output.ts";
import type { Job, Jobs } from "../../domain/job.ts";
import { failureOf, isSettled } from "./job-state.ts";
import type { MediaStore } from "../media/media-store.ts";
import { type ModelChoice, successorOf } from "../models/models.ts";
import { type GenerateEvent, NO_USAGE } from "../../domain/generation.ts";

export type JobReader = { jobs: Pick<Jobs, "watch">; media: Pick<MediaStore, "get">; affinity: Pick<Affinity, "of"> };

/**
 * The job as a generation under way; one that has ended tells the same again. Its events throw AppError: the failure that it ended with,
 * `not_found` when it was deleted or its results are past their age, `cancelled` when the signal aborts.
 */
export function followJob(reader: JobReader, job: Job, choice: ModelChoice, signal: AbortSignal): Run {
  let last = job;
  return {
    // A model that turns out to be retired changes over while the job is queued.
    get family() {
      return last.family;
    },
    get successorOf() {
      return successorOf(choice, last.family);
    },
    headers: { "x-flow2api-job": job.id },
    events: eventsOf(reader, job, signal, (now) => {
      last = now;
    }),
  };
}

async function* eventsOf(reader: JobReader, job: Job, signal: AbortSignal, seen: (job: Job) => void): AsyncGenerator<GenerateEvent> {
  let last = job;
  let isUnderWay = false;
  for await (const now of (await reader.jobs.watch(job.id, job.keyId, signal)) ?? []) {
    last = now;
    seen(now);
    if (now.place) yield { type: "queued", ...now.place };
    if (isUnderWay || now.state === "queued" || isSettled(now.state)) continue;
    isUnderWay = true;
    yield { type: "generating" };
  }
  if (isSettled(last.state)) return yield* endOf(reader, last);
  throw signal.aborted
    ? new AppError("cancelled", "The client went away; the job goes on.")
    : new AppError("not_found", "The job was deleted while it ran.", { reason: "job_deleted" });
}

/** What came of a job that has ended. */
async function* endOf({ media, affinity }: JobReader, job: Job): AsyncGenerator<GenerateEvent> {
  const end = job.answer?.end ?? null;
  const failure = end ? null : failureOf(job);
  if (failure) throw failure;
  yield* answerEvents({ media, affinity }, { ...job, provider: job.provider ?? "" });
}

export type ToldAnswer = Pick<Job, "answer" | "mediaIds" | "usage"> & { provider: string };

/** What was kept of an answer, told as a generation tells it. @throws {AppError} `not_found` when none of its results is left */
export async function* answerEvents({ media, affinity }: Omit<JobReader, "jobs">, kept: ToldAnswer): AsyncGenerator<GenerateEvent> {
  const told = await Promise.all(
    partsOf(kept).map(async (part): Promise<GenerateEvent | null> => {
      if ("text" in part) return part;
      const { type, mediaId, signature = affinity.of(mediaId)?.signature } = part;
      const found = await media.get(mediaId);
      return found && { type, media: found, signature };
    }),
  );
  if (kept.mediaIds.length > 0 && !told.some((event) => event?.type === "image"))
    throw new AppError("not_found", "The results of this job are past their age.", { reason: "job_deleted" });
  yield* told.filter((event) => event !== null);
  const end = kept.answer?.end ?? { finish: "stop", upstreamReason: "STOP" };
  yield { type: "done", ...end, usage: kept.usage ?? NO_USAGE, provider: kept.provider };
}
