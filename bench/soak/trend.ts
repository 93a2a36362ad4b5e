// The trend of noisy samples: Theil–Sen, the median of the slopes of all pairs. One burst, or a heap's sawtooth, does not move it.
// Source: P. K. Sen, Estimates of the Regression Coefficient Based on Kendall's Tau (1968), https://doi.org/10.1080/01621459.1968.10480934

export type Point = { /** Hours. */ at: number; value: number };

/** Growth per hour; NaN of fewer than two points. */
export function growthPerHour(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [index, one] of points.entries()) {
    for (const other of points.slice(index + 1)) if (other.at !== one.at) slopes.push((other.value - one.value) / (other.at - one.at));
  }
  return median(slopes);
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
