// CSV cells: quoted where needed, and nothing that a spreadsheet takes for a formula. Pure.

/** In front of a file: spreadsheets need it for other than Latin letters. */
export const BYTE_ORDER_MARK = "\uFEFF";

/** In quotes where it needs them; what a spreadsheet would take for a formula is made text. */
export function csvText(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** An RFC 4180 line; null is an empty cell. */
export const csvLine = (cells: readonly (string | number | null)[]): string =>
  `${cells.map((cell) => (typeof cell === "string" ? csvText(cell) : (cell ?? ""))).join(",")}\r\n`;
