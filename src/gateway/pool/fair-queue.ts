// Requests that wait for a token: first come first served within a key, keys take turns.

/** A waiting request. Its `lane` says which tokens it waits for; those of other lanes never hold it up. */
export type Waiting<CandidateSet extends object> = { readonly keyId: number; readonly lane: CandidateSet };

export type Queue<W extends Waiting<CandidateSet>, CandidateSet extends object> = {
  size(): number;
  enter(waiter: W): void;
  /** False when it is not inside any more. */
  leave(waiter: W): boolean;
  /**
   * Takes out the next request that `find` has something for. The key served least recently comes first, within it the earliest
   * request; lanes for which `isOpen` is false are passed over without asking. Where `isServed` is false the request gets nothing of what
   * was found, and its key keeps its turn.
   */
  next<Found>(
    isOpen: (lane: CandidateSet) => boolean,
    find: (waiter: W) => Found | null,
    isServed?: (waiter: W, found: Found) => boolean,
  ): { waiter: W; found: Found } | null;
  /** All requests in the order in which they are served if every lane is open. */
  inOrder(): W[];
  /** How many requests of this key wait. */
  sizeOf(keyId: number): number;
  /** The newest request of the key that has the most of them, where those are at least `least`; else null. */
  newestOfLargest(least: number): W | null;
  /** How many would be served before the newest request of this key. */
  aheadOfNewest(keyId: number): number;
};

type Numbered<W> = { waiter: W; number: number };

export function createQueue<W extends Waiting<CandidateSet>, CandidateSet extends object>(): Queue<W, CandidateSet> {
  /** The key whose turn is next comes first; a Map keeps insertion order. */
  const lines = new Map<number, Map<CandidateSet, Map<W, number>>>();
  const sizes = new Map<number, number>();
  let total = 0;
  let count = 0;

  function leave(waiter: W): boolean {
    const line = lines.get(waiter.keyId);
    const lane = line?.get(waiter.lane);
    if (!line || !lane?.delete(waiter)) return false;
    total--;
    if (lane.size === 0) line.delete(waiter.lane);
    const left = sizes.get(waiter.keyId)! - 1;
    sizes.set(waiter.keyId, left);
    if (left === 0) {
      lines.delete(waiter.keyId);
      sizes.delete(waiter.keyId);
    }
    return true;
  }

  const ordered = (keyId: number): Numbered<W>[] =>
    [...lines.get(keyId)!.values()]
      .flatMap((lane) => [...lane].map(([waiter, number]) => ({ waiter, number })))
      .sort((a, b) => a.number - b.number);

  return {
    size: () => total,
    enter(waiter) {
      const { keyId, lane } = waiter;
      const line = lines.get(keyId) ?? new Map<CandidateSet, Map<W, number>>();
      lines.set(keyId, line);
      const place = line.get(lane) ?? new Map<W, number>();
      line.set(lane, place.set(waiter, ++count));
      sizes.set(keyId, (sizes.get(keyId) ?? 0) + 1);
      total++;
    },
    leave,
    next(isOpen, find, isServed = () => true) {
      for (const [keyId, line] of lines) {
        const first = firstOf(line, isOpen, find);
        if (!first) continue;
        leave(first.waiter);
        if (isServed(first.waiter, first.found) && lines.delete(keyId)) lines.set(keyId, line);
        return first;
      }
      return null;
    },
    inOrder() {
      const rounds = [...lines.keys()].map(ordered);
      const order: W[] = [];
      for (let round = 0; order.length < total; round++) {
        for (const line of rounds) if (round < line.length) order.push(line[round]!.waiter);
      }
      return order;
    },
    sizeOf: (keyId) => sizes.get(keyId) ?? 0,
    newestOfLargest(least) {
      let largest: number | null = null;
      for (const [keyId, size] of sizes) if (size >= least && size > (sizes.get(largest!) ?? 0)) largest = keyId;
      return largest === null ? null : newestOf(lines.get(largest)!);
    },
    aheadOfNewest(keyId) {
      const own = sizes.get(keyId) ?? 0;
      let ahead = Math.max(0, own - 1);
      let isBefore = true;
      for (const other of lines.keys()) {
        if (other === keyId) isBefore = false;
        else ahead += Math.min(sizes.get(other)!, isBefore ? own : own - 1);
      }
      return ahead;
    },
  };
}

/** The request of one key that came last. */
function newestOf<W, CandidateSet>(line: ReadonlyMap<CandidateSet, ReadonlyMap<W, number>>): W | null {
  let newest: { waiter: W; number: number } | null = null;
  for (const waiters of line.values()) {
    for (const [waiter, number] of waiters) if (!newest || number > newest.number) newest = { waiter, number };
  }
  return newest?.waiter ?? null;
}

/** The earliest request of one key that something is found for. */
function firstOf<W, CandidateSet, Found>(
  line: ReadonlyMap<CandidateSet, ReadonlyMap<W, number>>,
  isOpen: (lane: CandidateSet) => boolean,
  find: (waiter: W) => Found | null,
): { waiter: W; found: Found } | null {
  let best: { waiter: W; found: Found; number: number } | null = null;
  for (const [lane, waiters] of line) {
    if (!isOpen(lane)) continue;
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
