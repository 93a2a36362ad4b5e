// Linear scanner for Markdown images (`![alt](url "title")`) in client text.

export type MarkdownImage = {
  alt: string;
  url: string;
  /** The whole image stands in `text.slice(start, end)`. */
  start: number;
  end: number;
};

/** The target after `](`: blanks, an optional `<`, the URL. Sticky, and each class excludes what may follow it. */
const BLANKS = /\s*/y;
const URL_TEXT = /[^)\s>]+/y;

/**
 * Every image in the order of the text. Brackets inside the alternative text may be balanced or stray.
 * Linear in the length of the text: each search begins where the last one ended, and a missing `)` ends the scan.
 */
export function markdownImages(text: string): MarkdownImage[] {
  const images: MarkdownImage[] = [];
  let start = -1;
  let depth = 0;
  let open = text.indexOf("[");
  let close = text.indexOf("]");
  while (close >= 0) {
    if (open >= 0 && open < close) {
      if (text[open - 1] === "!") {
        start = open - 1;
        depth = 1;
      } else depth += 1;
      open = text.indexOf("[", open + 1);
      continue;
    }
    if (text[close + 1] === "(" && start >= 0) {
      const last = text.indexOf(")", close + 2);
      if (last < 0) return images;
      const url = targetAt(text, close + 2);
      if (url) {
        images.push({ alt: text.slice(start + 2, close), url, start, end: last + 1 });
        if (open >= 0 && open < last) open = text.indexOf("[", last + 1);
        close = last;
      }
      start = -1;
    } else if (--depth <= 0) start = -1;
    close = text.indexOf("]", close + 1);
  }
  return images;
}

function targetAt(text: string, at: number): string | null {
  BLANKS.lastIndex = at;
  BLANKS.test(text);
  let from = BLANKS.lastIndex;
  if (text[from] === "<") from += 1;
  URL_TEXT.lastIndex = from;
  return URL_TEXT.exec(text)?.[0] ?? null;
}
