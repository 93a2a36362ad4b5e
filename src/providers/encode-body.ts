// Request bodies as JSON with base64 in place of blobs, in one buffer that is allocated once.
import { newId } from "../ids.ts";

/** Bytes read from a blob at a time; a multiple of three, so that pieces of base64 join without padding. */
const SLICE = 3 * 256 * 1024;

/**
 * A body as JSON, every blob as a base64 string. The result is allocated once; besides it only a slice of one blob is held.
 */
export async function encodeBody(body: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const mark = newId();
  const blobs: Blob[] = [];
  const json = JSON.stringify(body, (_, value: unknown) => {
    if (!(value instanceof Blob)) return value;
    blobs.push(value);
    return mark;
  });
  const texts = json.split(mark).map((text) => Buffer.from(text));
  const size = texts.reduce((sum, text) => sum + text.byteLength, 0) + blobs.reduce((sum, blob) => sum + base64Length(blob.size), 0);
  const out = Buffer.alloc(size);
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at += text.copy(out, at);
    const blob = blobs[index];
    if (blob) at += await writeBase64(blob, out, at);
  }
  if (at !== size) throw new Error("an input changed its size while it was sent");
  return out;
}

const base64Length = (bytes: number) => Math.ceil(bytes / 3) * 4;

async function writeBase64(blob: Blob, out: Buffer, offset: number): Promise<number> {
  let at = offset;
  for (let from = 0; from < blob.size; from += SLICE) {
    const bytes = await blob.slice(from, from + SLICE).bytes();
    at += out.write(bytes.toBase64(), at, "latin1");
  }
  return at - offset;
}
