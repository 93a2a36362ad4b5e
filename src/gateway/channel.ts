// A queue between callbacks and an async loop: what producers push, one reader takes in order.

export type Channel<T> = AsyncIterable<T> & {
  push(item: T): void;
  /** The reader ends after what was pushed. */
  close(): void;
  /** The reader gets what was pushed, then this error. */
  fail(error: unknown): void;
};

/** Unbounded: for the few events of one request, not for bytes. */
export function createChannel<T>(): Channel<T> {
  const items: T[] = [];
  let ended: { error?: unknown } | null = null;
  let wake: (() => void) | null = null;
  const stir = () => {
    wake?.();
    wake = null;
  };
  return {
    push(item) {
      items.push(item);
      stir();
    },
    close() {
      ended ??= {};
      stir();
    },
    fail(error) {
      ended ??= { error };
      stir();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        if (items.length > 0) yield items.shift()!;
        else if (ended) {
          if ("error" in ended) throw ended.error;
          return;
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

/**
 * The items of several sources as they come; ends when all have ended. A failing source must end itself: it fails the whole.
 * A reader that leaves is let go only when all sources have ended; `leave` hurries them.
 */
export async function* merge<T>(sources: AsyncIterable<T>[], leave: () => void): AsyncGenerator<T> {
  if (sources.length === 1) return yield* sources[0]!;
  const channel = createChannel<T>();
  const pump = async (source: AsyncIterable<T>) => {
    for await (const item of source) channel.push(item);
  };
  let isOver = false;
  const pumps = Promise.allSettled(sources.map(pump));
  void pumps.then((ends) => {
    isOver = true;
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) channel.fail(failed.reason);
    else channel.close();
  });
  try {
    yield* channel;
  } finally {
    if (!isOver) leave();
    await pumps;
  }
}
