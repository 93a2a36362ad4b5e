// JSON with blobs as base64, streamed slice by slice: a response with images is never whole in memory.
import { newId } from "../ids.ts";

/** Bytes read at a time; a multiple of 3, so that base64 pieces join without padding. */
const SLICE = 3 * 128 * 1024;

/** Placeholders in strings where the base64 of a blob belongs. */
export type Base64Placeholders = {
  /** The placeholder of one blob. */
  embed(blob: Blob): string;
  /** Splits a text at its placeholders: strings, and the blobs between them. */
  split(text: string): (string | Blob)[];
};

export function createBase64Placeholders(): Base64Placeholders {
  // Unguessable: text of a client cannot contain it.
  const marker = newId();
  const blobs: Blob[] = [];
  return {
    embed: (blob) => `${marker}${blobs.push(blob) - 1};`,
    split: (text) => {
      const [first = "", ...rest] = text.split(marker);
      const parts = rest.map((part) => ({ number: part.slice(0, part.indexOf(";")), text: part.slice(part.indexOf(";") + 1) }));
      return [first, ...parts.flatMap((part) => [blobs[Number(part.number)]!, part.text])];
    },
  };
}

/** The JSON of `body`, split where base64 belongs: at each Blob in it and at each placeholder. */
function jsonParts(body: unknown, placeholders: Base64Placeholders): (string | Blob)[] {
  return placeholders.split(JSON.stringify(body, (_name, value: unknown) => (value instanceof Blob ? placeholders.embed(value) : value)));
}

/** The JSON of `body` in pieces, with base64 in place of blobs. */
export async function* jsonPieces(body: unknown, placeholders = createBase64Placeholders()): AsyncGenerator<string> {
  yield* piecesOf(jsonParts(body, placeholders));
}

async function* piecesOf(parts: readonly (string | Blob)[]): AsyncGenerator<string> {
  for (const part of parts) {
    if (typeof part === "string") yield part;
    else for (let byte = 0; byte < part.size; byte += SLICE) yield (await part.slice(byte, byte + SLICE).bytes()).toBase64();
  }
}

/** One frame of an event stream with the JSON of `body`, in pieces. */
export async function* framePieces(body: unknown, placeholders: Base64Placeholders): AsyncGenerator<string> {
  yield "data: ";
  yield* jsonPieces(body, placeholders);
  yield "\n\n";
}

/** As a response; without blobs it is written at once. `onSent` runs when all of it is handed over, unless the reader has left. */
export function jsonWithBytes(
  body: unknown,
  init: { status?: number; headers?: Record<string, string>; onSent?(): void } = {},
  placeholders = createBase64Placeholders(),
): Response {
  const headers = { "content-type": "application/json; charset=utf-8", ...init.headers };
  const parts = jsonParts(body, placeholders);
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
