// The level at which several owners fit into one capacity: whoever has less than an equal part loses nothing. Pure.

/** What each holds above the level at which all of them together fit into `room`. */
export function above<T extends { bytes: number }>(sums: readonly T[], room: number): T[] {
  let left = room;
  const ascending = sums.toSorted((a, b) => a.bytes - b.bytes);
  for (const [index, sum] of ascending.entries()) {
    const level = Math.floor(left / (ascending.length - index));
    if (sum.bytes > level) return ascending.slice(index).map((owner) => ({ ...owner, bytes: owner.bytes - level }));
    left -= sum.bytes;
  }
  return [];
}
