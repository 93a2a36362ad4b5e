// Slot arbiter: asks the store that nodes share for slots of tokens, in batches, and gives them back.
import type { Clock } from "../../clock.ts";
import type { SharedStore, SlotEnd, SlotOutcome, SlotRequest } from "../../db/shared.ts";
import { serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { NodeIdentity } from "./node.ts";

/** What a pool needs of it. */
export interface SlotArbiter {
  /** @throws {AppError} `unavailable` when the store cannot be asked, or this node is dead */
  take(request: SlotRequest): Promise<SlotOutcome>;
  give(end: SlotEnd): void;
}

type Dependencies = {
  shared: Pick<SharedStore, "takeSlots" | "giveSlots">;
  node: NodeIdentity & { fence(): void };
  clock: Clock;
  log: Log;
  /** Slots were given back. */
  onGiven(): void;
};

type Waiting = { request: SlotRequest; resolve(outcome: SlotOutcome): void; reject(error: unknown): void };

const BATCH = 256;
const RETRY_MS = 1_000;

export class StoreSlots implements SlotArbiter {
  #waiting: Waiting[] = [];
  #ends: SlotEnd[] = [];
  #taking: Promise<void> | null = null;
  #giving: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;

  constructor(private readonly deps: Dependencies) {}

  take(request: SlotRequest): Promise<SlotOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#taking ??= this.#takeAll().finally(() => {
        this.#taking = null;
      });
    });
  }

  give(end: SlotEnd): void {
    this.#ends.push(end);
    if (this.#cancelRetry === null) this.#startGiving();
  }

  /** Resolves when everything is given back, or could not be. */
  async flush(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#startGiving();
    await this.#giving;
  }

  #startGiving(): void {
    this.#giving ??= this.#giveAll().finally(() => {
      this.#giving = null;
    });
  }

  async #takeAll(): Promise<void> {
    // What arrives in the same turn shares the first batch.
    await Promise.resolve();
    const { shared, node } = this.deps;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      try {
        const outcomes = await shared.takeSlots(
          node.id,
          batch.map(({ request }) => request),
        );
        for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]!);
        if (outcomes.some((outcome) => "refused" in outcome && outcome.refused === "node")) node.fence();
      } catch (cause) {
        const message = "This server cannot reach its database at the moment, so it starts nothing.";
        for (const { reject } of batch) reject(serverFailure(message, "ledger_unavailable", { cause }));
      }
    }
  }

  async #giveAll(): Promise<void> {
    await Promise.resolve();
    const { shared, node, clock, log, onGiven } = this.deps;
    while (this.#ends.length > 0) {
      const batch = this.#ends.slice(0, BATCH);
      try {
        await shared.giveSlots(node.id, batch);
        this.#ends = this.#ends.slice(batch.length);
        onGiven();
      } catch (error) {
        log.warn("Slots could not be given back yet", { slots: this.#ends.length, error });
        this.#cancelRetry = clock.after(RETRY_MS, () => {
          this.#cancelRetry = null;
          this.#startGiving();
        });
        return;
      }
    }
  }
}
