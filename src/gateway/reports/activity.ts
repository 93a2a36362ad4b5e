// What runs and waits now: requests and jobs as rows, the oldest first, those in the queue last.

import type { Job } from "../../domain/job.ts";
import type { RunningGeneration, RunningGenerations } from "../generation/running-generations.ts";
import type { Jobs } from "../jobs/contract.ts";
import { STATE_GROUPS } from "../jobs/list-jobs.ts";
import type { Keys } from "../keys/keys.ts";
import type { Pool } from "../pool/pool.ts";

/** One request or job under way. Times are epoch ms. */
export type WorkRow = Pick<RunningGeneration, "requestId" | "kind" | "keyId" | "model" | "startedAt" | "state" | "position" | "waitMs"> & {
  /** What a cancellation names: the job's id, else the request's. */
  id: string;
  jobId: string | null;
  keyName: string | null;
  token: { id: number | null; label: string } | null;
  /** Time within which nearly all of its model end; null: none has ended yet. */
  usualMs: number | null;
  /** The operator has cancelled it, or its client has left: it is finished all the same. */
  isEnding: boolean;
};

export type Activity = { rows: WorkRow[]; running: number; queued: number };

export type ActivityDependencies = {
  running: Pick<RunningGenerations, "list" | "size">;
  jobs: Pick<Jobs, "list">;
  store: { countOpenJobs(): Promise<Partial<Record<Job["state"], number>>> };
  keys: Pick<Keys, "get">;
  pool: Pick<Pool, "mostMs" | "view">;
};

/** Shown as rows; the others are counted. */
const MAX_ROWS = 40;

export async function readActivity(deps: ActivityDependencies): Promise<Activity> {
  const { running, store } = deps;
  const { queued = 0, submitting = 0, running: polled = 0, storing = 0 } = await store.countOpenJobs();
  const open = queued + submitting + polled + storing;
  const { jobs } = open === 0 ? { jobs: [] } : await deps.jobs.list(null, { limit: MAX_ROWS, order: "asc", states: STATE_GROUPS.open });
  const generations = running.list(running.size);
  const ofJobs = new Map(generations.filter(({ forJob }) => forJob).map((one) => [one.requestId, one]));
  const rows = [
    ...jobs.map((job) => ofJob(deps, job, ofJobs.get(job.requestId) ?? null)),
    ...generations.filter(({ forJob }) => !forJob).map((one) => ofGeneration(deps, one)),
  ];
  const waiting = rows.filter(({ state }) => state === "queued").length;
  const total = open + generations.length - ofJobs.size;
  return { rows: rows.sort(inOrder).slice(0, MAX_ROWS), running: total - waiting - Math.max(0, open - jobs.length), queued: waiting };
}

const inOrder = (a: WorkRow, b: WorkRow): number =>
  Number(a.state === "queued") - Number(b.state === "queued") ||
  (a.position ?? Number.POSITIVE_INFINITY) - (b.position ?? Number.POSITIVE_INFINITY) ||
  a.startedAt - b.startedAt;

function ofGeneration({ keys, pool }: ActivityDependencies, one: RunningGeneration): WorkRow {
  const { requestId, kind, keyId, model, startedAt, state, position, waitMs, token, family, isLeft } = one;
  return {
    ...{ id: requestId, requestId, jobId: null, kind, keyId, model, startedAt, state, position, waitMs, isEnding: isLeft },
    keyName: keys.get(keyId)?.name ?? null,
    token: token && { id: null, label: token.label },
    usualMs: pool.mostMs(kind, family, token?.provider ?? null),
  };
}

/** `generation`: that of its images. */
function ofJob({ keys, pool }: ActivityDependencies, job: Job, generation: RunningGeneration | null): WorkRow {
  const { id, requestId, kind, keyId, model, createdAt, submittedAt, family, provider, tokenId, place } = job;
  const isQueued = job.state === "queued" && generation?.state !== "running";
  const label = tokenId === null ? null : (pool.view(tokenId)?.label ?? null);
  const token = label !== null ? { id: tokenId, label } : generation?.token ? { id: null, label: generation.token.label } : null;
  return {
    ...{ id, requestId, jobId: id, kind, keyId, model, isEnding: false },
    state: isQueued ? "queued" : "running",
    startedAt: isQueued ? createdAt : (submittedAt ?? createdAt),
    position: isQueued ? (place?.position ?? generation?.position ?? null) : null,
    waitMs: isQueued ? (place?.waitMs ?? generation?.waitMs ?? null) : null,
    keyName: keys.get(keyId)?.name ?? null,
    token,
    usualMs: pool.mostMs(kind, family, provider ?? generation?.token?.provider ?? null),
  };
}
