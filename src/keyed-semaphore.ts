// Lets so many in at once under each name; the others wait in the order they came.

export type KeyedSemaphore = {
  /**
   * Resolves with the way out, to be called once. Rejects with the signal's reason when it aborts first.
   * `onWait`: called when it has to wait, and when its place gets better; those inside are counted before it.
   */
  enter(name: string, signal: AbortSignal, onWait?: (position: number) => void): Promise<() => void>;
};

export function createKeyedSemaphore(atOnce: number): KeyedSemaphore {
  type Waiter = { admit(): void; onWait?: (position: number) => void };
  type CandidateSet = { inside: number; waiting: Set<Waiter> };
  const lanes = new Map<string, CandidateSet>();

  function leave(name: string): void {
    const lane = lanes.get(name)!;
    lane.inside--;
    const [next] = lane.waiting;
    if (next) next.admit();
    else if (lane.inside === 0) lanes.delete(name);
  }

  function moveUp(lane: CandidateSet, waiter: Waiter): void {
    lane.waiting.delete(waiter);
    for (const [before, { onWait }] of [...lane.waiting].entries()) onWait?.(atOnce + before + 1);
  }

  return {
    async enter(name, signal, onWait) {
      signal.throwIfAborted();
      const lane = lanes.get(name) ?? { inside: 0, waiting: new Set() };
      lanes.set(name, lane);
      if (lane.inside >= atOnce) {
        await new Promise<void>((resolve, reject) => {
          const giveUp = () => {
            moveUp(lane, waiter);
            reject(signal.reason);
          };
          const admit = () => {
            signal.removeEventListener("abort", giveUp);
            lane.inside++;
            moveUp(lane, waiter);
            resolve();
          };
          const waiter: Waiter = { admit, onWait };
          lane.waiting.add(waiter);
          onWait?.(atOnce + lane.waiting.size);
          signal.addEventListener("abort", giveUp, { once: true });
        });
      } else lane.inside++;
      let isInside = true;
      return () => {
        if (!isInside) return;
        isInside = false;
        leave(name);
      };
    },
  };
}
