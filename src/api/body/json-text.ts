// JSON parser with bounds: depth, entries of one list or object, and values in total.
import { AppError } from "../../errors.ts";

/** Deeper than any valid body. */
const MAX_DEPTH = 100;
/** Entries of one list or object. */
const MAX_ENTRIES = 10_000;
/** Values in total: each may take about 100 bytes of memory, however short its text. */
const MAX_VALUES = 100_000;

/**
 * Bounds are counted in the text, before it is parsed.
 * @throws {AppError} `invalid_request`
 */
export function parseJson(text: string): unknown {
  assertBounded(text);
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError("invalid_request", "The request body is not valid JSON.");
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Entries of the list or object at each depth, counted anew in each pass. */
const entries = new Int32Array(MAX_DEPTH + 1);

/** One pass; strings, most of a large body, are skipped by `indexOf`. Text that is not JSON may pass. */
function assertBounded(text: string): void {
  let depth = 0;
  let values = 0;
  entries[0] = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at + 1);
    } else if (code === COMMA) {
      if (++values > MAX_VALUES) throw refuse(`has more than ${MAX_VALUES} values`);
      if (++entries[depth]! >= MAX_ENTRIES) throw refuse(`has a list or an object with more than ${MAX_ENTRIES} entries`);
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > MAX_DEPTH) throw refuse(`is nested deeper than ${MAX_DEPTH} levels`);
      if (++values > MAX_VALUES) throw refuse(`has more than ${MAX_VALUES} values`);
      entries[depth] = 0;
    } else if ((code === CLOSE_LIST || code === CLOSE_OBJECT) && depth > 0) depth -= 1;
  }
}

/** Index of the closing quote; the end of the text where there is none. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (before >= from && text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 1) return quote;
  }
  return text.length;
}

const refuse = (what: string) => new AppError("invalid_request", `The request body ${what}.`, { reason: "body_too_complex" });
