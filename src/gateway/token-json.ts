// Tokens in JSON: lists of secrets or objects, the Python original's exports, our own, and browsers' cookie exports.
import { type Cookie, fromCookies, isRecognised, recognise } from "./token-forms.ts";
import type { ParsedLine, ParseOptions } from "./token-import.ts";
import { readRecord } from "./token-record.ts";

/** Fields under which a list of tokens may lie in an object. */
const LISTS = ["tokens", "accounts", "keys"];

type Table = Record<string, unknown>;

const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null && !Array.isArray(value);
const isCookie = (value: unknown): value is Cookie =>
  isTable(value) && typeof value.name === "string" && typeof value.value === "string" && !("provider" in value);

/** @param text the JSON of `document`, to tell lines. @param line of its beginning, from 1 */
export function readDocument(document: unknown, text: string, line: number, options: ParseOptions): ParsedLine[] {
  const list = listIn(document);
  if (!list) return [readElement(document, line, options)];
  if (list.items.length > 0 && list.items.every(isCookie)) return [readCookies(list.items, line)];
  const lines = elementLines(text, list.name, line);
  return list.items.map((item, index) => {
    const parsed = readElement(item, lines[index] ?? line, options);
    return "reason" in parsed ? { ...parsed, reason: `entry ${index + 1}: ${parsed.reason}` } : parsed;
  });
}

function listIn(document: unknown): { name: string | null; items: unknown[] } | null {
  if (Array.isArray(document)) return { name: null, items: document };
  if (!isTable(document)) return null;
  const name = LISTS.find((field) => Array.isArray(document[field]));
  return name ? { name, items: document[name] as unknown[] } : null;
}

function readElement(item: unknown, line: number, options: ParseOptions): ParsedLine {
  if (typeof item === "string") {
    const found = recognise(item, options.provider);
    return isRecognised(found) ? { line, ...found } : { line, reason: found.reason };
  }
  if (Array.isArray(item) && item.every(isCookie)) return readCookies(item, line);
  if (!isTable(item)) return { line, reason: "is neither text nor an object" };
  const { cookies, cookie } = item;
  if (Array.isArray(cookies) && cookies.every(isCookie)) {
    const found = fromCookies(cookies);
    return isRecognised(found) ? readRecord({ ...item, ...found }, line, options) : { line, reason: found.reason };
  }
  return readRecord(typeof cookies === "string" && cookie === undefined ? { ...item, cookie: cookies } : item, line, options);
}

function readCookies(cookies: readonly Cookie[], line: number): ParsedLine {
  const found = fromCookies(cookies);
  return isRecognised(found) ? { line, ...found } : { line, reason: found.reason };
}

/** The line on which each element of the list begins: the list under `name`, or the outermost one. */
function elementLines(text: string, name: string | null, firstLine: number): number[] {
  const start =
    name === null
      ? text.indexOf("[")
      : (new RegExp(`"${name}"\\s*:\\s*\\[`).exec(text)?.[0].length ?? 0) + text.search(`"${name}"\\s*:\\s*\\[`) - 1;
  let line = firstLine + (text.slice(0, start).match(/\n/g)?.length ?? 0);
  const lines: number[] = [];
  let depth = 0;
  let expected = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\n") line++;
    if (/\s/.test(char)) continue;
    if (depth === 1 && expected && char !== "]") {
      lines.push(line);
      expected = false;
    }
    if (char === '"') at = endOfString(text, at);
    else if (char === "[" || char === "{") {
      depth++;
      expected = depth === 1;
    } else if (char === "]" || char === "}") {
      if (--depth === 0) return lines;
    } else if (char === "," && depth === 1) expected = true;
  }
  return lines;
}

/** Index of the closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
