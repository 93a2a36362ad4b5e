// Idempotency: an `Idempotency-Key` of a key on a route means one generation, for a day, across restarts.
import { type Clock, sleep } from "../../clock.ts";
import type { IdempotencyName, IdempotencyRow, JobStore } from "../../db/jobs.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { NodeIdentity } from "../nodes/node.ts";

/** Lifetime of a name, ms. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;
const MAX_KEY_LENGTH = 255;
/** How often the name of another node is read again, ms. */
const POLL_MS = 250;

/** The right to run a request; exactly one of `attach`, `finish` and `abandon` is called. */
export type Claim = {
  /** To be awaited before the body of an upstream call is sent: from here on the request is never started again. */
  submitted(): Promise<void>;
  /** Repetitions get this job. */
  attach(jobId: string): Promise<void>;
  /** Stores the result of every repetition: media ids and facts, without absolute links. */
  finish(result: Json): Promise<void>;
  /** A repetition may start again. After `submitted`, a failure that was charged is stored as the result. */
  abandon(failure: AppError): Promise<void>;
};

export type Begun =
  | { state: "new"; claim: Claim }
  /** Running in this process. Rejects with its failure. */
  | { state: "running"; result: Promise<Json> }
  | { state: "job"; jobId: string }
  | { state: "done"; result: Json };

type Failure = { failure: { kind: AppError["kind"]; message: string; reason?: string; charged: boolean } };
type Dependencies = {
  store: Pick<JobStore, "claimIdempotency" | "takeIdempotency" | "updateIdempotency" | "deleteIdempotency">;
  clock: Clock;
  /** Absent: there are no nodes. */
  node?: NodeIdentity & { isAlive?(id: number): Promise<boolean> };
};

/** One per process: what an earlier process left open is not running. */
export class Idempotency {
  readonly #process = newId();
  readonly #running = new Map<string, Promise<Json>>();

  constructor(private readonly deps: Dependencies) {}

  /**
   * @param name its key as the client wrote it, 1 to 255 printable characters
   * @param hash of the decoded request: see `hashRequest`
   * @throws {AppError} `invalid_request` (the key), `conflict` (the same key with another request), the stored failure of a request that
   * was charged, `upstream_unknown_outcome` (a crash after it was sent)
   */
  async begin(name: IdempotencyName, hash: string): Promise<Begun> {
    const { store, clock } = this.deps;
    if (!/^[\x20-\x7e]+$/.test(name.key) || name.key.length > MAX_KEY_LENGTH)
      throw new AppError("invalid_request", `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} printable characters.`, {
        param: "Idempotency-Key",
      });
    const now = clock.now();
    const fresh: IdempotencyRow = { ...name, hash, run: this.#run, createdAt: now, submitted: false, jobId: null, result: null };
    const { isNew, row } = await store.claimIdempotency(fresh, now - IDEMPOTENCY_MS);
    if (isNew) return { state: "new", claim: this.#claim(name) };
    if (row.hash !== hash)
      throw new AppError("conflict", "This Idempotency-Key was used for another request.", {
        param: "Idempotency-Key",
        reason: "idempotency_key_in_use",
      });
    if (row.jobId) return { state: "job", jobId: row.jobId };
    if (row.result) return { state: "done", result: resultOf(row.result) };
    const running = this.#running.get(idOf(name));
    if (running) return { state: "running", result: running };
    if (await this.#runsElsewhere(row.run)) {
      await sleep(clock, POLL_MS);
      return this.begin(name, hash);
    }
    if (row.submitted) throw cutOff();
    // An earlier process claimed it and ended before it was sent. It is claimed here before the next `await`.
    const claim = this.#claim(name);
    if (await store.takeIdempotency(name, { from: row.run, to: this.#run })) return { state: "new", claim };
    // Another request was faster.
    this.#running.delete(idOf(name));
    return this.begin(name, hash);
  }

  get #run(): string {
    return this.deps.node ? `node ${this.deps.node.id}` : this.#process;
  }

  /** Whether a living node other than this one works on it. */
  async #runsElsewhere(run: string): Promise<boolean> {
    const { node } = this.deps;
    const id = Number(/^node (\d+)$/.exec(run)?.[1] ?? 0);
    return id > 0 && id !== node?.id && ((await node?.isAlive?.(id)) ?? false);
  }

  /** Deletes the name, if it still has this job. */
  forget(name: IdempotencyName, jobId: string): Promise<void> {
    return this.deps.store.deleteIdempotency(name, jobId);
  }

  #claim(name: IdempotencyName): Claim {
    const { store } = this.deps;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    promise.catch(() => {});
    const entry = idOf(name);
    const running = this.#running.set(entry, promise);
    let isSubmitted = false;
    return {
      async submitted() {
        if (isSubmitted) return;
        await store.updateIdempotency(name, { submitted: true });
        isSubmitted = true;
      },
      async attach(jobId) {
        await store.updateIdempotency(name, { jobId });
        running.delete(entry);
        resolve({ jobId });
      },
      async finish(result) {
        await store.updateIdempotency(name, { result: { answer: result } });
        running.delete(entry);
        resolve(result);
      },
      async abandon(failure) {
        const { kind, message, reason, charged } = failure;
        if (isSubmitted && charged)
          await store.updateIdempotency(name, { result: { failure: { kind, message, charged, ...(reason ? { reason } : {}) } } });
        else await store.deleteIdempotency(name);
        running.delete(entry);
        reject(failure);
      },
    };
  }
}

const idOf = ({ keyId, route, key }: IdempotencyName): string => `${keyId} ${route} ${key}`;

function resultOf(result: Json): Json {
  const stored = result as Failure | { answer: Json };
  if ("answer" in stored) return stored.answer;
  const { kind, message, reason, charged } = stored.failure;
  throw new AppError(kind, message, { reason, charged });
}

function cutOff(): AppError {
  const message =
    "A restart cut this request off after it was sent: it may have been charged. Use another Idempotency-Key to send it again.";
  return new AppError("upstream_unknown_outcome", message, { charged: true });
}
