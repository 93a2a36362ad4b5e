// A queue between callbacks and a loop: what a producer pushes, one reader takes in order.

export type Channel<T> = AsyncIterable<T> & {
  push(item: T): void;
  /** The reader ends after what was pushed. */
  close(): void;
  /** The reader gets what was pushed, then this error. */
  fail(error: unknown): void;
  /** Resolves when there is something to read, or the end. Rejects when nothing came before the failure. */
  begun(): Promise<void>;
};

/**
 * Unbounded: for the few events of one request, not for bytes.
 * `leave` is called, and awaited, when the reader leaves before the end.
 */
export function createChannel<T>(leave: () => unknown = () => {}): Channel<T> {
  const items: T[] = [];
  let ended: { error?: unknown } | null = null;
  let wake: (() => void) | null = null;
  const stir = () => {
    wake?.();
    wake = null;
  };
  const change = () => new Promise<void>((resolve) => (wake = resolve));
  const end = (how: { error?: unknown }) => {
    ended ??= how;
    stir();
  };
  const assertNoFailure = () => {
    if (ended && "error" in ended) throw ended.error;
  };

  const reader: AsyncIterator<T, undefined> = {
    async next() {
      while (items.length === 0 && !ended) await change();
      if (items.length > 0) return { done: false, value: items.shift()! };
      assertNoFailure();
      return { done: true, value: undefined };
    },
    async return() {
      if (!ended) await leave();
      return { done: true, value: undefined };
    },
  };

  return {
    push(item) {
      items.push(item);
      stir();
    },
    close: () => end({}),
    fail: (error) => end({ error }),
    async begun() {
      if (items.length === 0 && !ended) await change();
      if (items.length === 0) assertNoFailure();
    },
    [Symbol.asyncIterator]: () => reader,
  };
}
