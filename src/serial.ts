// Serial: runs async tasks one after another, for effects that must not overlap; turns: long walks in parts, between which others are served.

/** Returns a function that runs each task once all earlier ones have ended, however they ended. */
export function createSerial(): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task);
    last = run.catch(() => {});
    return run;
  };
}

/** Items of one turn: about a millisecond for what is looked at of a token. */
export const TURN_ITEMS = 500;

/** Resolves when the event loop has served others, timers among them, which `setImmediate` runs before. */
export const nextTurn = (): Promise<void> => Bun.sleep(0);

/** Visits every item. Items that are added or removed meanwhile may be visited or not. */
export async function visitInTurns<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  let visited = 0;
  for (const item of items) {
    if (visited > 0 && visited % TURN_ITEMS === 0) await nextTurn();
    visit(item);
    visited++;
  }
}
