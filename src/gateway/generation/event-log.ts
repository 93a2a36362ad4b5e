// Event log of one generation: written once, read from the beginning by any number of readers.

type EndReader = { wake(): void };
const NONE: readonly EndReader[] = [];

/** For the few events of one request, not for bytes. */
export class EventLog<T> {
  private readonly items: T[] = [];
  private failure: unknown;
  private hasFailed = false;
  /** Readers wait for it together; null: none does. */
  private changed: PromiseWithResolvers<void> | null = null;
  /** Readers that hear everything at the end. */
  private ending: readonly EndReader[] = NONE;
  hasEnded = false;

  push(item: T): void {
    this.items.push(item);
    this.resumeWaiting();
  }

  /** Readers end after what was pushed. */
  close(): void {
    this.hasEnded = true;
    this.wake();
  }

  /** Readers get what was pushed, then this error. */
  fail(error: unknown): void {
    if (!this.hasEnded) {
      this.failure = error;
      this.hasFailed = true;
    }
    this.close();
  }

  /** Everything so far. */
  all(): readonly T[] {
    return this.items;
  }

  get hasBegun(): boolean {
    return this.items.length > 0;
  }

  /** Resolves when there is something to read, or the end. Rejects when the failure is the first. */
  async begun(): Promise<void> {
    if (this.items.length === 0 && !this.hasEnded) await this.change();
    if (this.items.length === 0) this.assertNoFailure();
  }

  /** Makes readers check whether they are to leave. */
  wake(): void {
    this.resumeWaiting();
    const { ending } = this;
    this.ending = NONE;
    for (const reader of ending) reader.wake();
  }

  /** Resolves when something is pushed, the log ends, or {@link wake} is called. */
  change(): Promise<void> {
    this.changed ??= Promise.withResolvers();
    return this.changed.promise;
  }

  /** Wakes the reader once, when the log ends or {@link wake} is called. */
  wakeAtEnd(reader: EndReader): void {
    this.ending = [...this.ending, reader];
  }

  /** @throws the error that the log ended with */
  assertNoFailure(): void {
    if (this.hasFailed) throw this.failure;
  }

  private resumeWaiting(): void {
    this.changed?.resolve();
    this.changed = null;
  }
}

/** Hears what happens, in order. */
export interface Listener<T> {
  hear(item: T): void | Promise<void>;
}

/** Items for one reader as they come: what is there is taken at once. */
export interface EventSource<T> {
  /** The next item; undefined: there is none now. @throws what the items end with */
  take(): T | undefined;
  /** Everything was taken, and nothing follows. */
  readonly hasEnded: boolean;
  /** Resolves when there may be more. @throws as {@link take} */
  more(): Promise<void>;
  /** The reader stops by itself. */
  return(): Promise<unknown>;
}

/** One reader of a log: all items, from the first. */
export class EventReader<T> implements EventSource<T>, AsyncIterable<T>, AsyncIterator<T, undefined> {
  private position = 0;
  private listener: Listener<T> | null = null;
  private hearing: PromiseWithResolvers<T | undefined> | null = null;

  constructor(private readonly log: EventLog<T>) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  take(): T | undefined {
    try {
      this.assertStays();
      const items = this.log.all();
      if (this.position < items.length) return items[this.position++]!;
      this.log.assertNoFailure();
    } catch (error) {
      this.abandoned();
      throw error;
    }
  }

  get hasEnded(): boolean {
    return this.log.hasEnded && this.position === this.log.all().length;
  }

  more(): Promise<void> {
    return this.log.change();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const value = this.take();
      if (value !== undefined) return { done: false, value };
      if (this.hasEnded) return { done: true, value: undefined };
      await this.more();
    }
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.abandoned();
    await this.stopped();
    return { done: true, value: undefined };
  }

  /**
   * Gives all items to the listener once the log has ended: what a loop over them does, without a turn of the event loop for each.
   * Resolves with the last item.
   * @throws as {@link take}, what the listener throws
   */
  hearAll(listener: Listener<T>): Promise<T | undefined> {
    const hearing = Promise.withResolvers<T | undefined>();
    this.listener = listener;
    this.hearing = hearing;
    this.wake();
    return hearing.promise;
  }

  /** The log has ended, or the reader is to check whether it leaves. */
  wake(): void {
    try {
      this.assertStays();
      if (this.log.hasEnded) this.hearRest();
      else this.log.wakeAtEnd(this);
    } catch (error) {
      this.refuse(error);
    }
  }

  private hearRest(): void {
    const items = this.log.all();
    while (this.position < items.length) {
      const heard = this.listener!.hear(items[this.position++]!);
      if (!heard) continue;
      this.hearAfter(heard);
      return;
    }
    this.log.assertNoFailure();
    this.hearing!.resolve(items.at(-1));
  }

  private hearAfter(heard: Promise<void>): void {
    heard.then(() => this.hearRest()).catch((error) => this.refuse(error));
  }

  private refuse(error: unknown): void {
    this.abandoned();
    this.hearing!.reject(error);
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

/** The items of an iterable as a source. */
export const sourceOf = <T>(events: AsyncIterable<T>): EventSource<T> =>
  events instanceof EventReader ? events : new IteratedEvents(events[Symbol.asyncIterator]());

class IteratedEvents<T> implements EventSource<T> {
  hasEnded = false;
  private item: T | undefined;

  constructor(private readonly iterator: AsyncIterator<T>) {}

  take(): T | undefined {
    const { item } = this;
    this.item = undefined;
    return item;
  }

  async more(): Promise<void> {
    const { done, value } = await this.iterator.next();
    if (done) this.hasEnded = true;
    else this.item = value;
  }

  async return(): Promise<void> {
    await this.iterator.return?.();
  }
}

/** Gives all events to the listener as they come, or at the end where they are read from a log: for responses in one piece. */
export const hearAll = <T>(events: AsyncIterable<T>, listener: Listener<T>): Promise<T | undefined> =>
  events instanceof EventReader ? events.hearAll(listener) : hearEach(events, listener);

async function hearEach<T>(events: AsyncIterable<T>, listener: Listener<T>): Promise<T | undefined> {
  let last: T | undefined;
  for await (const event of events) {
    const heard = listener.hear(event);
    if (heard) await heard;
    last = event;
  }
  return last;
}
