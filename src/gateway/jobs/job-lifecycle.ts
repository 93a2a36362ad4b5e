// Job lifecycle: writes every state change before its effect, notifies watchers, settles each end exactly once.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobChange, JobRow, JobStore } from "../../db/jobs.ts";
import type { SharedStore } from "../../db/shared.ts";
import type { RequestLog } from "../../db/store.ts";
import { type Job, type JobState, type QueuePosition, TERMINAL_STATES } from "../../domain/job.ts";
import { omit } from "../../domain/omit.ts";
import { type AppError, asCharged } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { TracedAttempt, Traces } from "../../traces.ts";
import { writeRequest } from "../generation/request-record.ts";
import { mediaOfJob } from "../generation/undelivered/image-output.ts";
import type { Admission } from "../limits/contract.ts";
import type { Limits } from "../limits/limits.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Announcer } from "../nodes/announcer.ts";
import type { NodeIdentity } from "../nodes/node.ts";
import { costOf, FREE, tokensOf } from "./job-cost.ts";
import { requestOf } from "./job-request.ts";
import { isSettled, mayFollow, toJobError } from "./job-state.ts";
import { JobWatchers } from "./job-watchers.ts";
import type { Webhooks } from "./webhooks.ts";

/** A watched job is read again after this time where other nodes may change it. */
const REREAD_MS = 2_000;
/** Longer than the store works on what nobody waits for any more. */
const UNWRITTEN_MS = 60_000;

export type JobEnd = JobChange & { state: "completed" | "failed" | "cancelled" };

export type JobLifecycleDependencies = {
  store: JobStore;
  webhooks: Pick<Webhooks, "deliveryOf" | "wake">;
  media: Pick<MediaStore, "remove">;
  limits: Pick<Limits, "flush">;
  requests: Pick<RequestLog, "append">;
  settings: () => Settings;
  metrics: Metrics;
  /** Absent: OpenTelemetry is off. */
  traces?: Traces;
  clock: Clock;
  log: Log;
  /** Owner of new jobs; absent: there are no nodes. */
  node?: NodeIdentity;
  /** Tells other nodes of changed jobs; absent: there are none. */
  announcer?: Pick<Announcer, "tell"> | null;
  /** Absent or null: no other node changes jobs. */
  shared?: SharedStore | null;
};

export class JobLifecycle {
  /** Jobs that run here: only this node, while it lives, may change them. */
  readonly #owned = new Set<string>();
  /** Jobs whose end is being written here; true: news of it came meanwhile. */
  readonly #ending = new Map<string, boolean>();
  /** What each open job's end settles. */
  readonly #admissions = new Map<string, Admission>();
  /** Jobs that could not be stored, as far as this process knows: until when they are deleted where they were nevertheless. */
  readonly #unwritten = new Map<string, number>();
  readonly #watchers = new JobWatchers();
  /** `readyAt`: estimated end of the wait, epoch ms. */
  readonly #positions = new Map<string, { position: number; readyAt: number | null }>();

  constructor(private readonly deps: JobLifecycleDependencies) {}

  /** Stores a new job durably. Its end settles the admission; null: it is settled elsewhere. */
  async open(row: JobRow, admission: Admission | null): Promise<void> {
    try {
      await this.deps.store.insertJob(row, this.deps.node?.id);
    } catch (error) {
      admission?.release();
      if (this.deps.shared) this.#unwritten.set(row.id, this.deps.clock.now() + UNWRITTEN_MS);
      throw error;
    }
    if (admission) this.#admissions.set(row.id, admission);
  }

  /** The job runs here from now on. */
  own(id: string): void {
    this.#owned.add(id);
  }

  disown(id: string): void {
    this.#owned.delete(id);
  }

  /** Ids of jobs whose ends settle an admission here. */
  admitted(): string[] {
    return [...this.#admissions.keys()];
  }

  /** Another node has changed the job, or may have: one that has ended there is settled here, where its admission is. */
  async readChanged(id: string): Promise<JobRow | null> {
    const row = await this.read(id);
    // It is settled with its calls by who ends it, which this node may be doing.
    if (this.#ending.has(id)) {
      this.#ending.set(id, true);
      return row;
    }
    if (!row) {
      // It was deleted while it waited: one that is charged is settled before.
      this.#admissions.get(id)?.release();
      this.#admissions.delete(id);
    } else if (row.state !== "unknown" && isSettled(row.state)) {
      this.#settle(row);
      if (!this.#owned.has(id)) await this.deleteIfRemoved(id);
    }
    return row;
  }

  /** A job whose client was refused because the store's answer was lost, and that is stored nevertheless, does not run. */
  async deleteUnwritten(): Promise<void> {
    for (const [id, until] of this.#unwritten) {
      // Refused while its reservation is open: the release is on its way.
      const isGone = await this.deps.store.deleteJob(id);
      if (isGone && until <= this.deps.clock.now()) this.#unwritten.delete(id);
    }
  }

  /** The node that the job is handed to settles it. */
  forgetAdmission(id: string): void {
    this.#admissions.delete(id);
  }

  read(id: string): Promise<JobRow | null> {
    return this.deps.store.getJob(id);
  }

  /** Changes a job that is in one of these states; null when it is in another, or gone. */
  async move(id: string, from: readonly JobState[], to: JobChange, { durable = false } = {}): Promise<JobRow | null> {
    const row = await this.#update(id, from, to, { durable });
    if (row && to.state === "unknown") {
      // It may stay so for days: only its reservation remains.
      this.#admissions.get(id)?.releaseSlot();
      this.deps.log.warn("A job's outcome is unknown: decide it in the admin", { jobId: id, tokenId: row.tokenId });
    }
    return row;
  }

  /** As `move`, to a terminal state: webhook, ledger and request log follow. */
  async end(id: string, from: readonly JobState[], to: JobEnd, attempts: readonly TracedAttempt[] = []): Promise<JobRow | null> {
    let isNews = false;
    this.#ending.set(id, false);
    const ended = await this.#end(id, from, to, attempts).finally(() => {
      isNews = this.#ending.get(id) ?? false;
      this.#ending.delete(id);
    });
    // Another node may have ended it first.
    if (isNews && !ended) await this.readChanged(id);
    return ended;
  }

  async #end(id: string, from: readonly JobState[], to: JobEnd, attempts: readonly TracedAttempt[]): Promise<JobRow | null> {
    const { store, webhooks, clock, log } = this.deps;
    const before = await store.getJob(id);
    if (!before) return null;
    const final: JobChange = { ...to, endedAt: clock.now(), ...(to.state === "completed" ? { progress: 100 } : {}) };
    const delivery = await webhooks.deliveryOf({ ...before, ...final });
    const row = await this.#update(id, from, final, { delivery });
    if (!row) return null;
    this.#settle(row, attempts);
    this.#logRequest(row, attempts);
    if (delivery) webhooks.wake();
    const { requestId, state, tokenId, error } = row;
    log.info("Job finished", { jobId: id, requestId, state, tokenId, outcome: error?.kind ?? state });
    return row;
  }

  /** The outcome of a submission, or of what was submitted, is unknown: the operator decides. The reservation remains. */
  async markUnknown(id: string, error: AppError): Promise<void> {
    await this.move(id, ["submitting", "running"], { state: "unknown", error: toJobError(asCharged(error)), charged: true });
  }

  /** Takes over the admission of a job found after a restart; an ended job is settled at once. */
  adopt(row: JobRow, admission: Admission): void {
    this.#admissions.set(row.id, admission);
    if (row.state === "unknown") admission.releaseSlot();
    else if (isSettled(row.state)) this.#settle(row);
  }

  /** Deletes an ended job with its media; where it is not settled yet it is hidden, and whoever settles it deletes it. */
  async delete(row: JobRow): Promise<void> {
    const { media, limits, store } = this.deps;
    for (const mediaId of mediaOfJob(row)) await media.remove(mediaId);
    await limits.flush();
    // Again after it is hidden: who settles it may have looked before.
    const isDeleted =
      (await store.deleteJob(row.id)) ||
      (!row.removed && (await this.#update(row.id, [row.state], { removed: true }, {})) !== null && (await store.deleteJob(row.id)));
    if (isDeleted) this.#notify(row.id);
  }

  /** Deletes a job that its client removed while it ran, once it has ended. */
  async deleteIfRemoved(id: string): Promise<void> {
    await this.deps.limits.flush();
    const row = await this.read(id);
    if (row?.removed && TERMINAL_STATES.has(row.state)) await this.delete(row);
  }

  /** Queue position of a queued job; null: it does not wait. Shown to watchers, not stored. */
  setQueuePosition(id: string, at: QueuePosition | null): void {
    if (at === null && !this.#positions.delete(id)) return;
    if (at !== null) {
      const readyAt = at.waitMs === null ? null : this.deps.clock.now() + at.waitMs;
      this.#positions.set(id, { position: at.position, readyAt });
    }
    this.#notify(id);
  }

  /** The job for readers: without the worker's fields, with its queue position. */
  toJob(row: JobRow): Job {
    const job: Job = omit(row, ["route", "plan", "operation", "step", "result", "charged", "cancelAsked", "removed"]);
    const at = row.state === "queued" ? this.#positions.get(row.id) : undefined;
    if (!at) return job;
    const waitMs = at.readyAt === null ? null : Math.max(0, at.readyAt - this.deps.clock.now());
    return { ...job, place: { position: at.position, waitMs } };
  }

  /** The job now and after each change, until it is settled or the signal aborts. Its end is shown when its slot is free. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<JobRow> {
    let isDirty = true;
    let patience = 3;
    let wake = () => {};
    const notify = () => {
      isDirty = true;
      wake();
    };
    const leave = this.#watchers.add(id, notify);
    signal.addEventListener("abort", notify, { once: true });
    try {
      while (!signal.aborted) {
        // News of another node may be lost; what waits for the end of a settlement does not wait for ever.
        const cancel = this.deps.shared || patience < 3 ? this.deps.clock.after(REREAD_MS, notify) : undefined;
        if (!isDirty) await new Promise<void>((resolve) => (wake = resolve));
        cancel?.();
        if (signal.aborted) return;
        isDirty = false;
        const row = await this.read(id);
        if (!row) return;
        if (isSettled(row.state) && this.#admissions.has(id) && patience-- > 0) continue;
        yield row;
        if (isSettled(row.state)) return;
      }
    } finally {
      signal.removeEventListener("abort", notify);
      leave();
    }
  }

  async #update(id: string, from: readonly JobState[], change: JobChange, options: Parameters<JobStore["updateJob"]>[3]) {
    const { state } = change;
    const allowed = state ? from.filter((before) => mayFollow(before, state)) : from;
    const node = this.#owned.has(id) ? this.deps.node?.id : undefined;
    const row = await this.deps.store.updateJob(id, allowed, change, { ...options, node });
    if (row && row.state !== "queued") this.#positions.delete(id);
    if (row) this.#notify(id);
    return row;
  }

  #notify(id: string): void {
    this.deps.announcer?.tell({ jobs: [id] });
    this.wakeWatchers(id);
  }

  /** Who watches the job reads it again. */
  wakeWatchers(id: string): void {
    this.#watchers.wake(id);
  }

  #settle(row: JobRow, attempts: readonly TracedAttempt[] = []): void {
    const admission = this.#admissions.get(row.id);
    if (!admission || !this.#admissions.delete(row.id)) return;
    const cost = costOf(row);
    const calls = attempts.map(({ tokenId, outcome, ms }, index) => ({
      tokenId,
      ok: outcome === "ok",
      ms,
      ...(index === attempts.length - 1 ? cost : FREE),
    }));
    const ms = elapsedMs(row.createdAt, row.endedAt ?? this.deps.clock.now());
    const end = { ok: row.state === "completed", ms, ...tokensOf(row), calls };
    if (row.charged) admission.settle(cost, end);
    else admission.release(end);
    this.wakeWatchers(row.id);
  }

  #logRequest(row: JobRow, attempts: readonly TracedAttempt[]): void {
    // Images are logged by their generation.
    if (row.kind === "image") return;
    const { requests, metrics, traces, clock, settings } = this.deps;
    const entry = requestOf(row, attempts, { now: clock.now(), recordPayload: settings().requests.record_payloads });
    writeRequest({ requests, metrics, traces }, entry);
    const { videoSeconds, usd } = entry;
    const made = { kind: row.kind, count: row.mediaIds.length, videoSeconds, usd };
    metrics.madeMedia({ provider: row.provider, model: row.family, ...made });
  }
}
