// Requests that may be repeated: a key's `Idempotency-Key` on a route means one generation, for a day, across restarts.
import type { Clock } from "../../clock.ts";
import type { IdempotencyName, IdempotencyRow, JobStore } from "../../db/jobs.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";

/** How long a name means the same request. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;
const LONGEST_KEY = 255;

/** The right, and the duty, to carry a request out: exactly one of `finish` and `abandon` is called. */
export type Claim = {
  /** To be awaited before the body of an upstream call leaves: from here on the request is never begun anew. */
  submitted(): Promise<void>;
  /** The job that answers from now on. */
  attach(jobId: string): Promise<void>;
  /** Keeps what every repetition is answered with: media ids and facts, nothing absolute. */
  finish(result: Json): Promise<void>;
  /** Nothing came of it and nothing was charged: a repetition may begin anew. After `submitted` the failure is kept as its result. */
  abandon(failure: AppError): Promise<void>;
};

export type Begun =
  | { state: "new"; claim: Claim }
  /** Under way in this process; settles as it does. Rejects with its failure. */
  | { state: "running"; result: Promise<Json> }
  | { state: "job"; jobId: string }
  | { state: "done"; result: Json };

export type Idempotency = {
  /**
   * @param key as the client wrote it, 1 to 255 printable characters
   * @param hash of the decoded request: see {@link hashRequest}
   * @throws {AppError} `invalid_request` (the key), `conflict` (the same key with another request), the kept failure of a request that was
   * charged, `upstream_unknown_outcome` (a crash cut it off after it was sent: nobody knows)
   */
  begin(name: IdempotencyName, hash: string): Promise<Begun>;
  /** Lets the name begin anew, if this job is still what it stands for. */
  forget(name: IdempotencyName, jobId: string): Promise<void>;
};

type Failure = { failure: { kind: AppError["kind"]; message: string; reason?: string; charged: boolean } };
type Deps = { store: Pick<JobStore, "claimIdempotency" | "updateIdempotency" | "deleteIdempotency">; clock: Clock };

/** One for each run of the program: what another run left open is not under way any more. */
export function createIdempotency({ store, clock }: Deps): Idempotency {
  const run = newId();
  const open = new Map<string, Promise<Json>>();

  function claimOf(name: IdempotencyName): Claim {
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    promise.catch(() => {});
    const mark = markOf(name);
    open.set(mark, promise);
    let isSubmitted = false;
    return {
      async submitted() {
        if (isSubmitted) return;
        await store.updateIdempotency(name, { submitted: true });
        isSubmitted = true;
      },
      async attach(jobId) {
        await store.updateIdempotency(name, { jobId });
        open.delete(mark);
        resolve({ jobId });
      },
      async finish(result) {
        await store.updateIdempotency(name, { result: { answer: result } });
        open.delete(mark);
        resolve(result);
      },
      async abandon(failure) {
        const { kind, message, reason, charged } = failure;
        if (isSubmitted && charged)
          await store.updateIdempotency(name, { result: { failure: { kind, message, charged, ...(reason ? { reason } : {}) } } });
        else await store.deleteIdempotency(name);
        open.delete(mark);
        reject(failure);
      },
    };
  }

  return {
    async begin(name, hash) {
      if (!/^[\x20-\x7e]+$/.test(name.key) || name.key.length > LONGEST_KEY)
        throw new AppError("invalid_request", `Idempotency-Key must be 1 to ${LONGEST_KEY} printable characters.`, {
          param: "Idempotency-Key",
        });
      const now = clock.now();
      const fresh: IdempotencyRow = { ...name, hash, run, createdAt: now, submitted: false, jobId: null, result: null };
      const { isNew, row } = await store.claimIdempotency(fresh, now - IDEMPOTENCY_MS);
      if (isNew) return { state: "new", claim: claimOf(name) };
      if (row.hash !== hash)
        throw new AppError("conflict", "This Idempotency-Key was used for another request.", {
          param: "Idempotency-Key",
          reason: "idempotency_key_in_use",
        });
      if (row.jobId) return { state: "job", jobId: row.jobId };
      if (row.result) return { state: "done", result: answerOf(row.result) };
      const running = open.get(markOf(name));
      if (running) return { state: "running", result: running };
      if (row.submitted) throw cutOff();
      // Another run took it on and ended before anything was sent. It is taken over before the next `await`.
      const claim = claimOf(name);
      await store.updateIdempotency(name, { run });
      return { state: "new", claim };
    },
    forget: (name, jobId) => store.deleteIdempotency(name, jobId),
  };
}

const markOf = ({ keyId, route, key }: IdempotencyName): string => `${keyId} ${route} ${key}`;

function answerOf(result: Json): Json {
  const kept = result as Failure | { answer: Json };
  if ("answer" in kept) return kept.answer;
  const { kind, message, reason, charged } = kept.failure;
  throw new AppError(kind, message, { reason, charged });
}

function cutOff(): AppError {
  const message =
    "A restart cut this request off after it was sent: it may have been charged. Use another Idempotency-Key to send it again.";
  return new AppError("upstream_unknown_outcome", message, { charged: true });
}
