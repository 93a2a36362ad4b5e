// Works on all jobs that have not ended: those that are new, and those that an earlier run of the program left.

import { sleep } from "../../clock.ts";
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { Reservation } from "../../db/ledger.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import { createKeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Run } from "../generation/contract.ts";
import { mediaOfJob } from "../generation/image-output.ts";
import { TriedTokens } from "../generation/tried-tokens.ts";
import type { AdmissionControl } from "../limits/contract.ts";
import {
  followImages,
  type ImageJobDependencies,
  type ImageRun,
  imagesFailed,
  readImageSpec,
  restartDelay,
  startImages,
} from "./image-job.ts";
import { isSettled, toJobError } from "./job-state.ts";
import { markUnknown, type VideoJobDependencies, type VideoRun } from "./video-job.ts";
import { runVideo } from "./video-run.ts";
import { completion } from "./video-store.ts";

export type Worker = {
  /** Looks at what an earlier run left. The result says which open reservations belong to jobs: pass it to `limits.load`. */
  prepare(): Promise<(reservation: Reservation) => boolean>;
  /** Resumes what was left, at once, and sweeps from now on. After `limits.load` and when the pool has its tokens. */
  start(): Promise<void>;
  /** Works on a job that is on disk. `images`: its generation, when it was started already. */
  take(job: JobRow, images?: { run: ImageRun; started: Run }): void;
  /** The job was changed elsewhere: whatever waits for it looks again. */
  nudge(id: string): void;
  /** What a run needs to know of the end of this process. */
  imageRun(id: string): ImageRun;
  /**
   * Leaves every job as it stands, on disk. Submissions and images under way may end within `graceMs`; then they are cut,
   * and are `unknown`.
   */
  stop(graceMs: number): Promise<void>;
  /** Jobs that are worked on. */
  size(): number;
};

export type WorkerDependencies = Omit<VideoJobDependencies, "waitingJobs"> &
  ImageJobDependencies & { store: JobStore; limits: Pick<AdmissionControl, "resume"> };

/** Jobs of one key and family that wait in the pool at once: the others wait here, so that they do not fill its queue. */
const WAITING_AT_ONCE = 4;
const SWEEP_MS = 3_600_000;
const SWEEP_ROWS = 500;
const DAY_MS = 86_400_000;

export function createWorker(deps: WorkerDependencies): Worker {
  const { store, lifecycle, limits, clock, settings, log, media } = deps;
  const waitingJobs = createKeyedSemaphore(WAITING_AT_ONCE);
  const parked = new AbortController();
  const killed = new AbortController();
  const working = new Map<string, { done: Promise<void>; nudge(): void }>();
  let left: JobRow[] = [];
  /** Reservation ids found open, by request. */
  const reservations = new Map<string, number>();
  let cancelSweep = () => {};
  let sweeping = Promise.resolve();

  function hold(id: string, nudge: () => void, work: () => Promise<void>): void {
    if (working.has(id) || parked.signal.aborted) return;
    const done = work()
      .catch((error) => log.error("A job met an internal error", { jobId: id, error }))
      .then(() => finishRemoved(id))
      .catch((error) => log.error("A removed job could not be deleted", { jobId: id, error }))
      .finally(() => working.delete(id));
    working.set(id, { done, nudge });
  }

  function takeVideo(job: JobRow): void {
    const run: VideoRun = {
      id: job.id,
      parked: parked.signal,
      killed: killed.signal,
      wake: new AbortController(),
      lease: null,
      attempts: [],
      tried: new TriedTokens(),
      tries: 0,
      polls: null,
      downloads: 0,
      failure: null,
      cancelTold: false,
    };
    hold(
      job.id,
      () => run.wake.abort(),
      () => runVideo({ ...deps, waitingJobs }, run),
    );
  }

  const imageRun = (id: string): ImageRun => ({
    id,
    parked: parked.signal,
    stop: new AbortController(),
    calls: { wasSent: false, underWay: 0, mayBePaid: false },
  });

  async function workImages(job: JobRow, run: ImageRun, started: Run | null): Promise<void> {
    const kill = () => run.stop.abort();
    killed.signal.addEventListener("abort", kill, { once: true });
    // A queued generation is given up at once; one under way may end.
    const park = async () => {
      if ((await lifecycle.read(job.id))?.state === "queued") run.stop.abort();
    };
    parked.signal.addEventListener("abort", park, { once: true });
    try {
      let current = job;
      let images = started;
      for (;;) {
        try {
          images ??= await startImages(deps, run, current, Promise.resolve());
          if (await followImages(deps, run, current, images)) return;
        } catch (error) {
          if (await imagesFailed(deps, run, current, error)) return;
        }
        lifecycle.stand(job.id, null);
        await sleep(clock, restartDelay(current, clock.now()), AbortSignal.any([parked.signal, run.stop.signal])).catch(() => {});
        // The request log knows the first attempt under the first id.
        const again = await lifecycle.move(job.id, ["queued"], { requestId: newId() });
        if (!again || parked.signal.aborted) return;
        current = again;
        images = null;
      }
    } finally {
      killed.signal.removeEventListener("abort", kill);
      parked.signal.removeEventListener("abort", park);
    }
  }

  function take(job: JobRow, images?: { run: ImageRun; started: Run }): void {
    if (job.kind === "video") takeVideo(job);
    else takeImages(job, images?.run ?? imageRun(job.id), images?.started ?? null);
  }

  function takeImages(job: JobRow, run: ImageRun, started: Run | null): void {
    // It stays queued on disk; what was started of it ends.
    if (parked.signal.aborted) run.stop.abort();
    hold(
      job.id,
      () => run.stop.abort(),
      () => workImages(job, run, started),
    );
  }

  /** What the client forgot while it ran goes with its end. */
  async function finishRemoved(id: string): Promise<void> {
    const job = await lifecycle.read(id);
    if (!job?.removed || !isSettled(job.state) || job.state === "unknown") return;
    for (const mediaId of mediaOfJob(job)) await media.remove(mediaId);
    await lifecycle.erase(id);
  }

  /** Takes on one job of an earlier run. */
  async function resume(job: JobRow): Promise<void> {
    const reservation = reservations.get(job.requestId);
    const admission = reservation === undefined ? null : limits.resume(reservation);
    reservations.delete(job.requestId);
    if (job.kind === "image" && job.state === "queued") {
      // It is reserved again when it is started again.
      admission?.release();
      return take(job);
    }
    if (admission) lifecycle.adopt(job, admission);
    if (job.state === "submitting" && job.kind === "image") return resumeImages(job);
    if (job.state === "submitting") return markUnknown({ lifecycle }, job, lost());
    if (job.state === "storing" && (await completeStored(job))) return;
    if (!isSettled(job.state)) take(job);
    else await finishRemoved(job.id);
  }

  /** A crash between storing and writing that down: the video is here already. */
  async function completeStored(job: JobRow): Promise<boolean> {
    const [stored] = await store.listResults(job.requestId);
    if (!stored) return false;
    return (await lifecycle.end(job.id, ["storing"], { ...completion(job), mediaIds: [stored.id] })) !== null;
  }

  /** Images that were all stored before the crash are a result; fewer are kept with a job whose outcome is unknown. */
  async function resumeImages(job: JobRow): Promise<void> {
    const { n, options } = readImageSpec(job.plan);
    // Where drafts are stored too, only what is on record is known to be a result.
    const mediaIds = options.includeThoughts ? job.mediaIds : (await store.listResults(job.requestId)).map(({ id }) => id);
    if (mediaIds.length >= n) await lifecycle.end(job.id, ["submitting"], { state: "completed", mediaIds, charged: true });
    else await lifecycle.move(job.id, ["submitting"], { state: "unknown", mediaIds, error: toJobError(lost()), charged: true });
  }

  async function sweep(): Promise<void> {
    const now = clock.now();
    const old = now - settings().requests.retention_days * DAY_MS;
    try {
      const before = { jobs: old, deliveries: old, idempotency: now - DAY_MS };
      while (!parked.signal.aborted && (await store.deleteJobsBefore(before, SWEEP_ROWS)) >= SWEEP_ROWS);
    } catch (error) {
      log.error("Old jobs could not be deleted", { error });
    }
    if (!parked.signal.aborted) cancelSweep = clock.after(SWEEP_MS, () => (sweeping = sweep()));
  }

  return {
    async prepare() {
      left = await store.listUnsettledJobs();
      const requests = new Set(left.map((job) => job.requestId));
      return (reservation) => {
        // What was reserved for a job that is not on disk was never sent. Videos are made by jobs alone, also those from before this was kept.
        const isOurs = reservation.forJob || reservation.kind === "video" || requests.has(reservation.requestId);
        if (isOurs) reservations.set(reservation.requestId, reservation.id);
        return isOurs;
      };
    },
    async start() {
      await Promise.all(left.map(resume));
      for (const id of reservations.values()) limits.resume(id)?.release();
      reservations.clear();
      if (left.length > 0) log.info("Jobs of an earlier run were resumed", { count: left.length });
      left = [];
      sweeping = sweep();
    },
    take,
    nudge: (id) => working.get(id)?.nudge(),
    imageRun,
    async stop(graceMs) {
      parked.abort(new AppError("cancelled", "The server is stopping."));
      cancelSweep();
      const cut = clock.after(graceMs, () => killed.abort(new AppError("cancelled", "The server is stopping.")));
      await Promise.all([...working.values()].map(({ done }) => done));
      cut();
      await sweeping;
    },
    size: () => working.size,
  };
}

const lost = () =>
  new AppError("upstream_unknown_outcome", "The server stopped after it was submitted and before its answer was kept.", { charged: true });
