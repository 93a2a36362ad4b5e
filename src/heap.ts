// Binary heap whose items store their own index, so that any of them moves or leaves in O(log n).

/** `at` belongs to the heap: the item's index, or -1 outside. An item is in one heap at a time. */
export type HeapItem = { at: number };

export type Heap<T extends HeapItem> = {
  size(): number;
  /** The first item by order; it stays inside. */
  peek(): T | undefined;
  /** Inserts the item, or moves it after its order changed. */
  put(item: T): void;
  /** Removes the item; no effect when it is not inside. */
  remove(item: T): void;
};

/** An empty heap; `before` is a strict order, read again whenever an item is put. */
export function createHeap<T extends HeapItem>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  const set = (item: T, at: number) => {
    items[at] = item;
    item.at = at;
  };

  function rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(item, items[parent]!)) break;
      set(items[parent]!, at);
      at = parent;
    }
    set(item, at);
  }

  function sink(item: T, from: number): void {
    let at = from;
    for (let child = 2 * at + 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
      if (!before(items[child]!, item)) break;
      set(items[child]!, at);
      at = child;
    }
    set(item, at);
  }

  const settle = (item: T, at: number) => {
    if (at > 0 && before(item, items[(at - 1) >> 1]!)) rise(item, at);
    else sink(item, at);
  };

  return {
    size: () => items.length,
    peek: () => items[0],
    put(item) {
      if (item.at >= 0) return settle(item, item.at);
      items.push(item);
      rise(item, items.length - 1);
    },
    remove(item) {
      if (item.at < 0) return;
      const hole = item.at;
      const last = items.pop()!;
      item.at = -1;
      if (last !== item) settle(last, hole);
    },
  };
}
