// Lets so many in at once under each name; the others wait in the order they came.

export type Turnstile = {
  /** Resolves with the way out, to be called once. Rejects with the signal's reason when it aborts first. */
  enter(name: string, signal: AbortSignal): Promise<() => void>;
};

export function createTurnstile(atOnce: number): Turnstile {
  const lanes = new Map<string, { inside: number; waiting: Set<() => void> }>();

  function leave(name: string): void {
    const lane = lanes.get(name)!;
    lane.inside--;
    const [next] = lane.waiting;
    if (next) next();
    else if (lane.inside === 0) lanes.delete(name);
  }

  return {
    async enter(name, signal) {
      signal.throwIfAborted();
      const lane = lanes.get(name) ?? { inside: 0, waiting: new Set() };
      lanes.set(name, lane);
      if (lane.inside >= atOnce) {
        await new Promise<void>((resolve, reject) => {
          const giveUp = () => {
            lane.waiting.delete(admit);
            reject(signal.reason);
          };
          const admit = () => {
            lane.waiting.delete(admit);
            signal.removeEventListener("abort", giveUp);
            lane.inside++;
            resolve();
          };
          lane.waiting.add(admit);
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
