// Slot arbiter: asks the store that nodes share for slots of tokens, in batches, and gives them back.
import { type Clock, monotonicNow } from "../../clock.ts";
import type { HeldSlots, SharedStore, Slot, SlotEnd, SlotOutcome, SlotRequest } from "../../db/shared.ts";
import type { Kind } from "../../domain/generation.ts";
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
  shared: Pick<SharedStore, "takeSlots" | "giveSlots" | "correctSlots">;
  node: NodeIdentity & { fence(): void };
  clock: Clock;
  log: Log;
  /** Slots were given back. */
  onGiven(): void;
};

type Waiting = { request: SlotRequest; resolve(outcome: SlotOutcome): void; reject(error: unknown): void };

const BATCH = 256;
const RETRY_MS = 1_000;
/** How long a slot that is given back waits for one that is taken, to share its round trips. */
const GATHER_MS = 2;
/** Longer than the store works on what nobody waits for any more. */
const LATE_MS = 60_000;

export class StoreSlots implements SlotArbiter {
  readonly #waiting: Waiting[] = [];
  #ends: SlotEnd[] = [];
  /** What this node holds in the store: taken, and not known to be given back. */
  readonly #held = new Map<string, HeldSlots>();
  readonly #spends = new Set<number>();
  /** False: an answer was lost, so that the store may count other slots for this node than it holds. */
  #isCertain = true;
  #working: Promise<void> | null = null;
  #cancelRetry: (() => void) | null = null;
  #cancelGather: (() => void) | null = null;
  /** Until when an action whose answer was lost may still take effect, by {@link monotonicNow}; -Infinity: none may. */
  #lateUntil = Number.NEGATIVE_INFINITY;
  #cancelLate: (() => void) | null = null;

  constructor(private readonly deps: Dependencies) {}

  take(request: SlotRequest): Promise<SlotOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.#start();
    });
  }

  give(end: SlotEnd): void {
    this.#ends.push(end);
    if (this.#cancelRetry === null && this.#working === null) this.#cancelGather ??= this.deps.clock.after(GATHER_MS, () => this.#start());
  }

  /** Resolves when everything is given back, or could not be. */
  async flush(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#cancelLate?.();
    this.#start();
    await this.#working;
  }

  #start(): void {
    this.#cancelGather?.();
    this.#cancelGather = null;
    this.#working ??= this.#work();
  }

  /** In rounds: what arrives during one makes up the next. Never throws. */
  async #work(): Promise<void> {
    // What arrives in the same turn shares the first round.
    await Promise.resolve();
    while (this.#waiting.length > 0 || (this.#cancelRetry === null && (this.#ends.length > 0 || !this.#isCertain))) {
      const asked = this.#waiting.splice(0, BATCH);
      const isCertain = this.#isCertain || (await this.#correct(asked));
      if (!isCertain) continue;
      await Promise.all([this.#takeBatch(asked), this.#giveBatch(this.#cancelRetry === null ? this.#ends.slice(0, BATCH) : [])]);
    }
    this.#working = null;
  }

  /** False: the store cannot be asked, so nothing is taken. */
  async #correct(asked: readonly Waiting[]): Promise<boolean> {
    const { shared, node } = this.deps;
    try {
      await shared.correctSlots(node.id, [...this.#held.values()], [...this.#spends]);
      this.#isCertain = true;
      this.#correctLater();
      return true;
    } catch (error) {
      refuse(asked, error);
      this.#doubt(error);
      return false;
    }
  }

  async #takeBatch(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const { shared, node } = this.deps;
    try {
      const outcomes = await shared.takeSlots(
        node.id,
        batch.map(({ request }) => request),
      );
      for (const [index, { request, resolve }] of batch.entries()) {
        const outcome = outcomes[index]!;
        if (!("refused" in outcome)) this.#count(outcome, request.kind, 1);
        resolve(outcome);
      }
      if (outcomes.some((outcome) => "refused" in outcome && outcome.refused === "node")) node.fence();
    } catch (cause) {
      refuse(batch, cause);
      this.#doubt(cause);
    }
  }

  async #giveBatch(batch: readonly SlotEnd[]): Promise<void> {
    if (batch.length === 0) return;
    const { shared, node, onGiven } = this.deps;
    try {
      await shared.giveSlots(node.id, batch);
      this.#ends = this.#ends.slice(batch.length);
      for (const end of batch) this.#count(end, end.kind, -1);
      onGiven();
    } catch (error) {
      this.#doubt(error);
    }
  }

  #count({ tokenId, spend }: Slot, kind: Kind, change: 1 | -1): void {
    const name = `${tokenId}/${kind}`;
    const count = (this.#held.get(name)?.count ?? 0) + change;
    if (count > 0) this.#held.set(name, { tokenId, kind, count });
    else this.#held.delete(name);
    if (spend === null) return;
    if (change === 1) this.#spends.add(spend);
    else this.#spends.delete(spend);
  }

  /** What took effect after a correction is corrected, too: once more when nothing can any longer. */
  #correctLater(): void {
    const { clock } = this.deps;
    const left = this.#lateUntil - monotonicNow(clock);
    this.#cancelLate?.();
    this.#cancelLate = null;
    if (left <= 0) return;
    this.#cancelLate = clock.after(left, () => {
      this.#cancelLate = null;
      this.#isCertain = false;
      this.#start();
    });
  }

  /** The count is corrected before anything else, also when nobody asks: other nodes wait for what is counted too much. */
  #doubt(error: unknown): void {
    const { clock, log } = this.deps;
    this.#isCertain = false;
    this.#lateUntil = monotonicNow(clock) + LATE_MS;
    log.warn("The store did not say what became of slots", { waiting: this.#ends.length, error });
    this.#cancelRetry ??= clock.after(RETRY_MS, () => {
      this.#cancelRetry = null;
      this.#start();
    });
  }
}

function refuse(batch: readonly Waiting[], cause: unknown): void {
  const message = "This server cannot reach its database at the moment, so it starts nothing.";
  for (const { reject } of batch) reject(serverFailure(message, "ledger_unavailable", { cause }));
}
