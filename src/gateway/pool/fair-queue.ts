// Fair queue: waiting requests, first come first served within an API key, keys in turns.

/** A waiting request and the candidate set that it waits for; those of other sets never block it. */
export type Queued<Target extends object> = { readonly keyId: number; readonly candidates: Target };

type Numbered<W> = { waiter: W; number: number };
/** The requests of one key by candidate set, each with its number of arrival. */
type KeyQueue<W, Target> = Map<Target, Map<W, number>>;

type Search<W, Target, Found> = {
  /** Sets for which it is false are passed over without a call of `find`. */
  isOpen(candidates: Target): boolean;
  find(waiter: W): Found | null;
  /** Where it is false the request is not given what was found, and its key keeps its turn. Default: true. */
  isServed?(waiter: W, found: Found): boolean;
};

export class FairQueue<W extends Queued<Target>, Target extends object> {
  /** The key whose turn is next comes first; a Map keeps insertion order. */
  readonly #queues = new Map<number, KeyQueue<W, Target>>();
  readonly #sizes = new Map<number, number>();
  #total = 0;
  #arrivals = 0;

  get size(): number {
    return this.#total;
  }

  /** How many requests of this key wait. */
  sizeOf(keyId: number): number {
    return this.#sizes.get(keyId) ?? 0;
  }

  /** Returns its number of arrival: a request that comes back with the number that it had stands where it stood. */
  enter(waiter: W, arrival?: number): number {
    const { keyId, candidates } = waiter;
    const number = arrival ?? ++this.#arrivals;
    const queue: KeyQueue<W, Target> = this.#queues.get(keyId) ?? new Map();
    this.#queues.set(keyId, queue);
    const waiters = queue.get(candidates) ?? new Map<W, number>();
    waiters.set(waiter, number);
    queue.set(candidates, arrival === undefined ? waiters : new Map([...waiters].sort(([, a], [, b]) => a - b)));
    this.#sizes.set(keyId, this.sizeOf(keyId) + 1);
    this.#total++;
    return number;
  }

  /** Takes the sets that the requests wait for now, after some were given another; arrivals and turns stay. */
  regroup(): void {
    for (const queue of this.#queues.values()) {
      const inOrder = byArrival(queue);
      queue.clear();
      for (const { waiter, number } of inOrder) {
        const waiters = queue.get(waiter.candidates) ?? new Map<W, number>();
        queue.set(waiter.candidates, waiters.set(waiter, number));
      }
    }
  }

  /** False when it is not in the queue any more. */
  leave(waiter: W): boolean {
    const { keyId, candidates } = waiter;
    const queue = this.#queues.get(keyId);
    const waiters = queue?.get(candidates);
    if (!queue || !waiters?.delete(waiter)) return false;
    this.#total--;
    if (waiters.size === 0) queue.delete(candidates);
    const left = this.sizeOf(keyId) - 1;
    this.#sizes.set(keyId, left);
    if (left === 0) {
      this.#queues.delete(keyId);
      this.#sizes.delete(keyId);
    }
    return true;
  }

  /** Removes the next request that `find` has something for: of the key served least recently, its earliest. */
  next<Found>(search: Search<W, Target, Found>): { waiter: W; found: Found } | null {
    for (const [keyId, queue] of this.#queues) {
      const first = firstOf(queue, search);
      if (!first) continue;
      this.leave(first.waiter);
      const isServed = search.isServed?.(first.waiter, first.found) ?? true;
      if (isServed && this.#queues.delete(keyId)) this.#queues.set(keyId, queue);
      return first;
    }
    return null;
  }

  /** All requests in the order in which they are served if every set is open. */
  inOrder(): W[] {
    const queues = [...this.#queues.values()].map(byArrival);
    const order: W[] = [];
    for (let round = 0; order.length < this.#total; round++) {
      for (const queue of queues) if (round < queue.length) order.push(queue[round]!.waiter);
    }
    return order;
  }

  /** The newest request of the key that has the most of them, where those are at least `least`; else null. */
  newestOfLargest(least: number): W | null {
    let largest: number | null = null;
    for (const [keyId, size] of this.#sizes) if (size >= least && size > (this.#sizes.get(largest!) ?? 0)) largest = keyId;
    return largest === null ? null : newestOf(this.#queues.get(largest)!);
  }

  /** How many would be served before the newest request of this key. */
  aheadOfNewest(keyId: number): number {
    const own = this.sizeOf(keyId);
    let ahead = Math.max(0, own - 1);
    let isBefore = true;
    for (const other of this.#queues.keys()) {
      if (other === keyId) isBefore = false;
      else ahead += Math.min(this.sizeOf(other), isBefore ? own : own - 1);
    }
    return ahead;
  }
}

function byArrival<W, Target>(queue: KeyQueue<W, Target>): Numbered<W>[] {
  return [...queue.values()]
    .flatMap((waiters) => [...waiters].map(([waiter, number]) => ({ waiter, number })))
    .sort((a, b) => a.number - b.number);
}

function newestOf<W, Target>(queue: KeyQueue<W, Target>): W | null {
  let newest: Numbered<W> | null = null;
  for (const waiters of queue.values()) {
    for (const [waiter, number] of waiters) if (!newest || number > newest.number) newest = { waiter, number };
  }
  return newest?.waiter ?? null;
}

/** The earliest request of one key that something is found for. */
function firstOf<W, Target, Found>(
  queue: KeyQueue<W, Target>,
  { isOpen, find }: Search<W, Target, Found>,
): { waiter: W; found: Found } | null {
  let best: (Numbered<W> & { found: Found }) | null = null;
  for (const [candidates, waiters] of queue) {
    if (!isOpen(candidates)) continue;
    for (const [waiter, number] of waiters) {
      if (best && number > best.number) break;
      const found = find(waiter);
      if (found === null) continue;
      best = { waiter, found, number };
      break;
    }
  }
  return best && { waiter: best.waiter, found: best.found };
}
