// JSON answers that hold pictures: every blob is written as a base64 string, a slice at a time, so that no answer is ever whole in memory.
import { newId } from "../ids.ts";

/** Bytes read at a time; a multiple of three, so that pieces of base64 join without padding. */
const SLICE = 3 * 128 * 1024;

/** The text of `body` with each Blob in it as a base64 string, in pieces. */
export async function* jsonPieces(body: unknown): AsyncGenerator<string> {
  // Ours alone: nobody can have written it into the body.
  const mark = newId();
  const blobs: Blob[] = [];
  const json = JSON.stringify(body, (_, value: unknown) => (value instanceof Blob ? `${mark}${blobs.push(value)}` : value));
  let from = 0;
  for (const [index, blob] of blobs.entries()) {
    const name = `${mark}${index + 1}`;
    const at = json.indexOf(name, from);
    yield json.slice(from, at);
    for (let byte = 0; byte < blob.size; byte += SLICE) yield (await blob.slice(byte, byte + SLICE).bytes()).toBase64();
    from = at + name.length;
  }
  yield json.slice(from);
}

/** The same as an answer. */
export function jsonWithBytes(body: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Response {
  const encoder = new TextEncoder();
  const pieces = jsonPieces(body);
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    cancel: () => void pieces.return(undefined),
  });
  return new Response(stream, { status: init.status, headers: { "content-type": "application/json; charset=utf-8", ...init.headers } });
}
