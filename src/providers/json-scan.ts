// Finds long values of named fields in a JSON byte stream. Pure; knows strings and what separates them, nothing else of JSON.

/** A run of the stream, in order. A media item is `open`, any number of `media` runs (the bytes between its quotes), `close`. */
export type Span = { type: "plain" | "media"; bytes: Uint8Array } | { type: "open" | "close" };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const NEWLINE = 0x0a;

/**
 * Scanner for `"key": "value"` pairs whose value is longer than `threshold` bytes. Shorter values come out as plain bytes.
 * Text around the JSON (SSE's field names, array brackets) does no harm: JSON strings hold no raw newline, so a stray quote ends with its line.
 */
export class JsonScanner {
  private readonly names: ReadonlySet<string>;
  private readonly longestName: number;
  private mode: "gap" | "string" | "candidate" | "media" = "gap";
  /** What stands between the last string and here: nothing, a colon (a value follows), anything else. */
  private gap: "nothing" | "colon" | "other" = "other";
  /** The last string, as far as it can be a name of ours. */
  private name = "";
  /** Whether the last chunk ended in an odd number of backslashes inside a string. */
  private escaped = false;
  private held: Uint8Array[] = [];
  private heldBytes = 0;

  constructor(
    keys: readonly string[],
    private readonly threshold: number,
  ) {
    this.names = new Set(keys);
    this.longestName = Math.max(...keys.map((key) => key.length));
  }

  private toGap(state: "nothing" | "colon" | "other") {
    this.mode = "gap";
    this.gap = state;
    this.escaped = false;
  }

  /** Goes to the next string; returns the index after its opening quote, or the chunk's length. */
  private enterString(chunk: Buffer, from: number): number {
    const quote = chunk.indexOf(QUOTE, from);
    const end = quote < 0 ? chunk.length : quote;
    for (let at = from; at < end && this.gap !== "other"; at++) {
      const byte = chunk[at]!;
      if (byte > 0x20) this.gap = byte === COLON && this.gap === "nothing" ? "colon" : "other";
    }
    if (quote < 0) return end;
    this.mode = this.gap === "colon" && this.names.has(this.name) ? "candidate" : "string";
    this.name = "";
    return quote + 1;
  }

  /** Index of the quote that ends the string whose bytes go on at `from`, or -1. */
  private findClose(chunk: Buffer, from: number): number {
    for (let at = from; ; ) {
      const quote = chunk.indexOf(QUOTE, at);
      const end = quote < 0 ? chunk.length : quote;
      let slashes = 0;
      while (end - slashes > at && chunk[end - slashes - 1] === BACKSLASH) slashes++;
      const odd = (slashes % 2 === 1) !== (this.escaped && slashes === end - from);
      if (quote < 0) this.escaped = odd;
      if (quote < 0 || !odd) return quote;
      at = quote + 1;
    }
  }

  /** Goes on inside a string that is no media item; returns the index after it. */
  private passString(chunk: Buffer, from: number): number {
    const close = this.findClose(chunk, from);
    const end = close < 0 ? chunk.length : close;
    const newline = chunk.subarray(from, end).indexOf(NEWLINE);
    if (newline >= 0) {
      this.toGap("other");
      return from + newline + 1;
    }
    if (this.gap !== "colon" && this.name.length <= this.longestName)
      this.name += chunk.toString("latin1", from, Math.min(end, from + this.longestName + 1));
    if (close >= 0) this.toGap("nothing");
    return end + 1;
  }

  private *passValue(bytes: Uint8Array): Generator<Span> {
    this.heldBytes += bytes.byteLength;
    if (this.mode === "candidate" && this.heldBytes <= this.threshold) {
      this.held.push(bytes.slice());
      return;
    }
    if (this.mode === "candidate") {
      this.mode = "media";
      yield { type: "open" };
      yield* this.release("media");
    }
    yield { type: "media", bytes };
  }

  private *release(type: "plain" | "media"): Generator<Span> {
    const pieces = this.held;
    this.held = [];
    for (const bytes of pieces) yield { type, bytes };
  }

  private *closeValue(): Generator<Span> {
    if (this.mode === "media") yield { type: "close" };
    else yield* this.release("plain");
    this.heldBytes = 0;
    this.toGap("nothing");
  }

  /** Whether the stream so far ends inside a string. */
  isInside(): boolean {
    return this.mode !== "gap";
  }

  /** Splits the next chunk. Spans are views of it: use them before the next chunk comes. */
  *feed(bytes: Uint8Array): Generator<Span> {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    let plain = 0;
    while (at < chunk.length) {
      if (this.mode === "gap") {
        at = this.enterString(chunk, at);
        if ((this.mode as string) !== "candidate") continue;
        yield { type: "plain", bytes: chunk.subarray(plain, at) };
        plain = at;
      } else if (this.mode === "string") {
        at = this.passString(chunk, at);
      } else {
        const close = this.findClose(chunk, at);
        plain = close < 0 ? chunk.length : close;
        yield* this.passValue(chunk.subarray(at, plain));
        if (close >= 0) yield* this.closeValue();
        at = plain + 1;
      }
    }
    if (plain < chunk.length) yield { type: "plain", bytes: chunk.subarray(plain) };
  }
}
