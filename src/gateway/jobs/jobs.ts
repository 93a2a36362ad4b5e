// Jobs for dialects and the admin: create, get, list, watch, cancel, remove, decide; each bound to its key.

import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { Job } from "../../domain/job.ts";
import { TERMINAL_STATES } from "../../domain/job.ts";
import type { MediaStore } from "../media/contract.ts";
import { createGuardedSend } from "../media/ssrf-guard.ts";
import type { Node } from "../nodes/node.ts";
import type { CreateImageJob, CreateVideoJob, JobPage, Jobs } from "./contract.ts";
import { JobCreation, type JobCreationDependencies } from "./create-job.ts";
import { Idempotency } from "./idempotency.ts";
import { JobLifecycle, type JobLifecycleDependencies } from "./job-lifecycle.ts";
import { JobReuse, type JobReuseDependencies } from "./reuse-job.ts";
import { type WebhookDependencies, Webhooks } from "./webhooks.ts";
import { Worker, type WorkerDependencies } from "./worker.ts";

export type JobParts = { jobs: Jobs; worker: Worker; webhooks: Webhooks; idempotency: Idempotency };

export type JobPartsDependencies = Omit<WorkerDependencies, "lifecycle"> &
  Omit<JobServiceDependencies, "lifecycle" | "worker" | "idempotency" | "webhooks"> &
  Omit<JobLifecycleDependencies, "webhooks"> &
  Omit<WebhookDependencies, "guardedSend"> & { allowPrivateHosts: readonly string[]; node?: Node };

/** Nothing runs yet: see {@link Worker.start} and {@link Webhooks.start}. */
export function createJobParts(deps: JobPartsDependencies): JobParts {
  const { store, clock, allowPrivateHosts } = deps;
  const webhooks = new Webhooks({ ...deps, guardedSend: createGuardedSend({ allowPrivateHosts }) });
  const lifecycle = new JobLifecycle({ ...deps, webhooks });
  const worker = new Worker({ ...deps, lifecycle });
  const idempotency = new Idempotency({ store, clock, node: deps.node });
  const jobs = new JobService({ ...deps, lifecycle, worker, idempotency, webhooks });
  return { jobs, worker, webhooks, idempotency };
}

type JobServiceDependencies = JobCreationDependencies &
  JobReuseDependencies & {
    store: Pick<JobStore, "findJob" | "listJobs">;
    lifecycle: JobLifecycle;
    worker: Worker;
    webhooks: Pick<Webhooks, "check">;
    media: Pick<MediaStore, "get">;
  };

/** Longest wait for the upstream's response to a cancellation. */
const CANCEL_WAIT_MS = 3_000;

class JobService implements Jobs {
  readonly #creation: JobCreation;
  readonly #reuse: JobReuse;

  constructor(private readonly deps: JobServiceDependencies) {
    const find = (id: string, keyId: number | null) => this.#find(id, keyId);
    this.#creation = new JobCreation(deps, find);
    this.#reuse = new JobReuse(deps, find);
  }

  async createVideo(request: CreateVideoJob): Promise<Job> {
    this.#checkWebhook(request);
    return this.#toJob(await this.#reuse.reuseOrCreate(request, (attach) => this.#creation.createVideo(request, attach)));
  }

  async createImages(request: CreateImageJob): Promise<Job> {
    this.#checkWebhook(request);
    return this.#toJob(await this.#reuse.reuseOrCreate(request, (attach) => this.#creation.createImages(request, attach)));
  }

  async get(id: string, keyId: number | null): Promise<Job | null> {
    const row = await this.#find(id, keyId);
    return row && this.#toJob(row);
  }

  async makerOf(mediaId: string, keyId: number | null): Promise<Job | null> {
    const requestId = (await this.deps.media.get(mediaId))?.requestId;
    const made = requestId ? await this.deps.store.findJob(requestId) : null;
    const row = made?.kind === "video" && made.mediaIds.includes(mediaId) ? await this.#find(made.id, keyId) : null;
    return row && this.#toJob(row);
  }

  async list(keyId: number | null, { limit, after, order = "desc", kind, states }: Parameters<Jobs["list"]>[1]): Promise<JobPage> {
    const rows = await this.deps.store.listJobs({ keyId, limit: limit + 1, after, order, kind, states });
    return { jobs: rows.slice(0, limit).map((row) => this.#toJob(row)), hasMore: rows.length > limit };
  }

  async watch(id: string, keyId: number | null, signal: AbortSignal): Promise<AsyncIterable<Job> | null> {
    const { lifecycle } = this.deps;
    if (!(await this.#find(id, keyId))) return null;
    return (async function* () {
      for await (const row of lifecycle.watch(id, signal)) yield lifecycle.toJob(row);
    })();
  }

  async cancel(id: string, keyId: number | null): Promise<Job | null> {
    const row = await this.#cancel(id, keyId);
    return row && this.#toJob(row);
  }

  async remove(id: string, keyId: number | null): Promise<boolean> {
    const { lifecycle } = this.deps;
    if (!(await this.#find(id, keyId))) return false;
    const row = await this.#cancel(id, keyId);
    if (!row) return true;
    if (TERMINAL_STATES.has(row.state)) {
      await lifecycle.delete(row);
      return true;
    }
    // It cannot be stopped: it is hidden from its key, and deleted when it has ended.
    await lifecycle.move(id, ["queued", "submitting", "running", "storing", "unknown"], { removed: true });
    return true;
  }

  async decide(id: string, charged: boolean): Promise<Job | null> {
    const { lifecycle } = this.deps;
    const row = await lifecycle.read(id);
    if (row?.state !== "unknown") return row && this.#toJob(row);
    const error = row.error && { ...row.error, charged };
    const ended = await lifecycle.end(id, ["unknown"], { charged, error, state: "failed" });
    if (ended?.removed) await lifecycle.delete(ended);
    return ended && this.#toJob(ended);
  }

  #toJob(row: JobRow): Job {
    return this.deps.lifecycle.toJob(row);
  }

  /** The row; null when it is another key's, or its key has removed it. */
  async #find(id: string, keyId: number | null): Promise<JobRow | null> {
    const row = await this.deps.lifecycle.read(id);
    return row && (keyId === null || (row.keyId === keyId && !row.removed)) ? row : null;
  }

  #checkWebhook({ webhookUrl }: { webhookUrl?: string }): void {
    if (webhookUrl !== undefined) this.deps.webhooks.check(webhookUrl, "webhook_url");
  }

  async #cancel(id: string, keyId: number | null): Promise<JobRow | null> {
    const { lifecycle, worker } = this.deps;
    const row = await this.#find(id, keyId);
    if (!row) return null;
    const ended = await lifecycle.end(id, ["queued"], { state: "cancelled" });
    const changed =
      ended ?? (this.#mayStop(row, keyId) ? await lifecycle.move(id, ["submitting", "running"], { cancelAsked: true }) : null);
    if (!changed) return lifecycle.read(id);
    worker.wake(id);
    return changed.state === "running" || (changed.kind === "image" && !ended) ? this.#waitForEnd(changed) : changed;
  }

  /** Whether what was submitted may be stopped: a video is asked for; images are cut by the operator where the settings cut them. */
  #mayStop({ kind }: JobRow, keyId: number | null): boolean {
    return kind === "video" || (keyId === null && this.deps.settings().generation.on_disconnect === "abort");
  }

  /** Waits for a short time: the upstream is asked to cancel at once. */
  async #waitForEnd(row: JobRow): Promise<JobRow> {
    const { lifecycle, clock } = this.deps;
    const late = new AbortController();
    const stop = clock.after(CANCEL_WAIT_MS, () => late.abort());
    let last = row;
    for await (const next of lifecycle.watch(row.id, late.signal)) last = next;
    stop();
    return last;
  }
}
