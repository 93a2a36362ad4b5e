// Event log of one generation: written once, read from the beginning by any number of readers.

/** For the few events of one request, not for bytes. */
export class EventLog<T> {
  private readonly items: T[] = [];
  private ended: { error?: unknown } | null = null;
  private waiting: (() => void)[] = [];

  push(item: T): void {
    this.items.push(item);
    this.wake();
  }

  /** Readers end after what was pushed. */
  close(): void {
    this.end({});
  }

  /** Readers get what was pushed, then this error. */
  fail(error: unknown): void {
    this.end({ error });
  }

  /** Everything so far. */
  all(): readonly T[] {
    return this.items;
  }

  /** Resolves when there is something to read, or the end. Rejects when the failure is the first. */
  async begun(): Promise<void> {
    if (this.items.length === 0 && !this.ended) await this.change();
    if (this.items.length === 0) this.assertNoFailure();
  }

  /** Makes readers check whether they are to leave. */
  wake(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resume of waiting) resume();
  }

  /**
   * All items, from the first.
   * @param assertStays throws when the reader is to leave @param onReturn the reader stopped reading by itself; awaited
   */
  read(assertStays: () => void, onReturn: () => unknown): AsyncIterable<T> {
    let position = 0;
    const next = async (): Promise<IteratorResult<T, undefined>> => {
      for (;;) {
        assertStays();
        if (position < this.items.length) return { done: false, value: this.items[position++]! };
        this.assertNoFailure();
        if (this.ended) return { done: true, value: undefined };
        await this.change();
      }
    };
    const leave = async (): Promise<IteratorResult<T, undefined>> => {
      await onReturn();
      return { done: true, value: undefined };
    };
    return { [Symbol.asyncIterator]: () => ({ next, return: leave }) };
  }

  private end(how: { error?: unknown }): void {
    this.ended ??= how;
    this.wake();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private assertNoFailure(): void {
    if (this.ended && "error" in this.ended) throw this.ended.error;
  }
}
