// Heap: against a sorted list, under random changes.
import { expect, test } from "bun:test";
import { createHeap } from "./heap.ts";
import { seededRandom } from "./testing.ts";

test.each([1, 2, 3])("the first item is the least after any puts, moves and removals (seed %d)", (seed) => {
  const random = seededRandom(seed);
  const items = Array.from({ length: 60 }, (_, id) => ({ at: -1, id, key: 0 }));
  const heap = createHeap<(typeof items)[number]>((a, b) => (a.key !== b.key ? a.key < b.key : a.id < b.id));
  const inside = new Set<(typeof items)[number]>();
  for (let step = 0; step < 5000; step++) {
    const item = items[Math.floor(random() * items.length)]!;
    if (random() < 0.35) {
      heap.remove(item);
      inside.delete(item);
    } else {
      item.key = Math.floor(random() * 40);
      heap.put(item);
      inside.add(item);
    }
    const least = [...inside].sort((a, b) => a.key - b.key || a.id - b.id)[0];
    expect(heap.peek()).toBe(least as never);
    expect(heap.size()).toBe(inside.size);
  }
});
