// Vain reservations: those that were refused because the store's answer was lost, and that it has made nevertheless, are released.
import type { Clock } from "../../clock.ts";
import type { LedgerStore, Reservation } from "../../db/ledger.ts";
import type { Log } from "../../log.ts";

type Dependencies = {
  store: Pick<LedgerStore, "readLedger">;
  clock: Clock;
  log: Log;
  /** Nothing was sent for it. */
  release(reservation: Reservation): void;
};

/** Time between two looks, and how long one is looked for: longer than the store works on what nobody waits for any more. */
const LOOK_MS = 15_000;
const LOOKED_FOR_MS = 60_000;

export class VainReservations {
  /** Until when it is looked for, by request. */
  readonly #requests = new Map<string, number>();
  #cancel: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  #isStopped = false;

  constructor(private readonly deps: Dependencies) {}

  /** The store was asked for it, and gave no answer. */
  note(requestId: string): void {
    this.#requests.set(requestId, this.deps.clock.now() + LOOKED_FOR_MS);
    this.#lookLater();
  }

  /** Resolves when nothing is released any more. What a look under way has found is. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#isStopped) return;
    this.#cancel ??= this.deps.clock.after(LOOK_MS, () => {
      this.#cancel = null;
      this.#looking = this.#look();
    });
  }

  async #look(): Promise<void> {
    const { store, clock, log, release } = this.deps;
    const now = clock.now();
    try {
      const { open } = await store.readLedger([], now);
      const made = open.filter(({ requestId }) => this.#requests.has(requestId));
      for (const reservation of made) release(reservation);
      if (made.length > 0) log.warn("Reservations released that were made and not heard of", { count: made.length });
      for (const [requestId, until] of this.#requests) if (until <= now) this.#requests.delete(requestId);
    } catch (error) {
      log.debug("The store could not be asked for reservations", { error });
    }
    if (this.#requests.size > 0) this.#lookLater();
  }
}
