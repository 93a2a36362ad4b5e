// JSON answers that hold images: every blob is written as a base64 string, a slice at a time, so that no answer is ever whole in memory.
import { newId } from "../ids.ts";

/** Bytes read at a time; a multiple of three, so that pieces of base64 join without padding. */
const SLICE = 3 * 128 * 1024;

/** Blobs that text names: the mark stands in a string where the base64 belongs. */
export type Base64Placeholders = {
  /** The mark of one blob. */
  embed(blob: Blob): string;
  /** Cuts a text at its marks: strings, and the blobs between them. */
  cut(text: string): (string | Blob)[];
};

export function createBase64Placeholders(): Base64Placeholders {
  // Ours alone: nobody can have written it into the body.
  const mark = newId();
  const blobs: Blob[] = [];
  return {
    embed: (blob) => `${mark}${blobs.push(blob) - 1};`,
    cut: (text) => {
      const [first = "", ...rest] = text.split(mark);
      const parts = rest.map((part) => ({ number: part.slice(0, part.indexOf(";")), text: part.slice(part.indexOf(";") + 1) }));
      return [first, ...parts.flatMap((part) => [blobs[Number(part.number)]!, part.text])];
    },
  };
}

/** The JSON of `body`, cut where base64 belongs: for each Blob in it and for each that its texts name. */
function jsonParts(body: unknown, embedded: Base64Placeholders): (string | Blob)[] {
  return embedded.cut(JSON.stringify(body, (_, value: unknown) => (value instanceof Blob ? embedded.embed(value) : value)));
}

/** The JSON of `body` in pieces, with base64 in place of blobs. */
export async function* jsonPieces(body: unknown, embedded = createBase64Placeholders()): AsyncGenerator<string> {
  yield* piecesOf(jsonParts(body, embedded));
}

async function* piecesOf(parts: readonly (string | Blob)[]): AsyncGenerator<string> {
  for (const part of parts) {
    if (typeof part === "string") yield part;
    else for (let byte = 0; byte < part.size; byte += SLICE) yield (await part.slice(byte, byte + SLICE).bytes()).toBase64();
  }
}

/** One frame of an event stream with the JSON of `body`, in pieces. */
export async function* framePieces(body: unknown, embedded: Base64Placeholders): AsyncGenerator<string> {
  yield "data: ";
  yield* jsonPieces(body, embedded);
  yield "\n\n";
}

/** As an answer; one that holds no blobs is written at once. `onSent` runs when everything was handed over, unless the reader has left. */
export function jsonWithBytes(
  body: unknown,
  init: { status?: number; headers?: Record<string, string>; onSent?(): void } = {},
  embedded = createBase64Placeholders(),
): Response {
  const headers = { "content-type": "application/json; charset=utf-8", ...init.headers };
  const parts = jsonParts(body, embedded);
  if (parts.length === 1) {
    init.onSent?.();
    return new Response(parts[0], { status: init.status, headers });
  }
  const encoder = new TextEncoder();
  const pieces = piecesOf(parts);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) {
        controller.close();
        init.onSent?.();
      } else controller.enqueue(encoder.encode(value));
    },
    cancel: () => void pieces.return(undefined),
  });
  return new Response(stream, { status: init.status, headers });
}
