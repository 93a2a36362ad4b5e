// Figures of a simulation, summed over its worlds, and their report.

export type Figures = {
  hours: number;
  worlds: number;
  steps: number;
  requests: number;
  ok: number;
  /** By ErrorKind. */
  failed: Record<string, number>;
  leases: number;
  waited: number;
  refused: number;
  longestQueue: number;
  admitted: number;
  limited: number;
  unwritable: number;
  settled: number;
  released: number;
  submitted: number;
  charged: number;
  crashes: number;
  clockJumps: number;
  outages: number;
  operatorActs: number;
  quietPoints: number;
};

export const noFigures = (): Figures => ({
  hours: 0,
  worlds: 0,
  steps: 0,
  requests: 0,
  ok: 0,
  failed: {},
  leases: 0,
  waited: 0,
  refused: 0,
  longestQueue: 0,
  admitted: 0,
  limited: 0,
  unwritable: 0,
  settled: 0,
  released: 0,
  submitted: 0,
  charged: 0,
  crashes: 0,
  clockJumps: 0,
  outages: 0,
  operatorActs: 0,
  quietPoints: 0,
});

/** Adds the figures of one world to the sum. Changes `sum`. */
export function addFigures(sum: Figures, more: Figures): void {
  for (const [kind, count] of Object.entries(more.failed)) sum.failed[kind] = (sum.failed[kind] ?? 0) + count;
  const { failed: _, longestQueue, ...counts } = more;
  for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) sum[name] += count;
  sum.longestQueue = Math.max(sum.longestQueue, longestQueue);
}

/** One line for each figure. */
export function inWords({
  failed,
  ...counts
}: { failed: Record<string, number> } & Record<string, number | Record<string, number>>): string {
  const names = Object.entries(counts).map(
    ([name, count]) => [name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), count] as const,
  );
  const kinds = Object.entries(failed)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => [`  ${kind}`, count] as const);
  return [...names, ["failed, by kind", ""] as const, ...kinds]
    .map(([name, count]) => `${name.padEnd(26)}${count.toLocaleString()}`)
    .join("\n");
}
