// Jobs for dialects and the admin: create, get, list, watch, cancel, remove, decide; each bound to its key.

import type { JobChange, JobRow, JobStore } from "../../db/jobs.ts";
import type { Job } from "../../domain/job.ts";
import { TERMINAL_STATES } from "../../domain/job.ts";
import { omit } from "../../domain/omit.ts";
import { AppError, knownFailure, serverFailure } from "../../errors.ts";
import { hashRequest } from "../generation/hash-request.ts";
import type { JobClient } from "../generation/job-client.ts";
import { storeOptions } from "../generation/stored-options.ts";
import { type Entry, isLost, UNDELIVERED_MS, type Undelivered } from "../generation/undelivered.ts";
import type { MediaStore } from "../media/media-store.ts";
import { createGuardedSend } from "../media/ssrf-guard.ts";
import type { CreateImageJob, CreateVideoJob, Jobs } from "./contract.ts";
import { createJobCreation, type JobCreationDependencies } from "./create-job.ts";
import { type Claim, createIdempotency, type Idempotency } from "./idempotency.ts";
import { JobLifecycle, type JobLifecycleDependencies } from "./job-lifecycle.ts";
import { failureOf, isFreeFailure } from "./job-state.ts";
import { createWebhooks, type WebhookDependencies, type Webhooks } from "./webhooks.ts";
import { Worker, type WorkerDependencies } from "./worker.ts";

export type JobsDependencies = JobCreationDependencies & {
  store: Pick<JobStore, "findJob" | "listJobs">;
  worker: Worker;
  idempotency: Idempotency;
  /** Absent: nothing is joined. */
  undelivered?: Undelivered;
  webhooks: Pick<Webhooks, "check">;
  media: Pick<MediaStore, "get" | "open" | "keepBytes" | "remove" | "assertSpace">;
};

/** Makes the job of an order, after telling under which id it can be found. */
type Make = (attach: (id: string) => Promise<void>) => Promise<JobRow>;

export function createJobs(deps: JobsDependencies): Jobs {
  const { store, lifecycle, worker, clock } = deps;

  /** The row, when this key may see it. */
  async function find(id: string, keyId: number | null): Promise<JobRow | null> {
    const row = await lifecycle.read(id);
    return row && (keyId === null || (row.keyId === keyId && !row.removed)) ? row : null;
  }

  const orders = createJobCreation(deps, find);

  /** Makes the job, or finds the one that the same request made before; one that failed and cost nothing makes room for another. */
  async function once(order: CreateVideoJob | CreateImageJob, decoded: unknown, make: Make): Promise<Job> {
    const { keyId, route, idempotencyKey } = order;
    if (order.webhookUrl !== undefined) deps.webhooks.check(order.webhookUrl, "webhook_url");
    if (idempotencyKey === undefined)
      return lifecycle.toJob(await (order.client ? joined(order, order.client, decoded, make) : make(async () => {})));
    const name = { keyId, route, key: idempotencyKey };
    const hash = await hashRequest(decoded);
    for (;;) {
      const begun = await deps.idempotency.begin(name, hash);
      if (begun.state === "new") return lifecycle.toJob(await claimed(begun.claim, make));
      const id = begun.state === "job" ? begun.jobId : ((await begun.result) as { jobId?: string }).jobId;
      const row = id === undefined ? null : await find(id, keyId);
      if (!row) throw new AppError("not_found", "The job that this Idempotency-Key made was deleted.", { reason: "job_deleted" });
      if (!isFreeFailure(row)) return lifecycle.toJob(row);
      await deps.idempotency.forget(name, row.id);
    }
  }

  /** The job of an identical request whose client has not got it, else a new one. Follows whether this client gets it. */
  async function joined({ keyId }: CreateVideoJob | CreateImageJob, client: JobClient, decoded: unknown, make: Make): Promise<JobRow> {
    const { undelivered } = deps;
    if (!undelivered) return make(async () => {});
    const hash = () => hashRequest(decoded);
    const entry = undelivered.has(keyId) ? await undelivered.claim(keyId, hash, client.insist) : null;
    const found = entry && (await foundFor(entry));
    if (entry && found) {
      const hasNothing = isLost(failureOf(found));
      if (hasNothing) entry.free();
      client.attach(found.requestId, {
        left: () => (hasNothing ? undefined : undelivered.release(entry)),
        delivered: () => (hasNothing ? undefined : void finishEntry(found.id, entry)),
      });
      return found;
    }
    if (entry) undelivered.remove(entry);
    const job = await make(async () => {});
    const offer = () => undelivered.add({ keyId, requestId: job.requestId, hash, outcome: { type: "job", jobId: job.id } });
    client.attach(null, { left: offer, delivered: () => void offerLost(job.id, offer) });
    return job;
  }

  async function foundFor({ keyId, at, outcome }: Entry): Promise<JobRow | null> {
    const row = outcome.type === "job" ? await find(outcome.jobId, keyId) : null;
    if (!row || isFreeFailure(row) || row.state === "cancelled") return null;
    const until = (row.state === "unknown" ? at : (row.endedAt ?? Number.POSITIVE_INFINITY)) + UNDELIVERED_MS;
    return until >= clock.now() ? row : null;
  }

  /** The end was delivered: of a job that has nothing to give it is told again. */
  async function finishEntry(id: string, entry: Entry): Promise<void> {
    const row = await lifecycle.read(id).catch(() => null);
    if (row && isLost(failureOf(row))) entry.free();
    else deps.undelivered!.remove(entry);
  }

  /** A job that may have been charged and has nothing to give is told again to identical requests. */
  async function offerLost(id: string, offer: () => void): Promise<void> {
    const row = await lifecycle.read(id).catch(() => null);
    if (row && isLost(failureOf(row))) offer();
  }

  async function claimed(claim: Claim, make: Make): Promise<JobRow> {
    try {
      return await make(claim.attach);
    } catch (error) {
      await claim.abandon(knownFailure(error) ?? serverFailure("Internal error", "internal_error"));
      throw error;
    }
  }

  async function cancel(id: string, keyId: number | null): Promise<JobRow | null> {
    const job = await find(id, keyId);
    if (!job) return null;
    const ended = await lifecycle.end(id, ["queued"], { state: "cancelled" });
    const asked = ended ?? (job.kind === "video" ? await lifecycle.move(id, ["submitting", "running"], { cancelAsked: true }) : null);
    if (!asked) return lifecycle.read(id);
    worker.wake(id);
    return waitForAnswer(id, asked);
  }

  /** A running job is asked to stop at once: the answer is worth a moment. */
  async function waitForAnswer(id: string, job: JobRow): Promise<JobRow> {
    if (job.state !== "running") return job;
    const late = new AbortController();
    const stop = clock.after(CANCEL_WAIT_MS, () => late.abort());
    let last = job;
    for await (const row of lifecycle.watch(id, late.signal)) last = row;
    stop();
    return last;
  }

  return {
    createVideo: (order) => once(order, decodedVideo(order), (attach) => orders.openVideo(order, attach)),
    createImages: (order) => once(order, decodedImages(order), (attach) => orders.openImages(order, attach)),
    async get(id, keyId) {
      const row = await find(id, keyId);
      return row && lifecycle.toJob(row);
    },
    async makerOf(mediaId, keyId) {
      const requestId = (await deps.media.get(mediaId))?.requestId;
      const made = requestId ? await store.findJob(requestId) : null;
      const row = made?.kind === "video" && made.mediaIds.includes(mediaId) ? await find(made.id, keyId) : null;
      return row && lifecycle.toJob(row);
    },
    async list(keyId, { limit, after, order = "desc", kind, states }) {
      const rows = await store.listJobs({ keyId, limit: limit + 1, after, order, kind, states });
      return { jobs: rows.slice(0, limit).map((row) => lifecycle.toJob(row)), hasMore: rows.length > limit };
    },
    async watch(id, keyId, signal) {
      if (!(await find(id, keyId))) return null;
      return (async function* () {
        for await (const row of lifecycle.watch(id, signal)) yield lifecycle.toJob(row);
      })();
    },
    async cancel(id, keyId) {
      const row = await cancel(id, keyId);
      return row && lifecycle.toJob(row);
    },
    async remove(id, keyId) {
      if (!(await find(id, keyId))) return false;
      const job = await cancel(id, keyId);
      if (!job) return true;
      if (TERMINAL_STATES.has(job.state)) {
        await lifecycle.delete(job);
        return true;
      }
      // It cannot be stopped: its owner sees it no more, and it goes when it has ended.
      await lifecycle.move(id, ["queued", "submitting", "running", "storing", "unknown"], { removed: true });
      return true;
    },
    async decide(id, charged) {
      const row = await lifecycle.read(id);
      if (row?.state !== "unknown") return row && lifecycle.toJob(row);
      const change: JobChange = { charged, error: row.error && { ...row.error, charged } };
      const ended = await lifecycle.end(id, ["unknown"], { ...change, state: "failed" });
      if (ended?.removed) await lifecycle.deleteRow(id);
      return ended && lifecycle.toJob(ended);
    },
  };
}

/** Longest wait for the upstream's word on a cancellation. */
const CANCEL_WAIT_MS = 3_000;

const NOT_COMPARED = ["requestId", "startedAt", "idempotencyKey", "client"] as const;

/** What makes two requests the same: not when they came, nor under what id their pictures were stored. */
function decodedVideo({ options, images, source, ...order }: CreateVideoJob) {
  const origin = source && ("media" in source ? source.media.data : source.jobId);
  return { ...omit(order, NOT_COMPARED), ...options, images: images.map(({ data }) => data), origin };
}

function decodedImages({ turns, options, imagesParam, ...order }: CreateImageJob) {
  const parts = turns.map(({ role, parts }) => [role, ...parts.map((part) => (part.type === "text" ? part.text : part.image.data))]);
  return {
    ...omit(order, NOT_COMPARED),
    ...storeOptions(options),
    picturesParam: imagesParam,
    parts,
  };
}

export type JobParts = { jobs: Jobs; worker: Worker; webhooks: Webhooks; idempotency: Idempotency };

export type JobPartsDependencies = Omit<WorkerDependencies, "lifecycle"> &
  Omit<JobsDependencies, "lifecycle" | "worker" | "idempotency" | "webhooks"> &
  Omit<JobLifecycleDependencies, "webhooks"> &
  Omit<WebhookDependencies, "guardedSend"> & { allowPrivateHosts: readonly string[] };

/** Nothing runs yet: see {@link Worker.start} and {@link Webhooks.start}. */
export function createJobParts(deps: JobPartsDependencies): JobParts {
  const { store, clock, allowPrivateHosts } = deps;
  const webhooks = createWebhooks({ ...deps, guardedSend: createGuardedSend({ allowPrivateHosts }) });
  const lifecycle = new JobLifecycle({ ...deps, webhooks });
  const worker = new Worker({ ...deps, lifecycle });
  const idempotency = createIdempotency({ store, clock });
  const jobs = createJobs({ ...deps, lifecycle, worker, idempotency, webhooks });
  return { jobs, worker, webhooks, idempotency };
}
