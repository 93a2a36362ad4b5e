// Event log of one generation: written once, read from the beginning by any number of readers.

/** For the few events of one request, not for bytes. */
export class EventLog<T> {
  private readonly items: T[] = [];
  private ended: { error?: unknown } | null = null;
  private waiting: (() => void)[] = [];
  private waitingForEnd: (() => void)[] = [];

  push(item: T): void {
    this.items.push(item);
    if (this.waiting.length > 0) this.resumeWaiting();
  }

  /** Readers end after what was pushed. */
  close(): void {
    this.finish({});
  }

  /** Readers get what was pushed, then this error. */
  fail(error: unknown): void {
    this.finish({ error });
  }

  /** Everything so far. */
  all(): readonly T[] {
    return this.items;
  }

  get hasBegun(): boolean {
    return this.items.length > 0;
  }

  get hasEnded(): boolean {
    return this.ended !== null;
  }

  /** Resolves when there is something to read, or the end. Rejects when the failure is the first. */
  async begun(): Promise<void> {
    if (this.items.length === 0 && !this.ended) await this.change();
    if (this.items.length === 0) this.assertNoFailure();
  }

  /** Makes readers check whether they are to leave. */
  wake(): void {
    this.resumeWaiting();
    const { waitingForEnd } = this;
    this.waitingForEnd = [];
    for (const resume of waitingForEnd) resume();
  }

  /** Resolves when something is pushed, the log ends, or {@link wake} is called. */
  change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when the log ends, or {@link wake} is called. */
  end(): Promise<void> {
    return new Promise((resolve) => this.waitingForEnd.push(resolve));
  }

  /** @throws the error that the log ended with */
  assertNoFailure(): void {
    if (this.ended && "error" in this.ended) throw this.ended.error;
  }

  private finish(how: { error?: unknown }): void {
    this.ended ??= how;
    this.wake();
  }

  private resumeWaiting(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const resume of waiting) resume();
  }
}

/** One reader of a log: all items, from the first. */
export class EventReader<T> implements AsyncIterable<T>, AsyncIterator<T, undefined> {
  private position = 0;

  constructor(private readonly log: EventLog<T>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const { log } = this;
    try {
      for (;;) {
        this.assertStays();
        const items = log.all();
        if (this.position < items.length) return { done: false, value: items[this.position++]! };
        log.assertNoFailure();
        if (log.hasEnded) return { done: true, value: undefined };
        await log.change();
      }
    } catch (error) {
      this.abandoned();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.abandoned();
    await this.stopped();
    return { done: true, value: undefined };
  }

  /**
   * Gives all items to `hear` once the log has ended: what a loop over them does, without a turn of the event loop for each.
   * @throws as {@link next}, what `hear` throws
   */
  async hearAll(hear: (item: T) => void | Promise<void>): Promise<void> {
    const { log } = this;
    try {
      for (this.assertStays(); !log.hasEnded; this.assertStays()) await log.end();
      for (const item of log.all()) {
        const heard = hear(item);
        if (heard) await heard;
      }
      log.assertNoFailure();
    } catch (error) {
      this.abandoned();
      throw error;
    }
  }

  /** Throws when the reader is to leave. */
  protected assertStays(): void {}

  /** The reader did not come to the end. */
  protected abandoned(): void {}

  /** The reader stopped reading by itself; awaited. */
  protected stopped(): unknown {
    return undefined;
  }
}

/** Gives all events to `hear` as they come, or at the end where they are read from a log: for responses in one piece. */
export async function hearAll<T>(events: AsyncIterable<T>, hear: (item: T) => void | Promise<void>): Promise<void> {
  if (events instanceof EventReader) return events.hearAll(hear);
  for await (const event of events) {
    const heard = hear(event);
    if (heard) await heard;
  }
}
