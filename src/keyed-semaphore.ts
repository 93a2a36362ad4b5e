// Keyed semaphore: at most `limit` holders per key, FIFO waiters.

type Waiter = { admit(): void; onWait?: (position: number) => void };
type Slots = { held: number; waiting: Set<Waiter> };

export class KeyedSemaphore {
  readonly #slots = new Map<string, Slots>();

  /** @param limit holders at once under each key */
  constructor(private readonly limit: number) {}

  /**
   * Resolves with a function that releases the slot. Rejects with the signal's reason when it aborts first.
   * `onWait`: called when it has to wait, and when its position improves; holders are counted before it.
   */
  async enter(key: string, signal: AbortSignal, onWait?: (position: number) => void): Promise<() => void> {
    signal.throwIfAborted();
    const slots = this.#slots.get(key) ?? { held: 0, waiting: new Set() };
    this.#slots.set(key, slots);
    if (slots.held >= this.limit) await this.#wait(slots, signal, onWait);
    else slots.held++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#release(key, slots);
    };
  }

  #wait(slots: Slots, signal: AbortSignal, onWait?: (position: number) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#leave(slots, waiter);
        reject(signal.reason);
      };
      const admit = () => {
        signal.removeEventListener("abort", abort);
        slots.held++;
        this.#leave(slots, waiter);
        resolve();
      };
      const waiter: Waiter = { admit, onWait };
      slots.waiting.add(waiter);
      onWait?.(this.limit + slots.waiting.size);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  #release(key: string, slots: Slots): void {
    slots.held--;
    const [next] = slots.waiting;
    if (next) next.admit();
    else if (slots.held === 0) this.#slots.delete(key);
  }

  /** Removes the waiter and reports the new positions of those behind it. */
  #leave(slots: Slots, waiter: Waiter): void {
    slots.waiting.delete(waiter);
    for (const [before, { onWait }] of [...slots.waiting].entries()) onWait?.(this.limit + before + 1);
  }
}
