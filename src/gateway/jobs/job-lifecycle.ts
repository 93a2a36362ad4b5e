// The record of all jobs: every change on disk before its effect, told to those who watch, its end settled exactly once.

import { type Clock, elapsedMs } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobChange, JobRow, JobStore } from "../../db/jobs.ts";
import type { RequestLog } from "../../db/store.ts";
import type { Job, JobState, Place } from "../../domain/job.ts";
import type { AttemptRow } from "../../domain/request.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import { videoPayload } from "../generation/payload.ts";
import type { Admission, Cost } from "../limits/contract.ts";
import { isSettled, mayFollow } from "./job-state.ts";
import type { Webhooks } from "./webhooks.ts";

export type JobEnd = JobChange & { state: "completed" | "failed" | "cancelled" };

export type JobLifecycle = {
  /** On disk when it resolves, with the admission that its end settles; null: somebody else settles. */
  open(row: JobRow, admission: Admission | null): Promise<void>;
  read(id: string): Promise<JobRow | null>;
  /** Changes a job that is in one of these states; null when it is not, any more. */
  move(id: string, from: readonly JobState[], change: JobChange, options?: { durable?: boolean }): Promise<JobRow | null>;
  /** As `move`, to a state that is the last: webhook, ledger and request log follow. */
  end(id: string, from: readonly JobState[], change: JobEnd, attempts?: readonly AttemptRow[]): Promise<JobRow | null>;
  /** Takes over the admission of a job found after a restart; one that has ended is settled at once. */
  adopt(row: JobRow, admission: Admission): void;
  /** Deletes the row of an ended job. */
  erase(id: string): Promise<void>;
  /** A queued job has got another place among those that wait; null: it waits no more. Told to those who watch, kept nowhere. */
  stand(id: string, place: Place | null): void;
  /** The job as everybody may see it, without what only the runner needs. */
  show(row: JobRow): Job;
  /** The job now and after each change, until nothing more happens by itself. */
  watch(id: string, signal: AbortSignal): AsyncIterable<JobRow>;
};

export type JobLifecycleDependencies = {
  store: JobStore;
  webhooks: Pick<Webhooks, "deliveryOf" | "wake">;
  requests: Pick<RequestLog, "append">;
  settings: () => Settings;
  metrics: Metrics;
  clock: Clock;
  log: Log;
};

export function createJobLifecycle({ store, webhooks, requests, settings, metrics, clock, log }: JobLifecycleDependencies): JobLifecycle {
  const admissions = new Map<string, Admission>();
  const readers = new Map<string, Set<() => void>>();
  /** `readyAt`: when the wait is over by the estimate, epoch ms. */
  const places = new Map<string, { position: number; readyAt: number | null }>();

  function tell(id: string): void {
    for (const wake of readers.get(id) ?? []) wake();
  }

  function settle(row: JobRow, attempts: readonly AttemptRow[] = []): void {
    const admission = admissions.get(row.id);
    if (!admission) return;
    admissions.delete(row.id);
    const cost = costOf(row);
    const calls = attempts.map(({ tokenId, outcome, ms }, index) => ({
      tokenId,
      ok: outcome === "ok",
      ms,
      ...(index === attempts.length - 1 ? cost : FREE),
    }));
    const end = { ok: row.state === "completed", ms: elapsedMs(row.createdAt, row.endedAt ?? clock.now()), ...tokensOf(row), calls };
    if (row.charged) admission.settle(cost, end);
    else admission.release(end);
  }

  function record(row: JobRow, attempts: readonly AttemptRow[]): void {
    // Images are recorded where they are made.
    if (row.kind === "image") return;
    const outcome = row.state === "completed" ? "ok" : (row.error?.kind ?? "cancelled");
    const ms = elapsedMs(row.createdAt, clock.now());
    requests.append({
      id: row.requestId,
      at: row.createdAt,
      ms,
      dialect: row.dialect,
      route: row.route,
      keyId: row.keyId,
      model: row.model.slice(0, 200),
      family: row.family,
      kind: row.kind,
      outcome,
      message: row.error ? row.error.message.slice(0, 200) : null,
      images: 0,
      videoSeconds: row.charged ? (row.seconds ?? 0) : 0,
      ...tokensOf(row),
      usd: row.charged ? row.usd : 0,
      stream: false,
      mediaIds: row.mediaIds,
      attempts: [...attempts],
      payload: settings().requests.record_payloads ? videoPayload(row) : undefined,
    });
    metrics.generations.inc({ generation_type: row.kind, result: outcome });
    metrics.generationSeconds.observe({ generation_type: row.kind }, ms / 1000);
  }

  async function change(id: string, from: readonly JobState[], change: JobChange, options: Parameters<JobStore["updateJob"]>[3]) {
    const { state } = change;
    const allowed = state ? from.filter((before) => mayFollow(before, state)) : from;
    const next = await store.updateJob(id, allowed, change, options);
    if (next && next.state !== "queued") places.delete(id);
    if (next) tell(id);
    return next;
  }

  return {
    async open(row, admission) {
      try {
        await store.insertJob(row);
      } catch (error) {
        admission?.release();
        throw error;
      }
      if (admission) admissions.set(row.id, admission);
    },
    read: store.getJob,
    async move(id, from, to, { durable = false } = {}) {
      const next = await change(id, from, to, { durable });
      if (next && to.state === "unknown") {
        // It may stay so for days: only its money is held back.
        admissions.get(id)?.releaseSlot();
        log.warn("A job's outcome is unknown: decide it in the admin", { jobId: id, tokenId: next.tokenId });
      }
      return next;
    },
    async end(id, from, to, attempts = []) {
      const before = await store.getJob(id);
      if (!before) return null;
      const final: JobChange = { ...to, endedAt: clock.now(), ...(to.state === "completed" ? { progress: 100 } : {}) };
      const delivery = await webhooks.deliveryOf({ ...before, ...final });
      const row = await change(id, from, final, { delivery });
      if (!row) return null;
      settle(row, attempts);
      record(row, attempts);
      if (delivery) webhooks.wake();
      log.info("job", {
        jobId: id,
        requestId: row.requestId,
        state: row.state,
        tokenId: row.tokenId,
        outcome: row.error?.kind ?? row.state,
      });
      return row;
    },
    adopt(row, admission) {
      admissions.set(row.id, admission);
      if (row.state === "unknown") admission.releaseSlot();
      else if (isSettled(row.state)) settle(row);
    },
    async erase(id) {
      await store.deleteJob(id);
      tell(id);
    },
    stand(id, place) {
      if (place === null && !places.delete(id)) return;
      if (place !== null) places.set(id, { position: place.position, readyAt: place.waitMs === null ? null : clock.now() + place.waitMs });
      tell(id);
    },
    show(row) {
      const place = row.state === "queued" ? places.get(row.id) : undefined;
      if (!place) return publicJob(row);
      const { position, readyAt } = place;
      return { ...publicJob(row), place: { position, waitMs: readyAt === null ? null : Math.max(0, readyAt - clock.now()) } };
    },
    watch: (id, signal) => ({
      async *[Symbol.asyncIterator]() {
        let isStale = true;
        let stir = () => {};
        const wake = () => {
          isStale = true;
          stir();
        };
        const mine = readers.get(id) ?? new Set();
        readers.set(id, mine.add(wake));
        signal.addEventListener("abort", wake, { once: true });
        try {
          while (!signal.aborted) {
            if (!isStale) await new Promise<void>((resolve) => (stir = resolve));
            if (signal.aborted) return;
            isStale = false;
            const row = await store.getJob(id);
            if (!row) return;
            yield row;
            if (isSettled(row.state)) return;
          }
        } finally {
          signal.removeEventListener("abort", wake);
          mine.delete(wake);
          if (mine.size === 0 && readers.get(id) === mine) readers.delete(id);
        }
      },
    }),
  };
}

const FREE: Cost = { images: 0, videoSeconds: 0, usd: 0 };

/** What an ended job has cost. */
function costOf(row: JobRow): Cost {
  if (!row.charged) return FREE;
  return {
    images: row.kind === "image" ? Math.max(1, row.mediaIds.length) : 0,
    videoSeconds: row.kind === "video" ? (row.seconds ?? 0) : 0,
    usd: row.usd,
  };
}

function tokensOf({ usage }: Pick<Job, "usage">): { inputTokens: number; outputTokens: number } {
  return {
    inputTokens: usage ? usage.inputText + usage.inputImage : 0,
    outputTokens: usage ? usage.outputText + usage.outputImage + usage.thoughts : 0,
  };
}

/** Without what only the runner needs. */
function publicJob(row: JobRow): Job {
  const {
    route: _,
    plan: __,
    operation: ___,
    step: ____,
    result: _____,
    charged: ______,
    cancelAsked: _______,
    removed: ________,
    ...job
  } = row;
  return job;
}
