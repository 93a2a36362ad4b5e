// JSON of request bodies, parsed within bounds: depth, entries of one list or object, and values in all.
import { AppError } from "../../errors.ts";

/** Deeper than any body that means something. */
const MAX_DEPTH = 100;
/** Of one list or object. */
const MAX_ENTRIES = 10_000;
/** Each may cost a hundred bytes of memory once it is parsed, however short its text. */
const MAX_VALUES = 100_000;

/**
 * Bounds are counted in the text: what is over them is refused before anything is made of it.
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

/** One pass; strings, which are most of a large body, are skipped at the speed of a search. Text that is not JSON passes or is refused. */
function assertBounded(text: string): void {
  const entries = new Int32Array(MAX_DEPTH + 1);
  let depth = 0;
  let values = 0;
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

/** The place of the closing quote; the end of the text where there is none. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (before >= from && text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((quote - before) % 2 === 1) return quote;
  }
  return text.length;
}

const refuse = (what: string) => new AppError("invalid_request", `The request body ${what}.`, { reason: "body_too_complex" });
