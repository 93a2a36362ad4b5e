// Recovery: goes on with the jobs and reservations of a node that has died, or of an earlier process.

import { type Clock, sleep } from "../../clock.ts";
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { Reservation } from "../../db/ledger.ts";
import type { Inheritance } from "../../db/nodes.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Admission, AdmissionControl } from "../limits/contract.ts";
import { readImageSpec } from "./image-spec.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { isSettled, toJobError } from "./job-state.ts";
import { completion } from "./video-poll.ts";

export type JobRecoveryDependencies = {
  store: Pick<JobStore, "listResults">;
  lifecycle: JobLifecycle;
  limits: Pick<AdmissionControl, "resume">;
  clock: Clock;
  log: Log;
};

type Dependencies = JobRecoveryDependencies & {
  take(row: JobRow): void;
  stopping: AbortSignal;
};

/** Time between attempts to resume a job. */
const RETRY_MS = 2_000;

/** Of one inheritance. */
export class JobRecovery {
  readonly #jobs: readonly JobRow[];
  readonly #requests: ReadonlySet<string>;
  /** Ids of open reservations of jobs, by request. */
  readonly #reservations = new Map<string, number>();

  constructor(
    private readonly deps: Dependencies,
    { jobs }: Pick<Inheritance, "jobs">,
  ) {
    this.#jobs = jobs;
    this.#requests = new Set(jobs.map(({ requestId }) => requestId));
  }

  /** Whether an open reservation belongs to a job: it stays open until that has ended. */
  isOfJob(reservation: Reservation): boolean {
    // Also those of jobs that are not on disk: nothing was sent for these. Only jobs make videos, also in rows without `forJob`.
    const isOfJob = reservation.forJob || reservation.kind === "video" || this.#requests.has(reservation.requestId);
    if (isOfJob) this.#reservations.set(reservation.requestId, reservation.id);
    return isOfJob;
  }

  /** After the limits know which reservations belong to jobs. One that cannot be resumed is tried again until this process stops. */
  async resumeAll(): Promise<void> {
    const { limits, log } = this.deps;
    await Promise.all(this.#jobs.map((row) => this.#resume(row)));
    for (const id of this.#reservations.values()) limits.resume(id)?.release();
    this.#reservations.clear();
    if (this.#jobs.length > 0) log.info("Jobs of an earlier process were resumed", { count: this.#jobs.length });
  }

  async #resume(row: JobRow): Promise<void> {
    const reservation = this.#reservations.get(row.requestId);
    const admission = reservation === undefined ? null : this.deps.limits.resume(reservation);
    this.#reservations.delete(row.requestId);
    try {
      await this.#goOn(row, admission);
    } catch (error) {
      this.deps.log.error("A job could not be resumed yet", { jobId: row.id, error });
      void this.#tryAgain(row, admission);
    }
  }

  async #tryAgain(row: JobRow, admission: Admission | null): Promise<void> {
    const { clock, stopping, lifecycle, log } = this.deps;
    for (;;) {
      try {
        await sleep(clock, RETRY_MS, stopping);
        const now = await lifecycle.read(row.id);
        if (now) await this.#goOn(now, admission);
        else admission?.release();
        return;
      } catch (error) {
        if (stopping.aborted) return;
        log.debug("A job could not be resumed yet", { jobId: row.id, error });
      }
    }
  }

  async #goOn(row: JobRow, admission: Admission | null): Promise<void> {
    const { lifecycle, take } = this.deps;
    if (row.kind === "image" && row.state === "queued") {
      // It is reserved again when it starts again.
      admission?.release();
      return take(row);
    }
    if (admission) lifecycle.adopt(row, admission);
    if (row.state === "submitting" && row.kind === "image") return this.#resumeImages(row);
    if (row.state === "submitting") return lifecycle.markUnknown(row.id, submissionLost());
    if (row.state === "storing" && (await this.#completeStored(row))) return;
    if (!isSettled(row.state)) take(row);
    else await lifecycle.deleteIfRemoved(row.id);
  }

  /** Ends a video job that crashed after its video was stored. */
  async #completeStored(row: JobRow): Promise<boolean> {
    const [stored] = await this.deps.store.listResults(row.requestId);
    if (!stored) return false;
    return (await this.deps.lifecycle.end(row.id, ["storing"], { ...completion(row), mediaIds: [stored.id] })) !== null;
  }

  /** Completes an image job whose images were all stored before the crash; otherwise its outcome is unknown. */
  async #resumeImages(row: JobRow): Promise<void> {
    const { lifecycle, store } = this.deps;
    const { n, options } = readImageSpec(row.plan);
    // Where interim images are stored too, only the row says which media are results.
    const mediaIds = options.includeThoughts ? row.mediaIds : (await store.listResults(row.requestId)).map(({ id }) => id);
    if (mediaIds.length >= n) await lifecycle.end(row.id, ["submitting"], { state: "completed", mediaIds, charged: true });
    else {
      const error = toJobError(submissionLost());
      await lifecycle.move(row.id, ["submitting"], { state: "unknown", mediaIds, error, charged: true });
    }
  }
}

const submissionLost = () =>
  new AppError("upstream_unknown_outcome", "The server stopped after it was submitted and before its answer was stored.", {
    charged: true,
  });
