// Ledger: group commits of reservations before anything is started, and of their ends soon after, in this order.

import type { Clock } from "../../clock.ts";
import type { Begun, LedgerStore, NewReservation, Refusal, ReservationEnd } from "../../db/ledger.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** Time between attempts to write ends, in ms. */
const RETRY_MS = 1000;
/** Rows of one write. */
const BATCH = 256;
/** Reservations that wait to be written at most, and the longest that a write may take, in ms: beyond either further ones are refused. */
const MAX_PENDING = 1024;
const MAX_LAG_MS = 2000;
const LAG_RETRY_MS = 1000;

/** Who waits for a reservation. */
export interface Reserving {
  readonly reservation: NewReservation;
  /** It outlives this process from now on. */
  resolve(id: number): void;
  reject(error: unknown): void;
}
type Dependencies = {
  store: Pick<LedgerStore, "begin" | "end">;
  clock: Clock;
  log: Log;
  /** Monotonic ms: a clock that is set is no lag of the store. Tests pass another. */
  elapsed?: () => number;
  /** How long an end waits for a reservation to share its commit with, in ms; absent: not at all. */
  gatherMs?: number;
};

const NO_ENDS: readonly ReservationEnd[] = [];

export class Ledger {
  #ends: ReservationEnd[] = [];
  readonly #pending: Reserving[] = [];
  #writing: Promise<void> | null = null;
  readonly #elapsed: () => number;
  /** Start of the write under way; null: there is none. */
  #askedAt: number | null = null;
  #cancelRetry: (() => void) | null = null;
  #cancelGather: (() => void) | null = null;
  #degradedSince: number | null = null;

  constructor(private readonly deps: Dependencies) {
    this.#elapsed = deps.elapsed ?? performance.now.bind(performance);
  }

  /** Since when nothing could be written, epoch ms; null: the last write succeeded. */
  get degradedSince(): number | null {
    return this.#degradedSince;
  }

  /** As {@link begin}: resolves with the reservation's id. */
  reserve(reservation: NewReservation): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.begin({ reservation, resolve, reject });
    return promise;
  }

  /**
   * Tells the reservation's id once it outlives this process, and every end before it too: what an end gave back is never given out twice,
   * whenever the process dies. Rejected with {AppError} `unavailable` when it cannot be written, so that nothing that costs money may be
   * started; `busy` when the store lags.
   */
  begin(reserving: Reserving): void {
    if (this.#pending.length >= MAX_PENDING) reserving.reject(storeLags());
    else if (this.#isSlow()) void this.#beginUnlessSlow(reserving);
    else this.#enqueue(reserving);
  }

  /** Where our own event loop stood still, the store's reply has come and was not read yet: it is, before anybody is refused. */
  async #beginUnlessSlow(reserving: Reserving): Promise<void> {
    await Bun.sleep(1);
    if (this.#isSlow()) reserving.reject(storeLags());
    else this.#enqueue(reserving);
  }

  #enqueue(reserving: Reserving): void {
    this.#pending.push(reserving);
    this.#start();
  }

  /** Writes an end soon; retries until it is written. */
  end(end: ReservationEnd): void {
    this.#ends.push(end);
    const { gatherMs = 0 } = this.deps;
    if (gatherMs === 0) this.#start();
    else if (this.#writing === null && this.#cancelRetry === null) this.#cancelGather ??= this.#startAfter(gatherMs);
  }

  #startAfter(ms: number): () => void {
    return this.deps.clock.after(ms, () => this.#start());
  }

  /** Resolves when every end so far is written, or could not be. */
  async flush(): Promise<void> {
    this.#retry();
    await this.#writing;
  }

  /** Writes what is left. What cannot be written stays open, and the next start settles it at its estimate. */
  async close(): Promise<void> {
    await this.flush();
    this.#cancelRetry?.();
  }

  #isSlow(): boolean {
    return this.#askedAt !== null && this.#elapsed() - this.#askedAt > MAX_LAG_MS;
  }

  #start(): void {
    this.#cancelGather?.();
    this.#cancelGather = null;
    this.#writing ??= this.#write();
  }

  #retry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#start();
  }

  #retryLater(): void {
    this.#cancelRetry = this.deps.clock.after(RETRY_MS, () => this.#retry());
  }

  /** Writes in rounds: what arrives during one makes up the next, so that many rows share few statements and one commit. */
  async #write(): Promise<void> {
    // What arrives in the same turn shares the first round.
    await Promise.resolve();
    while (this.#pending.length > 0 || (this.#ends.length > 0 && this.#cancelRetry === null)) {
      const ready = this.#cancelRetry === null ? this.#ends.slice(0, BATCH) : NO_ENDS;
      const isBehind = this.#cancelRetry === null && this.#ends.length > BATCH;
      this.#askedAt = this.#elapsed();
      const ended = ready.length > 0 ? this.#writeEnds(ready) : undefined;
      const begun = isBehind || this.#pending.length === 0 ? undefined : this.#writeReservations(this.#pending.splice(0, BATCH));
      await ended;
      await begun;
    }
    this.#askedAt = null;
    this.#writing = null;
  }

  async #writeEnds(batch: readonly ReservationEnd[]): Promise<void> {
    try {
      await this.deps.store.end(batch);
      this.#ends = this.#ends.slice(batch.length);
      this.#degradedSince = null;
    } catch (error) {
      this.#noteFailure({ ends: this.#ends.length }, error);
      this.#retryLater();
    }
  }

  async #writeReservations(batch: readonly Reserving[]): Promise<void> {
    try {
      const begun = await this.deps.store.begin(batch.map(reservationOf));
      this.#degradedSince = null;
      for (let index = 0; index < batch.length; index++) {
        const one = begun[index]!;
        if ("id" in one) batch[index]!.resolve(one.id);
        else batch[index]!.reject(refusalOf(one));
      }
    } catch (cause) {
      this.#noteFailure({ reservations: batch.length }, cause);
      for (const one of batch) one.reject(ledgerUnavailable(cause));
    }
  }

  #noteFailure(counts: Record<string, number>, error: unknown): void {
    this.#degradedSince ??= this.deps.clock.now();
    this.deps.log.error("Writing the ledger failed", { ...counts, error });
  }
}

const reservationOf = ({ reservation }: Reserving) => reservation;

/** A limit of the key was reached, counted over all nodes. The limits word it. */
export class LimitReached extends AppError {
  constructor(readonly by: Refusal) {
    const message = "This API key has no more left: it is in use elsewhere at the moment.";
    super("limit_exceeded", message, { reason: "rate_limit_exceeded", retryAfterMs: LAG_RETRY_MS });
  }
}

/** What a store that several nodes share refuses. */
function refusalOf(begun: Extract<Begun, { refused: string }>): AppError {
  if (begun.refused === "limit") return new LimitReached(begun.by);
  return ledgerUnavailable(undefined);
}

function storeLags(): AppError {
  const message = "This server is recording more than it can at the moment, so it starts nothing new.";
  return new AppError("busy", message, { reason: "ledger_busy", retryAfterMs: LAG_RETRY_MS });
}

function ledgerUnavailable(cause: unknown): AppError {
  const message = "This server cannot record what a generation costs at the moment, so it starts none.";
  return serverFailure(message, "ledger_unavailable", { cause });
}
