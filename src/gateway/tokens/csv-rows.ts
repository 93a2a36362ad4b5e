// Rows of CSV: their fields, and the lines that one row goes over. Pure.

export const SEPARATORS: readonly string[] = [",", ";", "\t"];
/** Most lines, and characters, of one row: a quote that is never closed takes no more with it. */
const MAX_LINES = 20;
const MAX_ROW = 32 * 1024;

/**
 * Reads the row that begins at a line, and how many lines it has: a quoted field may hold line breaks. A quote that is not closed as
 * it should be takes nothing with it, and no row is looked for again in the lines that were read.
 */
export function createRows(texts: readonly string[]): (start: number, separator: string) => { text: string; lines: number } {
  let seen = 0;
  return (start, separator) => {
    let text = texts[start]!;
    const alone = { text, lines: 1 };
    if (start < seen || !isOpen(text, separator)) return alone;
    let lines = 1;
    while (lines < MAX_LINES && start + lines < texts.length && text.length < MAX_ROW) {
      text = `${text}\n${texts[start + lines]}`;
      lines++;
      if (!isOpen(text, separator)) return { text, lines };
    }
    seen = start + lines;
    return alone;
  };
}

/** True where a field begins with a quote and none ends it. */
function isOpen(text: string, separator: string): boolean {
  for (let at = 0; at <= text.length; ) {
    const quoted = quotedCell(text, at, separator);
    if (!quoted && text[at] === '"') return true;
    const next = quoted ? quoted.end : text.indexOf(separator, at);
    at = next === -1 ? text.length + 1 : next + 1;
  }
  return false;
}

/** Fields of one row; quotes as in RFC 4180. */
export function splitRow(text: string, separator: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const quoted = quotedCell(text, at, separator);
    if (quoted) {
      cells.push(quoted.value);
      at = quoted.end + 1;
      continue;
    }
    const next = text.indexOf(separator, at);
    cells.push(text.slice(at, next === -1 ? undefined : next).trim());
    at = next === -1 ? text.length + 1 : next + 1;
  }
  return cells;
}

/** The quoted field that begins at `start`, and the index of what ends it; null where none does. */
function quotedCell(text: string, start: number, separator: string): { value: string; end: number } | null {
  let at = start;
  while (text[at] === " " || (text[at] === "\t" && separator !== "\t")) at++;
  if (text[at] !== '"') return null;
  let value = "";
  for (at++; at < text.length; at++) {
    if (text[at] !== '"') value += text[at];
    else if (text[at + 1] === '"') {
      value += '"';
      at++;
    } else break;
  }
  if (at >= text.length) return null;
  let end = at + 1;
  while (text[end] === " ") end++;
  return end === text.length || text[end] === separator ? { value, end } : null;
}
