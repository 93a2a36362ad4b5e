// Stylesheet: the files of `views/assets/css` in the order of their names as one, without comments and spaces.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `folder` holds the files; their numbers say their order. */
export function readStylesheet(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.endsWith(".css"));
  return joinStyles(names.sort().map((name) => readFileSync(join(folder, name), "utf8")));
}

/** Rules of a media query stand behind all others, one block for each query: what holds for a width wins over what holds always. */
export function joinStyles(texts: readonly string[]): string {
  const always: string[] = [];
  const conditional = new Map<string, string[]>();
  for (const { head, body } of texts.flatMap((text) => topLevelBlocks(withoutComments(text)))) {
    if (!head.startsWith("@media")) always.push(`${head}{${body}}`);
    else conditional.set(head, [...(conditional.get(head) ?? []), body]);
  }
  const queries = [...conditional].sort(([a], [b]) => orderOf(a) - orderOf(b));
  return `${always.join("")}${queries.map(([head, bodies]) => `${head}{${bodies.join("")}}`).join("")}`;
}

/** Wide first, then narrow and narrower: the narrowest that holds wins. Queries of no width come last. */
function orderOf(query: string): number {
  const [, side, width] = /\((min|max)-width:(\d+)px\)/.exec(query) ?? [];
  if (width === undefined) return 1e6;
  return side === "min" ? Number(width) : 1e5 - Number(width);
}

type Block = { head: string; body: string };

/** The blocks of a stylesheet, each with what is before its outer braces and what is between them. */
function topLevelBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let depth = 0;
  let start = 0;
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "{" && depth++ === 0) open = at;
    if (text[at] === "}" && --depth === 0) {
      blocks.push({ head: tight(text.slice(start, open)), body: tight(text.slice(open + 1, at)) });
      start = at + 1;
    }
  }
  return blocks;
}

function withoutComments(text: string): string {
  const pieces = text.split("/*");
  return pieces.map((piece, at) => (at === 0 ? piece : piece.slice(piece.indexOf("*/") + 2))).join("");
}

const tight = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, "$1")
    .replace(/: /g, ":")
    .replace(/ ?> ?/g, ">")
    .trim()
    .replace(/;(?=}|$)/g, "");
