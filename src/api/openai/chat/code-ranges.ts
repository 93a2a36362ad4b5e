// Code ranges of Markdown text: fenced blocks and inline spans. Linear in the length of the text.

export type Range = { start: number; end: number };

/** A fence at the start of a line, also inside quotes and lists. */
const FENCE = /^[ \t>*+-]{0,40}(`{3,}|~{3,})/;

/** Ranges of code in order. An unclosed fence extends to the end of the text. */
export function codeRanges(text: string): Range[] {
  if (!text.includes("`") && !text.includes("~~~")) return [];
  const ranges: Range[] = [];
  let open: { mark: string; start: number } | null = null;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline + 1;
    const mark = FENCE.exec(text.slice(start, Math.min(end, start + 200)))?.[1];
    if (open) {
      if (mark?.startsWith(open.mark)) {
        ranges.push({ start: open.start, end });
        open = null;
      }
    } else if (mark) open = { mark, start };
    else addSpans(text, { start, end }, ranges);
    start = end;
  }
  if (open) ranges.push({ start: open.start, end: text.length });
  return ranges;
}

/** Spans between runs of as many backticks, within one line. */
function addSpans(text: string, line: Range, ranges: Range[]): void {
  const runs: Range[] = [];
  for (let at = text.indexOf("`", line.start); at >= 0 && at < line.end; ) {
    let end = at + 1;
    while (text[end] === "`") end++;
    runs.push({ start: at, end });
    at = text.indexOf("`", end);
  }
  const next = new Map<number, number>();
  const partners = new Array<number | undefined>(runs.length);
  for (let index = runs.length - 1; index >= 0; index--) {
    const length = runs[index]!.end - runs[index]!.start;
    partners[index] = next.get(length);
    next.set(length, index);
  }
  for (let index = 0; index < runs.length; index++) {
    const partner = partners[index];
    if (partner === undefined) continue;
    ranges.push({ start: runs[index]!.start, end: runs[partner]!.end });
    index = partner;
  }
}
