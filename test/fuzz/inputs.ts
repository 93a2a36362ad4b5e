// Inputs of the fuzz runs: text made of pieces that parsers look for, bytes, and ways to cut them.
import fc from "fast-check";

const PIECES = [
  ..."\"'`\\/[](){}<>!?#%&=;:,._-+*@~|$^ \t\r\n\0é√𝒳",
  "\r\n",
  "\\u003d",
  "\\n",
  "//",
  "--",
  "data:",
  "base64,",
  "image/png",
  "http://h",
  "/media/aaaaaaaaaaaaaaaaaaaaaaaaaa.png",
  "files/aaaaaaaaaaaaaaaaaaaaaaaaaa",
  "bytes=",
  "AIza",
  "eyJ",
  "ya29.",
  "sk-f2a-",
  "Bearer ",
  "key=",
  "true",
  "null",
  "[server]",
  "port = ",
  '"""',
  "2026-01-01",
  "1e9",
  "-0",
  "gemini-",
  "veo-3.1",
  "-landscape",
  "-16x9",
  "4k",
  "export ",
  "FALSE",
  "#HttpOnly_",
  "__Secure-next-auth.session-token=",
  "\ufeff",
  "__proto__",
] as const;

/** Text of known pieces and of anything. */
export const texts = fc
  .array(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...PIECES) }, { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) }),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => pieces.join(""));

/** Where to cut bytes: places in parts of a thousand, in any order. */
export const cuts = fc.array(fc.nat(1000), { maxLength: 12 });

/** Bytes in pieces, some of them empty. */
export function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...at.map((part) => Math.floor((part * bytes.byteLength) / 1000)).sort((a, b) => a - b), bytes.byteLength];
  // Copies, as they come from a socket.
  return places.slice(1).map((end, index) => Uint8Array.from(bytes.subarray(places[index]!, end)));
}

export async function* piecesOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
