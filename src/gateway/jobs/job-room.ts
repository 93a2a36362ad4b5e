// Everything that jobs consist of, wired together once.

import { createGuardedSend } from "../media/ssrf-guard.ts";
import type { Jobs } from "./contract.ts";
import { createIdempotency, type Idempotency } from "./idempotency.ts";
import { createJobLifecycle, type JobLifecycleDependencies } from "./job-lifecycle.ts";
import { createJobs, type JobsDependencies } from "./jobs.ts";
import { createWebhooks, type WebhookDependencies, type Webhooks } from "./webhooks.ts";
import { createWorker, type Worker, type WorkerDependencies } from "./worker.ts";

export type JobRoom = { jobs: Jobs; runner: Worker; webhooks: Webhooks; idempotency: Idempotency };

export type JobRoomDependencies = Omit<WorkerDependencies, "book"> &
  Omit<JobsDependencies, "book" | "runner" | "idempotency" | "webhooks"> &
  Omit<JobLifecycleDependencies, "webhooks"> &
  Omit<WebhookDependencies, "guardedSend"> & { allowPrivateHosts: readonly string[] };

/** Nothing runs yet: see {@link Worker.start} and {@link Webhooks.start}. */
export function createJobRoom(deps: JobRoomDependencies): JobRoom {
  const { store, clock, allowPrivateHosts } = deps;
  const webhooks = createWebhooks({ ...deps, guardedSend: createGuardedSend({ allowPrivateHosts }) });
  const book = createJobLifecycle({ ...deps, webhooks });
  const runner = createWorker({ ...deps, book });
  const idempotency = createIdempotency({ store, clock });
  const jobs = createJobs({ ...deps, book, runner, idempotency, webhooks });
  return { jobs, runner, webhooks, idempotency };
}
