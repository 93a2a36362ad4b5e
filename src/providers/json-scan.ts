// Finds long values of named fields in a JSON byte stream. Pure; knows strings and what separates them, nothing else of JSON.

/** A run of the stream, in order. A medium is `open`, any number of `medium` runs (the bytes between its quotes), `close`. */
export type Span = { type: "plain" | "medium"; bytes: Uint8Array } | { type: "open" | "close" };

export type Scanner = {
  /** Splits the next chunk. Spans are views of it: use them before the next chunk comes. */
  feed(chunk: Uint8Array): Generator<Span>;
  /** Whether the stream so far ends inside a string. */
  isInside(): boolean;
};

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const NEWLINE = 0x0a;

/**
 * A scanner for `"key": "value"` pairs whose value is longer than `threshold` bytes. Shorter values come out as plain bytes.
 * Text around the JSON (SSE's field names, array brackets) does no harm: JSON strings hold no raw newline, so a stray quote ends with its line.
 */
export function createScanner(keys: readonly string[], threshold: number): Scanner {
  const names = new Set(keys);
  const longestName = Math.max(...keys.map((key) => key.length));
  let mode: "gap" | "string" | "candidate" | "medium" = "gap";
  /** What stands between the last string and here: nothing, a colon (a value follows), anything else. */
  let gap: "nothing" | "colon" | "other" = "other";
  /** The last string, as far as it can be a name of ours. */
  let name = "";
  /** Whether the last chunk ended in an odd number of backslashes inside a string. */
  let escaped = false;
  let held: Uint8Array[] = [];
  let heldBytes = 0;

  const toGap = (state: typeof gap) => {
    mode = "gap";
    gap = state;
    escaped = false;
  };

  /** Goes to the next string; returns the index after its opening quote, or the chunk's length. */
  const enterString = (chunk: Buffer, from: number): number => {
    const quote = chunk.indexOf(QUOTE, from);
    const end = quote < 0 ? chunk.length : quote;
    for (let at = from; at < end && gap !== "other"; at++) {
      const byte = chunk[at]!;
      if (byte > 0x20) gap = byte === COLON && gap === "nothing" ? "colon" : "other";
    }
    if (quote < 0) return end;
    mode = gap === "colon" && names.has(name) ? "candidate" : "string";
    name = "";
    return quote + 1;
  };

  /** Index of the quote that ends the string whose bytes go on at `from`, or -1. */
  const findClose = (chunk: Buffer, from: number): number => {
    for (let at = from; ; ) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote < 0 ? chunk.length : quote;
      let slashes = 0;
      while (end - slashes > at && chunk[end - slashes - 1] === BACKSLASH) slashes++;
      const odd = (slashes % 2 === 1) !== (escaped && slashes === end - from);
      if (quote < 0) escaped = odd;
      if (quote < 0 || !odd) return quote;
      at = quote + 1;
    }
  };

  /** Goes on inside a string that is no medium; returns the index after it. */
  const passString = (chunk: Buffer, from: number): number => {
    const close = findClose(chunk, from);
    const end = close < 0 ? chunk.length : close;
    const newline = chunk.subarray(from, end).indexOf(NEWLINE);
    if (newline >= 0) {
      toGap("other");
      return from + newline + 1;
    }
    if (gap !== "colon" && name.length <= longestName) name += chunk.toString("latin1", from, Math.min(end, from + longestName + 1));
    if (close >= 0) toGap("nothing");
    return end + 1;
  };

  function* passValue(bytes: Uint8Array): Generator<Span> {
    heldBytes += bytes.byteLength;
    if (mode === "candidate" && heldBytes <= threshold) {
      held.push(bytes.slice());
      return;
    }
    if (mode === "candidate") {
      mode = "medium";
      yield { type: "open" };
      yield* release("medium");
    }
    yield { type: "medium", bytes };
  }

  function* release(type: "plain" | "medium"): Generator<Span> {
    const pieces = held;
    held = [];
    for (const bytes of pieces) yield { type, bytes };
  }

  function* closeValue(): Generator<Span> {
    if (mode === "medium") yield { type: "close" };
    else yield* release("plain");
    heldBytes = 0;
    toGap("nothing");
  }

  return {
    isInside: () => mode !== "gap",
    *feed(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      let plain = 0;
      while (at < chunk.length) {
        if (mode === "gap") {
          at = enterString(chunk, at);
          if ((mode as string) !== "candidate") continue;
          yield { type: "plain", bytes: chunk.subarray(plain, at) };
          plain = at;
        } else if (mode === "string") {
          at = passString(chunk, at);
        } else {
          const close = findClose(chunk, at);
          plain = close < 0 ? chunk.length : close;
          yield* passValue(chunk.subarray(at, plain));
          if (close >= 0) yield* closeValue();
          at = plain + 1;
        }
      }
      if (plain < chunk.length) yield { type: "plain", bytes: chunk.subarray(plain) };
    },
  };
}
