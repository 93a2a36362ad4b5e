// Ledger: group commits of reservations before anything is started, and of their ends soon after, in this order.

import type { Clock } from "../../clock.ts";
import type { LedgerStore, NewReservation, ReservationEnd } from "../../db/ledger.ts";
import { type AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** Time between attempts to write ends, in ms. */
const RETRY_MS = 1000;
/** Rows of one write. */
const BATCH = 256;

type Pending = { reservation: NewReservation; resolve(id: number): void; reject(error: unknown): void };
type Dependencies = { store: Pick<LedgerStore, "insertReservations" | "endReservations">; clock: Clock; log: Log };

export class Ledger {
  #ends: ReservationEnd[] = [];
  readonly #pending: Pending[] = [];
  #writing: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #degradedSince: number | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** Since when nothing could be written, epoch ms; null: the last write succeeded. */
  get degradedSince(): number | null {
    return this.#degradedSince;
  }

  /**
   * Resolves with the reservation's id once it outlives this process, and every end before it too: what an end gave back is
   * never given out twice, whenever the process dies.
   * @throws {AppError} `unavailable` when it cannot be written: nothing that costs money may be started
   */
  reserve(reservation: NewReservation): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ reservation, resolve, reject });
      this.#start();
    });
  }

  /** Writes an end soon; retries until it is written. */
  end(end: ReservationEnd): void {
    this.#ends.push(end);
    this.#start();
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

  #start(): void {
    this.#writing ??= this.#write();
  }

  #retry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#start();
  }

  /** Writes in rounds: what arrives during one makes up the next, so that many rows share few statements and one commit. */
  async #write(): Promise<void> {
    // What arrives in the same turn shares the first round.
    await Promise.resolve();
    while (this.#pending.length > 0 || (this.#ends.length > 0 && this.#cancelRetry === null)) {
      const ready = this.#cancelRetry === null ? this.#ends.slice(0, BATCH) : [];
      const isBehind = this.#cancelRetry === null && this.#ends.length > BATCH;
      await Promise.all([this.#writeEnds(ready), this.#writeReservations(isBehind ? [] : this.#pending.splice(0, BATCH))]);
    }
    this.#writing = null;
  }

  async #writeEnds(batch: readonly ReservationEnd[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await this.deps.store.endReservations(batch);
      this.#ends = this.#ends.slice(batch.length);
      this.#degradedSince = null;
    } catch (error) {
      this.#noteFailure({ ends: this.#ends.length }, error);
      this.#cancelRetry = this.deps.clock.after(RETRY_MS, () => this.#retry());
    }
  }

  async #writeReservations(batch: readonly Pending[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const ids = await this.deps.store.insertReservations(batch.map(({ reservation }) => reservation));
      this.#degradedSince = null;
      for (const [index, { resolve }] of batch.entries()) resolve(ids[index]!);
    } catch (cause) {
      this.#noteFailure({ reservations: batch.length }, cause);
      for (const { reject } of batch) reject(ledgerUnavailable(cause));
    }
  }

  #noteFailure(counts: Record<string, number>, error: unknown): void {
    this.#degradedSince ??= this.deps.clock.now();
    this.deps.log.error("Writing the ledger failed", { ...counts, error });
  }
}

function ledgerUnavailable(cause: unknown): AppError {
  const message = "This server cannot record what a generation costs at the moment, so it starts none.";
  return serverFailure(message, "ledger_unavailable", { cause });
}
