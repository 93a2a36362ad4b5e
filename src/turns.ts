// Long walks in turns: between two of them the event loop serves others.

/** Items of one turn: about a millisecond for what is looked at of a token. */
export const TURN_ITEMS = 500;

/** Visits every item. Items that are added or removed meanwhile may be visited or not. */
export async function visitInTurns<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  let visited = 0;
  for (const item of items) {
    if (visited > 0 && visited % TURN_ITEMS === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    visit(item);
    visited++;
  }
}
