// Between limits and the store: reservations are on record before anything is started, their ends soon after, in this order.
import type { Clock } from "../../clock.ts";
import type { LedgerStore, NewReservation, ReservationEnd } from "../../db/ledger.ts";
import { type AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";

/** Pause after ends could not be written, in ms. */
const RETRY_MS = 1000;
/** Rows of one act. */
const BATCH = 256;

export type Ledger = {
  /**
   * Resolves with the reservation's id once it outlives this process, and every end before it too: what an end gave back is
   * never given out twice, whenever the process dies.
   * @throws {AppError} `unavailable` when it cannot be written: nothing that costs money may be started
   */
  reserve(reservation: NewReservation): Promise<number>;
  /** Writes an end down soon; again and again until it is. */
  end(end: ReservationEnd): void;
  /** Since when nothing could be written, epoch ms; null: the last write was well. */
  degradedSince(): number | null;
  /** Resolves when every end so far is written, or could not be. */
  flush(): Promise<void>;
  /** Writes what is left. What cannot be written stays open, and the next start settles it at its estimate. */
  close(): Promise<void>;
};

type Asked = { reservation: NewReservation; resolve(id: number): void; reject(error: unknown): void };
type Dependencies = { store: Pick<LedgerStore, "insertReservations" | "endReservations">; clock: Clock; log: Log };

export function createLedger({ store, clock, log }: Dependencies): Ledger {
  let ends: ReservationEnd[] = [];
  const asked: Asked[] = [];
  let working: Promise<void> | null = null;
  let cancelRetry: (() => void) | null = null;
  let degradedSince: number | null = null;

  const inTrouble = (what: Record<string, number>, error: unknown) => {
    degradedSince ??= clock.now();
    log.error("The ledger cannot be written", { ...what, error });
  };

  /** Writes in rounds: what comes during one makes up the next, so that much of it shares few statements and one commit. */
  async function work(): Promise<void> {
    // What comes in the same turn goes along.
    await Promise.resolve();
    while (asked.length > 0 || (ends.length > 0 && cancelRetry === null)) {
      const ready = cancelRetry === null ? ends.slice(0, BATCH) : [];
      const isBehind = cancelRetry === null && ends.length > BATCH;
      await Promise.all([writeEnds(ready), writeAsked(isBehind ? [] : asked.splice(0, BATCH))]);
    }
    working = null;
  }

  async function writeEnds(batch: readonly ReservationEnd[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      await store.endReservations(batch);
      ends = ends.slice(batch.length);
      degradedSince = null;
    } catch (error) {
      inTrouble({ ends: ends.length }, error);
      cancelRetry = clock.after(RETRY_MS, retry);
    }
  }

  async function writeAsked(batch: readonly Asked[]): Promise<void> {
    if (batch.length === 0) return;
    try {
      const ids = await store.insertReservations(batch.map(({ reservation }) => reservation));
      degradedSince = null;
      for (const [index, { resolve }] of batch.entries()) resolve(ids[index]!);
    } catch (cause) {
      inTrouble({ reservations: batch.length }, cause);
      for (const { reject } of batch) reject(unwritable(cause));
    }
  }

  const start = () => {
    working ??= work();
  };
  const retry = () => {
    cancelRetry?.();
    cancelRetry = null;
    start();
  };
  const flush = async () => {
    retry();
    await working;
  };

  return {
    reserve: (reservation) =>
      new Promise((resolve, reject) => {
        asked.push({ reservation, resolve, reject });
        start();
      }),
    end(end) {
      ends.push(end);
      start();
    },
    degradedSince: () => degradedSince,
    flush,
    async close() {
      await flush();
      cancelRetry?.();
    },
  };
}

function unwritable(cause: unknown): AppError {
  const message = "This server cannot record what a generation costs at the moment, so it starts none.";
  return serverFailure(message, "ledger_unavailable", { cause });
}
