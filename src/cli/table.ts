// Rows for a terminal.

/** Cells in columns two spaces apart, one line a row. */
export function rowsText(rows: string[][]): string {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, column) => Math.max(cell.length, widest[column] ?? 0)), []);
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  "));
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** Text of people without what could drive a terminal. */
export function printableCell(text: string): string {
  return text.replace(/\p{Cc}/gu, "·");
}
