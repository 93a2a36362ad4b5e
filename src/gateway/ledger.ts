// Between limits and the store: reservations are on record before anything is started, their ends soon after.
import type { Clock } from "../clock.ts";
import type { LedgerStore, NewReservation, ReservationEnd } from "../db/ledger.ts";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";

/** Pause after ends could not be written, in ms. */
const RETRY_MS = 1000;
/** Ends written in one act. */
const BATCH = 256;

export type Ledger = {
  /**
   * Resolves with the reservation's id once it outlives this process.
   * @throws {AppError} `busy` when it cannot be written: nothing that costs money may be started
   */
  reserve(reservation: NewReservation): Promise<number>;
  /** Writes an end down soon; again and again until it is. Those of one moment share an act. */
  end(end: ReservationEnd): void;
  /** Resolves when every end so far is written, or could not be. */
  flush(): Promise<void>;
  /** Writes what is left. What cannot be written stays open, and the next start settles it at its estimate. */
  close(): Promise<void>;
};

type Dependencies = { store: Pick<LedgerStore, "insertReservation" | "endReservations">; clock: Clock; log: Log };

export function createLedger({ store, clock, log }: Dependencies): Ledger {
  let waiting: ReservationEnd[] = [];
  let writing: Promise<void> | null = null;
  let cancelRetry: (() => void) | null = null;

  async function write(): Promise<void> {
    // Whatever else ends in this turn goes along.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      try {
        await store.endReservations(batch);
        waiting = waiting.slice(batch.length);
      } catch (error) {
        log.error("The ledger cannot be written", { waiting: waiting.length, error });
        cancelRetry = clock.after(RETRY_MS, () => {
          cancelRetry = null;
          start();
        });
        break;
      }
    }
    writing = null;
  }

  const start = () => {
    writing ??= write();
  };

  const flush = async () => {
    cancelRetry?.();
    cancelRetry = null;
    start();
    await writing;
  };

  return {
    async reserve(reservation) {
      try {
        return await store.insertReservation(reservation);
      } catch (cause) {
        log.error("The ledger cannot be written", { error: cause });
        throw new AppError("busy", "This server cannot record what a generation costs at the moment, so it starts none.", {
          reason: "ledger_unavailable",
          retryAfterMs: 5000,
          cause,
        });
      }
    },
    end(end) {
      waiting.push(end);
      if (cancelRetry === null) start();
    },
    flush,
    async close() {
      await flush();
      cancelRetry?.();
    },
  };
}
