// Texts that hold up a parser whose work is not linear: each a piece that is repeated up to a length.

/** Name, piece, and what stands before and after the repetition. */
const KINDS: readonly [name: string, piece: string, head?: string, tail?: string][] = [
  ["blanks", " ", "a", "b"],
  ["tabs and blanks", "\t ", "hi", "x"],
  ["line breaks", "\n", "a", "b"],
  ["carriage returns", "\r\n\r", "a", "b"],
  ["image starts", "![a]("],
  ["image starts with targets", "![a](u ", "", ")"],
  ["brackets", "["],
  ["closed brackets", "[]("],
  ["braces", '{"a":'],
  ["parentheses", "("],
  ["angle brackets", "<"],
  ["closing tags", "><"],
  ["underscores", "_", "a", "-"],
  ["padding", "=", "AAAA", "-"],
  ["quotes", '"'],
  ["escaped quotes", '\\"'],
  ["backslashes", "\\"],
  ["slashes", "/", "http://h", "x"],
  ["comment marks", " # ", "key", "\n"],
  ["hashes", "#"],
  ["data URLs", "data:image/png;base64,"],
  ["base64 of one", "A", "data:image/png;base64,", "!"],
  ["addresses", "http://"],
  ["own links", "/media/aaaaaaaaaaaaaaaaaaaaaaaaaa"],
  ["file names", "/files/aaaaaaaaaaaaaaaaaaaaaaaaaa?"],
  ["secrets", "eyJ"],
  ["bearers", "bearer "],
  ["at signs", "a@"],
  ["ampersands", "a&"],
  ["per cent", "%2"],
  ["commas", ","],
  ["semicolons", "a=b;"],
  ["digits", "9", "1e", ""],
  ["dashes", "--x\r\n"],
  ["fences", "```"],
  ["tasks", "### Task: ", "### Task:", '"tag'],
  ["combining marks", "\u0301", "e"],
  ["emoji", "👩‍👩‍👧‍👦"],
  ["zeroes", "\0"],
  ["lone surrogates", "\ud800"],
];

export const hostileKinds: readonly string[] = KINDS.map(([name]) => name);

export function hostileText(kind: string, length: number): string {
  const [, piece, head = "", tail = ""] = KINDS.find(([name]) => name === kind)!;
  return head + piece.repeat(Math.ceil(length / piece.length)).slice(0, length) + tail;
}
