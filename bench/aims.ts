// Aims of the hot path beside what was seen; what is missed stays in the table as missed.

export type Aim = { figure: string; seen: number; shown: string; aim: string; isMet: boolean };

const shownOf = (value: number, unit: string) => `${Number.isNaN(value) ? "not measured" : value.toFixed(value < 10 ? 2 : 0)}${unit}`;

/** At most `limit`. */
export const atMost = (figure: string, seen: number, limit: number, unit = ""): Aim => ({
  figure,
  seen,
  shown: shownOf(seen, unit),
  aim: `<= ${limit}${unit}`,
  isMet: seen <= limit,
});

export const atLeast = (figure: string, seen: number, limit: number, unit = ""): Aim => ({
  figure,
  seen,
  shown: shownOf(seen, unit),
  aim: `>= ${limit}${unit}`,
  isMet: seen >= limit,
});

/** NaN, of what was left out of this run, is neither met nor missed. */
export function printAims(aims: readonly Aim[]): void {
  const rows = aims.map(({ figure, seen, shown, aim, isMet }) => ({
    figure,
    seen: shown,
    aim,
    "": Number.isNaN(seen) ? "-" : isMet ? "met" : "MISSED",
  }));
  console.log("\nAims");
  console.table(rows);
  console.log(`${rows.filter((row) => row[""] === "MISSED").length} of ${rows.length} aims are missed`);
}
