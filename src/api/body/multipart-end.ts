// Normalizes multipart bodies: cut at the closing boundary (RFC 2046, 5.1.1), re-chunked into equal blocks.

import { AppError } from "../../errors.ts";

/** Boundary of a content type, or null. */
export function boundaryOf(contentType: string): string | null {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,200})"|([^";\s]{1,200}))/i.exec(contentType) ?? [];
  return quoted ?? plain ?? null;
}

/** Pieces up to and including the closing boundary; the rest is read and dropped. @throws {AppError} `invalid_request` without one */
export async function* untilClosed(pieces: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Uint8Array> {
  const mark = Buffer.from(`\r\n--${boundary}--`, "latin1");
  // The body may begin with the first boundary.
  let tail: Buffer = Buffer.from("\r\n");
  let isClosed = false;
  for await (const piece of pieces) {
    if (isClosed) continue;
    const end = endOfMark(tail, piece, mark);
    if (end !== null) {
      isClosed = true;
      yield piece.subarray(0, end);
      continue;
    }
    yield piece;
    tail = lastOf(tail, piece, mark.byteLength - 1);
  }
  if (!isClosed) throw new AppError("invalid_request", "The body is not a complete multipart form: Unexpected end of form.");
}

/** End of the first mark in `piece`, which follows `tail`, or null. */
function endOfMark(tail: Buffer, piece: Uint8Array, mark: Buffer): number | null {
  const seam = Buffer.concat([tail, piece.subarray(0, mark.byteLength)]);
  const across = seam.indexOf(mark);
  if (across >= 0) return across + mark.byteLength - tail.byteLength;
  const inside = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).indexOf(mark);
  return inside < 0 ? null : inside + mark.byteLength;
}

/** The last bytes of both; a copy, because a piece may be reused. */
function lastOf(tail: Buffer, piece: Uint8Array, length: number): Buffer {
  if (piece.byteLength >= length) return Buffer.from(piece.subarray(piece.byteLength - length));
  const joined = Buffer.concat([tail, piece]);
  return joined.subarray(Math.max(0, joined.byteLength - length));
}

const BLOCK_BYTES = 64 * 1024;

/**
 * The same bytes in equal blocks, the last one shorter. busboy reads a boundary that is followed by other text differently depending on
 * where its input is split; with equal blocks that depends on the form alone. Each block is a new buffer: the parser holds views of it.
 */
export async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let length = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + BLOCK_BYTES - length);
      block.set(part, length);
      at += part.byteLength;
      length += part.byteLength;
      if (length < BLOCK_BYTES) continue;
      yield block;
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      length = 0;
    }
  }
  if (length > 0) yield block.subarray(0, length);
}
