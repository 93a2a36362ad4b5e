// Follows a job as a generation: its events for a client that waits. Leaving does not cancel it.

import type { GenerateEvent } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import type { Run } from "../generation/contract.ts";
import { type OutputReader, replayOutput } from "../generation/undelivered/replay-output.ts";
import { successorOf } from "../models/choose-family.ts";
import type { ModelChoice } from "../models/parse-model.ts";
import type { Jobs } from "./contract.ts";
import { failureOf, isSettled } from "./job-state.ts";

export type JobReader = OutputReader & { jobs: Pick<Jobs, "watch"> };

/**
 * The job as a generation under way; one that has ended repeats its events. They throw AppError: the failure that it ended with,
 * `not_found` when it was deleted or its results have expired, `cancelled` when the signal aborts.
 */
export function followJob(reader: JobReader, job: Job, choice: ModelChoice, signal: AbortSignal): Run {
  let last = job;
  return {
    job,
    // A job of a retired model switches to its successor while it is queued.
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

/** The events of a job that has ended, or its failure. */
async function* endOf({ media, affinity }: JobReader, job: Job): AsyncGenerator<GenerateEvent> {
  const end = job.answer?.end ?? null;
  const failure = end ? null : failureOf(job);
  if (failure) throw failure;
  yield* replayOutput({ media, affinity }, { ...job, provider: job.provider ?? "" });
}
