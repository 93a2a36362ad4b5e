// Memory budget: bytes of results that all generations together hold in memory. What does not fit goes to disk as it arrives.

const MIB = 1024 * 1024;

export class MemoryBudget {
  #held = 0;
  /** A response that was never sent gives its bytes back when nothing refers to its owner any more. */
  readonly #gone = new FinalizationRegistry((bytes: number) => this.give(bytes));

  constructor(private readonly limit = 64 * MIB) {}

  /** Bytes held now. */
  get held(): number {
    return this.#held;
  }

  /** Counts the bytes if they fit; false: nothing is counted. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.limit) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }

  /** Gives the bytes back when the owner is garbage, unless it is forgotten before. */
  giveWhenGone(owner: object, bytes: number): void {
    this.#gone.register(owner, bytes, owner);
  }

  forget(owner: object): void {
    this.#gone.unregister(owner);
  }
}
