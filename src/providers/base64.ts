// Base64 as it stands inside JSON strings, decoded piece by piece and checked.
import { damaged } from "./json-stream.ts";

export type Base64Decoder = {
  /** Decodes what is complete of the next piece: raw bytes of the JSON string, escapes and all. Pieces may be cut anywhere. */
  push(piece: Uint8Array): Uint8Array;
  /** The last bytes; missing padding is accepted. */
  end(): Uint8Array;
};

/**
 * A decoder for one value: standard or url-safe alphabet, with or without padding, JSON escapes (`\/`, `\n`, `\u003d`) and white space inside.
 * @throws {AppError} `upstream_unavailable` with reason `malformed` from `push` and `end`
 */
export function createBase64Decoder(): Base64Decoder {
  const escapes = createUnescape();
  let rest = "";
  let padded = false;

  const decode = (text: string, lastChunkHandling: "loose" | "stop-before-partial"): Uint8Array => {
    const out = new Uint8Array(Math.ceil(text.length / 4) * 3);
    try {
      const { read, written } = out.setFromBase64(text, { lastChunkHandling });
      rest = text.slice(read);
      return written === out.byteLength ? out : out.subarray(0, written);
    } catch (error) {
      throw malformed(error);
    }
  };

  return {
    push(piece) {
      const text = rest + toStandard(escapes.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1")));
      if (padded && text.trim() !== "") throw malformed();
      const bytes = decode(text, "stop-before-partial");
      if (rest) rest = rest.replaceAll(/\s/g, "");
      else padded ||= text.includes("=");
      return bytes;
    },
    end() {
      if (!escapes.isComplete()) throw malformed();
      return decode(withoutPadding(rest), "loose");
    },
  };
}

/**
 * Decodes a whole value, as JSON.parse returned it.
 * @throws {AppError} `upstream_unavailable` with reason `malformed`
 */
export function decodeBase64(text: string): Uint8Array {
  try {
    const standard = toStandard(text.trimEnd());
    return Uint8Array.fromBase64(standard.length % 4 === 0 && !standard.endsWith("===") ? standard : withoutPadding(standard));
  } catch (error) {
    throw malformed(error);
  }
}

/** Characters decoded at a time; a multiple of 4. Fresh memory for a text of megabytes costs more than decoding it. */
const PIECE = 256 * 1024;

/** Decodes standard base64, padded and without anything between, from its bytes; null where they are anything else. */
export function decodeCanonical(ascii: Uint8Array): Uint8Array | null {
  const { buffer, byteOffset, byteLength } = ascii;
  if (byteLength % 4 !== 0) return null;
  const text = Buffer.from(buffer, byteOffset, byteLength);
  // Every byte of it is written, or it is not given out.
  const out = new Uint8Array(Buffer.allocUnsafeSlow((byteLength / 4) * 3 - paddingOf(ascii)).buffer);
  let written = 0;
  try {
    for (let at = 0; at < byteLength; at += PIECE)
      written += out.subarray(written).setFromBase64(text.toString("latin1", at, at + PIECE)).written;
  } catch {
    return null;
  }
  return written === out.byteLength ? out : null;
}

const EQUALS = 0x3d;

function paddingOf(ascii: Uint8Array): number {
  if (ascii.at(-1) !== EQUALS) return 0;
  return ascii.at(-2) === EQUALS ? 2 : 1;
}

/** Whether a value that was decoded to so many bytes is standard base64, padded and without anything between. */
export function isCanonical(value: string, bytes: number): boolean {
  const padding = (3 - (bytes % 3)) % 3;
  if (value.length !== Math.ceil(bytes / 3) * 4 || isUrlSafe(value)) return false;
  return padding === 0 || value.endsWith(padding === 1 ? "=" : "==");
}

const malformed = (cause?: unknown) => damaged("malformed", "The upstream's answer holds damaged media.", cause);

function withoutPadding(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "=") end -= 1;
  return text.slice(0, end);
}

const isUrlSafe = (text: string): boolean => text.includes("-") || text.includes("_");

function toStandard(text: string): string {
  if (!isUrlSafe(text)) return text;
  return text.replaceAll("-", "+").replaceAll("_", "/");
}

/** Escapes of JSON strings, with the unfinished one at the end of a piece held for the next. */
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(u[0-9a-fA-F]{0,3})?$|([^u]))/g;

function createUnescape(): { push(text: string): string; isComplete(): boolean } {
  let held = "";
  return {
    push(piece) {
      const text = held + piece;
      held = "";
      if (!text.includes("\\")) return text;
      return text.replace(ESCAPE, (whole, unit: string | undefined, _open: string | undefined, single: string | undefined) => {
        if (unit) return String.fromCharCode(Number.parseInt(unit, 16));
        if (single) return "bfnrt".includes(single) ? " " : single;
        held = whole;
        return "";
      });
    },
    isComplete: () => held === "",
  };
}
