// Idempotency: an `Idempotency-Key` of a key on a route means one generation, for a day, across restarts.
import { type Clock, sleep } from "../../clock.ts";
import type { IdempotencyName, IdempotencyRow, JobStore } from "../../db/jobs.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { NodeIdentity } from "../nodes/node.ts";

/** Lifetime of a name, ms. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;
const MAX_KEY_LENGTH = 255;
/** How often the name of another node is read again, ms. */
const POLL_MS = 250;

/** The right to run a request; exactly one of `attach` and `abandon` is called. */
export type Claim = {
  /** Repetitions get this job. */
  attach(jobId: string): Promise<void>;
  /** A repetition may start again. */
  abandon(failure: AppError): Promise<void>;
};

export type Begun =
  | { state: "new"; claim: Claim }
  /** Begun in this process. Rejects with its failure. */
  | { state: "running"; jobId: Promise<string> }
  | { state: "job"; jobId: string };

type Dependencies = {
  store: Pick<JobStore, "claimIdempotency" | "takeIdempotency" | "attachIdempotency" | "deleteIdempotency">;
  clock: Clock;
  /** Absent: there are no nodes. */
  node?: NodeIdentity & { living?(): Promise<ReadonlySet<number>> };
};

/** One per process: what an earlier process left open is not running. */
export class Idempotency {
  readonly #process = newId();
  readonly #running = new Map<string, Promise<string>>();

  constructor(private readonly deps: Dependencies) {}

  /**
   * @param name its key as the client wrote it, 1 to 255 printable characters
   * @param hash of the decoded request: see `hashRequest`
   * @throws {AppError} `invalid_request` (the key), `conflict` (the same key with another request)
   */
  async begin(name: IdempotencyName, hash: string): Promise<Begun> {
    const { store, clock } = this.deps;
    if (!/^[\x20-\x7e]+$/.test(name.key) || name.key.length > MAX_KEY_LENGTH)
      throw new AppError("invalid_request", `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} printable characters.`, {
        param: "Idempotency-Key",
      });
    const now = clock.now();
    const fresh: IdempotencyRow = { ...name, hash, run: this.#run, createdAt: now, jobId: null };
    const { isNew, row } = await store.claimIdempotency(fresh, now - IDEMPOTENCY_MS);
    if (isNew) return { state: "new", claim: this.#claim(name) };
    if (row.hash !== hash)
      throw new AppError("conflict", "This Idempotency-Key was used for another request.", {
        param: "Idempotency-Key",
        reason: "idempotency_key_in_use",
      });
    if (row.jobId) return { state: "job", jobId: row.jobId };
    const running = this.#running.get(idOf(name));
    if (running) return { state: "running", jobId: running };
    if (await this.#runsElsewhere(row.run)) {
      await sleep(clock, POLL_MS);
      return this.begin(name, hash);
    }
    // An earlier process claimed it and ended before its job was stored. It is claimed here before the next `await`.
    const claim = this.#claim(name);
    const isTaken = await store.takeIdempotency(name, { from: row.run, to: this.#run }).catch((error) => {
      this.#running.delete(idOf(name));
      throw error;
    });
    if (isTaken) return { state: "new", claim };
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
    return id > 0 && id !== node?.id && ((await node?.living?.())?.has(id) ?? false);
  }

  /** Deletes the name, if it still has this job. */
  forget(name: IdempotencyName, jobId: string): Promise<void> {
    return this.deps.store.deleteIdempotency(name, { jobId });
  }

  #claim(name: IdempotencyName): Claim {
    const { store } = this.deps;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    promise.catch(() => {});
    const entry = idOf(name);
    const running = this.#running.set(entry, promise);
    // Another node has taken the name over where this one was declared dead meanwhile.
    const run = this.#run;
    return {
      async attach(jobId) {
        await store.attachIdempotency(name, jobId, run);
        running.delete(entry);
        resolve(jobId);
      },
      async abandon(failure) {
        try {
          await store.deleteIdempotency(name, { run });
        } finally {
          running.delete(entry);
          reject(failure);
        }
      },
    };
  }
}

const idOf = ({ keyId, route, key }: IdempotencyName): string => `${keyId} ${route} ${key}`;
