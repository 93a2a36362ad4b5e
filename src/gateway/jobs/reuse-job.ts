// Job reuse: gives a repeated request the job it made before, by Idempotency-Key or by an undelivered result.

import type { Clock } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import { omit } from "../../domain/omit.ts";
import { AppError, knownFailure, serverFailure } from "../../errors.ts";
import { storeOptions } from "../generation/stored-options.ts";
import { hashRequest } from "../generation/undelivered/hash-request.ts";
import type { JobClient } from "../generation/undelivered/job-client.ts";
import { type Entry, isLost, UNDELIVERED_MS, type Undelivered } from "../generation/undelivered/undelivered.ts";
import type { CreateImageJob, CreateVideoJob } from "./contract.ts";
import type { Attach, FindJob } from "./create-job.ts";
import type { Claim, Idempotency } from "./idempotency.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { failureOf, isFreeFailure } from "./job-state.ts";

export type JobReuseDependencies = {
  lifecycle: Pick<JobLifecycle, "read">;
  idempotency: Idempotency;
  /** Absent: undelivered results are not reused. */
  undelivered?: Undelivered;
  clock: Clock;
};

/** Creates the job, after `attach` with its id. */
type Create = (attach: Attach) => Promise<JobRow>;

export class JobReuse {
  constructor(
    private readonly deps: JobReuseDependencies,
    private readonly find: FindJob,
  ) {}

  /** The job of an identical request before, else a new one. A job that failed without a charge is not reused. */
  async reuseOrCreate(request: CreateVideoJob | CreateImageJob, create: Create): Promise<JobRow> {
    const compared = "turns" in request ? imageFields(request) : videoFields(request);
    if (request.idempotencyKey !== undefined) return this.#byIdempotencyKey(request, compared, create);
    if (request.client) return this.#byUndelivered(request.keyId, request.client, compared, create);
    return create(async () => {});
  }

  async #byIdempotencyKey(request: CreateVideoJob | CreateImageJob, compared: unknown, create: Create): Promise<JobRow> {
    const { keyId, route, idempotencyKey } = request;
    const { idempotency } = this.deps;
    const name = { keyId, route, key: idempotencyKey! };
    const hash = await hashRequest(compared);
    for (;;) {
      const begun = await idempotency.begin(name, hash);
      if (begun.state === "new") return createClaimed(begun.claim, create);
      const row = await this.find(await begun.jobId, keyId);
      if (!row) throw new AppError("not_found", "The job that this Idempotency-Key made was deleted.", { reason: "job_deleted" });
      if (!isFreeFailure(row)) return row;
      await idempotency.forget(name, row.id);
    }
  }

  /** Also records whether this client receives the end of its job. */
  async #byUndelivered(keyId: number, client: JobClient, compared: unknown, create: Create): Promise<JobRow> {
    const { undelivered } = this.deps;
    if (!undelivered) return create(async () => {});
    const hash = () => hashRequest(compared);
    const entry = undelivered.has(keyId) ? await undelivered.claim(keyId, hash, client.insist) : null;
    const found = entry && (await this.#jobOf(entry));
    if (entry && found) {
      const isWithoutResult = isLost(failureOf(found));
      if (isWithoutResult) entry.free();
      client.attach(found.requestId, {
        left: () => (isWithoutResult ? undefined : undelivered.release(entry)),
        delivered: () => (isWithoutResult ? undefined : void this.#removeDelivered(found.id, entry)),
      });
      return found;
    }
    if (entry) undelivered.remove(entry);
    const row = await create(async () => {});
    const add = () => undelivered.add({ keyId, requestId: row.requestId, hash, outcome: { type: "job", jobId: row.id } });
    client.attach(null, { left: add, delivered: () => void this.#ifLost(row.id, add) });
    return row;
  }

  async #jobOf({ keyId, at, outcome }: Entry): Promise<JobRow | null> {
    const row = outcome.type === "job" ? await this.find(outcome.jobId, keyId) : null;
    if (!row || isFreeFailure(row) || row.state === "cancelled") return null;
    const until = (row.state === "unknown" ? at : (row.endedAt ?? Number.POSITIVE_INFINITY)) + UNDELIVERED_MS;
    return until >= this.deps.clock.now() ? row : null;
  }

  /** After a delivery: the end of a charged job without a result stays for identical requests. */
  async #removeDelivered(id: string, entry: Entry): Promise<void> {
    if (!(await this.#ifLost(id, () => entry.free()))) this.deps.undelivered!.remove(entry);
  }

  /** Runs `action` when the job may have been charged and has no result. */
  async #ifLost(id: string, action: () => void): Promise<boolean> {
    const row = await this.deps.lifecycle.read(id).catch(() => null);
    const lost = row !== null && isLost(failureOf(row));
    if (lost) action();
    return lost;
  }
}

async function createClaimed(claim: Claim, create: Create): Promise<JobRow> {
  try {
    return await create(claim.attach);
  } catch (error) {
    await claim.abandon(knownFailure(error) ?? serverFailure("Internal error", "internal_error"));
    throw error;
  }
}

const NOT_COMPARED = ["requestId", "startedAt", "idempotencyKey", "client"] as const;

/** The fields that make two requests identical: without arrival and media ids. Persisted as a hash: their names stay. */
function videoFields({ options, images, source, ...request }: CreateVideoJob) {
  const origin = source && ("media" in source ? source.media.data : source.jobId);
  return { ...omit(request, NOT_COMPARED), ...options, images: images.map(({ data }) => data), origin };
}

function imageFields({ turns, options, imagesParam, ...request }: CreateImageJob) {
  const parts = turns.map(({ role, parts }) => [role, ...parts.map((part) => (part.type === "text" ? part.text : part.image.data))]);
  return { ...omit(request, NOT_COMPARED), ...storeOptions(options), picturesParam: imagesParam, parts };
}
