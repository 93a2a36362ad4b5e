// The nearest known word to a mistyped one.

/** Fewer letters begin too much. */
const MIN_PREFIX = 3;

/**
 * The word of `words` nearest to `word`: one that begins with it or that it begins with, the shortest difference first; else the one with
 * the least edit distance (insert, delete, replace, swap of neighbours). Case does not count. The first of equals; null without words.
 */
export function nearest(word: string, words: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of words) {
    const distance = distanceOf(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= least) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

/** Below zero where one begins with the other: the nearer, the less of it is missing. */
function distanceOf(word: string, candidate: string): number {
  const short = Math.min(word.length, candidate.length);
  if (short >= MIN_PREFIX && word.slice(0, short) === candidate.slice(0, short)) return -1 / (1 + Math.abs(word.length - candidate.length));
  return editDistance(word, candidate);
}

/** Optimal string alignment over three rows of the table. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, before[column - 2]! + 1);
      current.push(cost);
    }
    before = previous;
    previous = current;
  }
  return previous[to.length]!;
}
