// Store contract: jobs, webhook deliveries and idempotency.

import type { Json, Kind, Media } from "../domain/generation.ts";
import type { Job, JobState } from "../domain/job.ts";

/** A job with the worker's fields. */
export type JobRow = Omit<Job, "place"> & {
  /** As listed, e.g. `POST /v1/videos`. */
  route: string;
  /** The job's spec; opaque JSON of the gateway. */
  plan: Json;
  /** Operation handle of the submission under way, or of the last one. */
  operation: Json | null;
  /** The next stage to submit. */
  step: Json | null;
  /** The upstream's reference to the finished video. */
  result: Json | null;
  /** An upstream may have charged for it. */
  charged: boolean;
  /** The client asked to stop it; it could not be stopped yet. */
  cancelAsked: boolean;
  /** The client removed it; it is deleted when it has ended. */
  removed: boolean;
};

export type JobChange = Partial<Omit<JobRow, "id" | "kind" | "keyId" | "createdAt">>;

export type JobQuery = {
  /** Only this key's, and none that it removed; null: all. */
  keyId: number | null;
  limit: number;
  /** Id of the last job of the page before; one that is gone: an empty page. */
  after?: string;
  order: "asc" | "desc";
  kind?: Kind;
  states?: readonly JobState[];
  /** The prompt holds it, in any case. */
  text?: string;
};

/** As a pattern of LIKE whose escape is `!`: a text that holds it. */
export const containing = (text: string): string => `%${text.replace(/[!%_]/g, "!$&")}%`;

export type NewDelivery = {
  id: string;
  jobId: string;
  keyId: number;
  /** Sealed at rest: it may carry a secret. */
  url: string;
  type: string;
  /** Exactly the bytes that are signed and sent. */
  payload: string;
  createdAt: number;
};

/** A webhook delivery: waiting until it is delivered or failed. */
export type DeliveryRow = NewDelivery & {
  state: "waiting" | "delivered" | "failed";
  attempts: number;
  /** Epoch ms of the next attempt; null when there is none. */
  nextAt: number | null;
  endedAt: number | null;
  /** HTTP status of the last response; null: there was none. */
  lastStatus: number | null;
  lastError: string | null;
};

export type DeliveryChange = Pick<DeliveryRow, "state" | "attempts" | "nextAt" | "endedAt" | "lastStatus" | "lastError">;

/** Deliveries to skip: by id, by host and port of their address, by key, or by both. */
export type DeliveryFilter = {
  ids: readonly string[];
  hosts: readonly string[];
  keyIds: readonly number[];
  pairs: readonly { host: string; keyId: number }[];
};

/** URL and signing secret of a key's webhooks. `url` null: only requests name a URL. */
export type KeyWebhook = { url: string | null; secret: string };

/** What identifies a request that may be repeated. */
export type IdempotencyName = { keyId: number; route: string; key: string };

export type IdempotencyRow = IdempotencyName & {
  /** Of the decoded request. */
  hash: string;
  /** The node that claimed it. */
  run: string;
  createdAt: number;
  jobId: string | null;
};

export interface JobStore {
  /** Resolves when the job is safe even from a power failure. @throws {AppError} `unavailable` when the node is dead */
  insertJob(job: JobRow, node?: number): Promise<void>;
  /**
   * Changes a job that is in one of the states `from`, and queues a webhook in the same transaction; null when it is in another state, or gone.
   * `durable`: resolves only when the change is safe from a power failure. `node`: null also when the job is not this node's, or it is dead.
   */
  updateJob(
    id: string,
    from: readonly JobState[],
    change: JobChange,
    options?: { durable?: boolean; delivery?: NewDelivery; node?: number },
  ): Promise<JobRow | null>;
  getJob(id: string): Promise<JobRow | null>;
  /** The job that this request made; null when it made none. */
  findJob(requestId: string): Promise<JobRow | null>;
  /** Prompts of the latest jobs of requests; requests without one are left out. */
  promptsOfRequests(requestIds: readonly string[]): Promise<{ requestId: string; prompt: string }[]>;
  /** At most `limit` jobs. */
  listJobs(query: JobQuery): Promise<JobRow[]>;
  /** How many have not ended, by state; states without any are left out. Costs the same however many have ended. */
  countOpenJobs(): Promise<Partial<Record<JobState, number>>>;
  /** How many are in each state, counted up to `most` of each: the cost is that of so many. */
  countJobs(most: number): Promise<Record<JobState, number>>;
  /** False: what it reserved is not settled yet, so it stays. Whoever settles that deletes it. */
  deleteJob(id: string): Promise<boolean>;
  /** Results that a request has stored, oldest first. Reads all media: for the few jobs that a restart finds. */
  listResults(requestId: string): Promise<Media[]>;

  /** Waiting deliveries due at `now`, earliest first, without the ones in `except`. */
  listDueDeliveries(now: number, limit: number, except?: DeliveryFilter): Promise<DeliveryRow[]>;
  /** Claims those that are still due when they were listed: they are due again at `until`. Resolves with their ids. */
  claimDeliveries(listed: readonly Pick<DeliveryRow, "id" | "nextAt">[], until: number): Promise<string[]>;
  /** When the next waiting delivery is due, epoch ms; null: none waits. */
  nextDeliveryAt(after: number): Promise<number | null>;
  updateDelivery(id: string, change: DeliveryChange): Promise<void>;
  /** Newest first. `before` is the last id of the page before. */
  listDeliveries(query: { keyId?: number; jobId?: string; limit: number; before?: string }): Promise<DeliveryRow[]>;
  readKeyWebhook(keyId: number): Promise<KeyWebhook | null>;
  writeKeyWebhook(keyId: number, webhook: KeyWebhook): Promise<void>;

  /**
   * Claims the name, or returns the row that has it; a row created before `since` counts as gone. Safe from a power failure.
   * `isNew` false: `row` is the earlier one, unchanged.
   */
  claimIdempotency(row: IdempotencyRow, since: number): Promise<{ isNew: boolean; row: IdempotencyRow }>;
  /** Hands a name that has no job from one run to another. False: it is not so any more. */
  takeIdempotency(name: IdempotencyName, run: { from: string; to: string }): Promise<boolean>;
  /** Gives the name its job. Skips a name that is gone, or that another run has by now. */
  attachIdempotency(name: IdempotencyName, jobId: string, run: string): Promise<void>;
  /** Only if the name has this job, or is of this run. */
  deleteIdempotency(name: IdempotencyName, held: { jobId: string } | { run: string }): Promise<void>;

  /** Deletes at most `limit` ended jobs, ended deliveries and names each that are older than the times given; returns how many. */
  deleteJobsBefore(before: { jobs: number; deliveries: number; idempotency: number }, limit: number): Promise<number>;
}
