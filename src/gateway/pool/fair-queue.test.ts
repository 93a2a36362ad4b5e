// Fair queue: first come first served within a key, keys in turns, candidate sets never block each other.
import { expect, test } from "bun:test";
import { seededRandom } from "../../testing.ts";
import { FairQueue } from "./fair-queue.ts";

type CandidateSet = { name: string };
type Waiter = { keyId: number; candidates: CandidateSet; name: string };
const [a, b]: CandidateSet[] = [{ name: "a" }, { name: "b" }] as [CandidateSet, CandidateSet];

function queueOf(...entries: [keyId: number, candidates: CandidateSet, name: string][]) {
  const queue = new FairQueue<Waiter, CandidateSet>();
  const waiters = entries.map(([keyId, candidates, name]) => ({ keyId, candidates, name }));
  for (const waiter of waiters) queue.enter(waiter);
  return { queue, waiters };
}

const takeAll = (
  queue: ReturnType<typeof queueOf>["queue"],
  isOpen: (candidates: CandidateSet) => boolean,
  find = (_: Waiter): true | null => true,
) => {
  const names: string[] = [];
  for (let next = queue.next({ isOpen, find }); next; next = queue.next({ isOpen, find })) names.push(next.waiter.name);
  return names.join(" ");
};

test("keys take turns, however many requests each has", () => {
  const { queue } = queueOf([1, a, "1a"], [1, a, "1b"], [1, a, "1c"], [2, a, "2a"], [3, a, "3a"], [2, a, "2b"]);
  expect(
    queue
      .inOrder()
      .map((waiter) => waiter.name)
      .join(" "),
  ).toBe("1a 2a 3a 1b 2b 1c");
  expect(takeAll(queue, () => true)).toBe("1a 2a 3a 1b 2b 1c");
  expect(queue.size).toBe(0);
});

test("a key that was just served comes after the others", () => {
  const { queue } = queueOf([1, a, "1a"], [1, a, "1b"], [2, a, "2a"]);
  expect(queue.next({ isOpen: () => true, find: () => true })?.waiter.name).toBe("1a");
  queue.enter({ keyId: 3, candidates: a, name: "3a" });
  expect(takeAll(queue, () => true)).toBe("2a 1b 3a");
});

test("requests of a closed candidate set do not block those behind them", () => {
  const { queue } = queueOf([1, a, "1a"], [1, b, "1b"], [2, a, "2a"], [2, b, "2b"]);
  expect(takeAll(queue, (candidates) => candidates === b)).toBe("1b 2b");
  expect(takeAll(queue, () => true)).toBe("1a 2a");
});

test("within a key the earliest request wins, whatever its candidate set", () => {
  const { queue } = queueOf([1, b, "1"], [1, a, "2"], [1, b, "3"], [1, a, "4"]);
  expect(takeAll(queue, () => true)).toBe("1 2 3 4");
});

test("a request that nothing is found for is passed over and keeps its position", () => {
  const { queue } = queueOf([1, a, "picky"], [1, a, "next"], [2, a, "other"]);
  expect(
    takeAll(
      queue,
      () => true,
      (waiter) => (waiter.name === "picky" ? null : true),
    ),
  ).toBe("next other");
  expect(takeAll(queue, () => true)).toBe("picky");
});

test("a request leaves the queue once", () => {
  const { queue, waiters } = queueOf([1, a, "1a"], [1, a, "1b"]);
  expect([queue.leave(waiters[0]!), queue.leave(waiters[0]!)]).toEqual([true, false]);
  expect(takeAll(queue, () => true)).toBe("1b");
});

test.each([1, 2, 3])("the position at entry is the position in the order (seed %d)", (seed) => {
  const random = seededRandom(seed);
  const { queue } = queueOf();
  for (let i = 0; i < 400; i++) {
    if (random() < 0.4) queue.next({ isOpen: () => true, find: () => true });
    const waiter = { keyId: Math.floor(random() * 6), candidates: random() < 0.5 ? a : b, name: String(i) };
    queue.enter(waiter);
    const order = queue.inOrder();
    expect(order.indexOf(waiter)).toBe(queue.aheadOfNewest(waiter.keyId));
    expect(order.length).toBe(queue.size);
  }
});

test("a key whose request gets nothing of what was found keeps its turn, and takes no other's", () => {
  const { queue } = queueOf([1, a, "1a"], [2, b, "2a"], [2, b, "2b"], [2, a, "2c"], [3, a, "3a"]);
  const isServed = ({ name }: Waiter) => name !== "2a";
  const onlyB = (candidates: CandidateSet) => candidates === b;
  const anything = () => true as const;
  expect(queue.next({ isOpen: onlyB, find: anything, isServed })?.waiter.name).toBe("2a");
  expect(queue.next({ isOpen: onlyB, find: anything, isServed })?.waiter.name).toBe("2b");
  expect(takeAll(queue, () => true)).toBe("1a 3a 2c");
  const other = queueOf([1, a, "1a"], [1, a, "1b"], [2, a, "2a"]).queue;
  other.next({ isOpen: anything, find: anything, isServed: () => false });
  expect(takeAll(other, () => true)).toBe("1b 2a");
});

test("the key with the most requests gives its newest one, when it has enough", () => {
  const { queue } = queueOf([1, a, "1a"], [2, b, "2a"], [2, a, "2b"], [2, b, "2c"], [3, a, "3a"]);
  expect([queue.sizeOf(2), queue.sizeOf(9)]).toEqual([3, 0]);
  expect(queue.newestOfLargest(3)?.name).toBe("2c");
  expect(queue.newestOfLargest(4)).toBeNull();
});
