// Job worker: runs every job that has not ended, resumes those of an earlier process, deletes old ones.

import { type Repeated, repeat } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { Reservation } from "../../db/ledger.ts";
import type { Inheritance } from "../../db/nodes.ts";
import type { SharedStore } from "../../db/shared.ts";
import { AppError } from "../../errors.ts";
import { KeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Run } from "../generation/contract.ts";
import { ImageJob, type ImageJobDependencies } from "./image-job.ts";
import { isSettled } from "./job-state.ts";
import { JobRecovery, type JobRecoveryDependencies } from "./recovery.ts";
import { type StopSignals, VideoJob, type VideoJobDependencies } from "./video-job.ts";
import { pollVideo, storeVideo } from "./video-poll.ts";
import { submitVideo } from "./video-submit.ts";

export type WorkerDependencies = Omit<VideoJobDependencies, "waitingJobs"> &
  ImageJobDependencies &
  JobRecoveryDependencies & {
    store: Pick<JobStore, "deleteJobsBefore">;
    /** Absent or null: no other node changes jobs. */
    shared?: SharedStore | null;
    settings: () => Settings;
    /** A job came while this server stops; absent: it waits for the next start. */
    onUntaken?(id: string): void;
  };

/** Jobs of one key and family that wait in the pool at once; others wait here, so that they do not fill the pool's queue. */
const WAITING_IN_POOL = 4;
const SWEEP_MS = 3_600_000;
const SWEEP_ROWS = 500;
/** Jobs are read again so often where other nodes change them: news of a change may be lost. */
const LOOK_MS = 30_000;
const DAY_MS = 86_400_000;

export class Worker {
  readonly #stopping = new AbortController();
  readonly #aborted = new AbortController();
  readonly #signals: StopSignals = { stopping: this.#stopping.signal, aborted: this.#aborted.signal };
  /** Jobs under way, by id. */
  readonly #running = new Map<string, { done: Promise<void>; wake(): void }>();
  readonly #waitingJobs = new KeyedSemaphore(WAITING_IN_POOL);
  /** What an earlier process left, until {@link start}. */
  #recovery: JobRecovery | null = null;
  #sweep: Repeated | null = null;
  #looks: Repeated | null = null;

  constructor(private readonly deps: WorkerDependencies) {}

  /** Takes note of what an earlier process left. The result says which open reservations belong to jobs: pass it to `limits.load`. */
  prepare(inheritance: Inheritance): (reservation: Reservation) => boolean {
    const recovery = this.#recover(inheritance);
    this.#recovery = recovery;
    return (reservation) => recovery.isOfJob(reservation);
  }

  /** Resumes the jobs of an earlier process, and sweeps from now on. After `limits.load`, and when the pool has its tokens. */
  async start(): Promise<void> {
    await this.#recovery?.resumeAll();
    this.#recovery = null;
    this.#sweep = repeat(this.deps.clock, SWEEP_MS, (stopping) => this.#deleteOldJobs(stopping));
    if (this.deps.shared) this.#looks = repeat(this.deps.clock, LOOK_MS, () => this.lookAgain());
  }

  /** Runs a job that is on disk. `images`: its generation, when it was started already. */
  take(row: JobRow, images?: { job: ImageJob; started: Run }): void {
    if (row.kind === "video") {
      const job = new VideoJob({ ...this.deps, waitingJobs: this.#waitingJobs }, row.id, this.#signals);
      this.#run(row.id, { wake: () => job.wake(), work: () => this.#runVideo(job) });
      return;
    }
    const job = images?.job ?? this.newImageJob(row.id);
    // It stays queued on disk; a generation that was started already ends.
    if (this.#stopping.signal.aborted) job.stop();
    this.#run(row.id, { wake: () => job.stop(), work: () => job.run(row, images?.started ?? null) });
  }

  /** Goes on with what another node has left. `settleOthers`: what belongs to no job. */
  async inherit(inheritance: Inheritance, settleOthers: (isOfJob: (reservation: Reservation) => boolean) => void): Promise<void> {
    const recovery = this.#recover(inheritance);
    settleOthers((reservation) => recovery.isOfJob(reservation));
    await recovery.resumeAll();
  }

  #recover(inheritance: Inheritance): JobRecovery {
    return new JobRecovery({ ...this.deps, take: (row) => this.take(row), stopping: this.#stopping.signal }, inheritance);
  }

  /** Another node changed the job: who watches it reads it again, and so does this node where it runs or settles it. */
  changedElsewhere(id: string): void {
    const { lifecycle } = this.deps;
    lifecycle.wakeWatchers(id);
    if (this.#running.has(id) || lifecycle.admitted().includes(id)) void this.#look(id);
  }

  /** Reads every job that runs or is settled here: news of what other nodes changed may have been lost. */
  async lookAgain(): Promise<void> {
    const { lifecycle, log } = this.deps;
    await lifecycle.deleteUnwritten().catch((error) => log.debug("Jobs could not be deleted", { error }));
    for (const id of new Set([...this.#running.keys(), ...lifecycle.admitted()])) await this.#look(id);
  }

  /** The node that takes the jobs settles them: all of this one's, or one. */
  forgetAdmissions(ids = this.deps.lifecycle.admitted()): void {
    for (const id of ids) this.deps.lifecycle.forgetAdmission(id);
  }

  /** The job was changed elsewhere: ends its pause or wait. */
  wake(id: string): void {
    this.#running.get(id)?.wake();
  }

  newImageJob(id: string): ImageJob {
    return new ImageJob(this.deps, id, this.#signals);
  }

  /**
   * Leaves every job in its state, on disk. Submissions and images under way may end within `graceMs`; then they are aborted, and
   * are `unknown`.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new AppError("cancelled", "The server is stopping."));
    const swept = Promise.all([this.#sweep?.stop(), this.#looks?.stop()]);
    const cancel = this.deps.clock.after(graceMs, () => this.#aborted.abort(new AppError("cancelled", "The server is stopping.")));
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    cancel();
    await swept;
  }

  /** Jobs under way. */
  size(): number {
    return this.#running.size;
  }

  async #look(id: string): Promise<void> {
    const { lifecycle, log } = this.deps;
    try {
      const row = await lifecycle.readChanged(id);
      // Other changes concern who watches it: its call goes on.
      if (!row || row.cancelAsked || isSettled(row.state)) this.wake(id);
    } catch (error) {
      log.error("A job could not be read", { jobId: id, error });
    }
  }

  #run(id: string, { wake, work }: { wake(): void; work(): Promise<void> }): void {
    const { lifecycle, log } = this.deps;
    if (this.#running.has(id)) return;
    if (this.#stopping.signal.aborted) {
      lifecycle.forgetAdmission(id);
      this.deps.onUntaken?.(id);
      return;
    }
    lifecycle.own(id);
    const done = work()
      .catch((error) => log.error("A job met an internal error", { jobId: id, error }))
      .then(() => lifecycle.deleteIfRemoved(id))
      .catch((error) => log.error("A removed job could not be deleted", { jobId: id, error }))
      .finally(() => {
        this.#running.delete(id);
        lifecycle.disown(id);
      });
    this.#running.set(id, { done, wake });
  }

  /** Runs a video job until it is settled or the server stops. Each step reads the state from disk. Never throws an AppError. */
  async #runVideo(job: VideoJob): Promise<void> {
    try {
      while (!job.isStopping) {
        const row = await job.load();
        if (!row || isSettled(row.state)) return;
        if (row.state === "queued") await submitVideo(job);
        else if (row.state === "running") await pollVideo(job);
        else if (row.state === "storing") await storeVideo(job);
        else
          return await this.deps.lifecycle.markUnknown(
            row.id,
            new AppError("upstream_unknown_outcome", "It was submitted and no answer came."),
          );
      }
    } finally {
      await job.releaseLease();
    }
  }

  async #deleteOldJobs(stopping: AbortSignal): Promise<void> {
    const { store, clock, settings, log } = this.deps;
    const now = clock.now();
    const old = now - settings().requests.retention_days * DAY_MS;
    try {
      const before = { jobs: old, deliveries: old, idempotency: now - DAY_MS };
      while (!stopping.aborted && (await store.deleteJobsBefore(before, SWEEP_ROWS)) >= SWEEP_ROWS);
    } catch (error) {
      log.error("Old jobs could not be deleted", { error });
    }
  }
}
