// Takes long base64 strings out of a JSON byte stream while it flows, decoding them straight to disk.

import type { TempFile } from "../domain/generation.ts";
import { readChunks, toNetworkError } from "../http.ts";
import { decodeBase64, isCanonical } from "./base64.ts";
import { JsonScanner } from "./json-scan.ts";
import { damaged, parseJson, readJson } from "./json-stream.ts";
import { createTempFiles, type MediaOptions, type MediaTempFiles, type MediaWriter } from "./media-temp-files.ts";

export type { MediaOptions, MediaTempFiles } from "./media-temp-files.ts";

export type MediaPlaceholder = MediaTempFiles & {
  /**
   * The stream byte for byte, with each long media item replaced by a short placeholder string. To be read once; a media item may be taken as
   * soon as its placeholder was read. When it fails or is abandoned, everything not taken is discarded.
   * @throws {AppError} `upstream_unavailable` with reason `malformed` (not base64) or `cut_off` (it ends inside a string)
   */
  skeleton: AsyncGenerator<Uint8Array>;
};

/** For media that nothing reads: their bytes are dropped. */
export const dropMedia: MediaOptions["openTempFile"] = async (mime) => ({
  write() {},
  close: async () => ({ path: "", bytes: 0, mime }),
  async discard() {},
});

const THRESHOLD = 64 * 1024;
/** Whole responses up to this length are parsed in memory, where nothing else is allowed. */
const SMALL_ANSWER = 512 * 1024;
/** Longest response that is parsed in memory: an image of 4 MiB, and what stands around it. */
const LONGEST_HELD = 6 * 1024 * 1024;
/** Responses so short are not counted. */
const UNCOUNTED = 64 * 1024;
/** Longest response without its media. */
const MAX_SKELETON = 8 * 1024 * 1024;

/**
 * Reads a JSON response whole, its long media on disk. A short one (by Content-Length) is parsed in memory.
 * @throws {AppError} as {@link MediaPlaceholder.skeleton}, also `malformed` for what is not JSON; network failures as `toNetworkError`
 */
export async function readMediaJson(
  response: Response,
  options: MediaOptions & { signal: AbortSignal },
): Promise<{ body: unknown; media: MediaTempFiles }> {
  const { signal, hold } = options;
  const short = shortText(response, hold);
  if (short) return { body: parseJson(await textFrom(short, signal)), media: hold ? HELD : createTempFiles(options) };
  let chunks: AsyncIterable<Uint8Array> = readChunks(response, signal);
  if (hold && lengthOf(response) === null) {
    const start = await readStart(response, signal, hold);
    if ("text" in start) return { body: parseJson(start.text), media: HELD };
    chunks = start.chunks;
  }
  const media = replaceMedia(chunks, options);
  try {
    return { body: await readJson(media.skeleton, MAX_SKELETON), media };
  } catch (error) {
    await media.discard();
    throw error;
  }
}

/** A response that may be held in memory by its length, as text to come; null: it may not, or its length is not known. */
export function shortText(response: Response, hold: MediaOptions["hold"]): Promise<string> | null {
  const length = lengthOf(response);
  return length !== null && mayHold(length, hold) ? response.text() : null;
}

/** Null where it is not known, or is another once it is unpacked. */
function lengthOf({ headers }: Response): number | null {
  const length = headers.get("content-encoding") ? null : headers.get("content-length");
  return length === null ? null : Number(length);
}

/** A response in memory is there three times for a moment: as text, as base64 and as bytes. */
function mayHold(length: number, hold: MediaOptions["hold"]): boolean {
  if (!hold) return length <= SMALL_ANSWER;
  return length <= UNCOUNTED || (length <= LONGEST_HELD && hold(3 * length));
}

/** The text of a response of unknown length, or its chunks once there are too many to hold. */
async function readStart(
  response: Response,
  signal: AbortSignal,
  hold: NonNullable<MediaOptions["hold"]>,
): Promise<{ text: string } | { chunks: AsyncGenerator<Uint8Array> }> {
  const chunks = readChunks(response, signal);
  const begun: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done) return { text: new TextDecoder().decode(begun.length === 1 ? begun[0] : Buffer.concat(begun, bytes)) };
    begun.push(value);
    bytes += value.byteLength;
    if (bytes > LONGEST_HELD || (bytes > UNCOUNTED && !hold(3 * value.byteLength))) return { chunks: rejoin(begun, chunks) };
  }
}

async function* rejoin(begun: Uint8Array[], rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* begun;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** @throws {AppError} as `toNetworkError` */
const textFrom = (text: Promise<string>, signal: AbortSignal): Promise<string> =>
  text.catch((error) => {
    throw toNetworkError(error, signal);
  });

/** A media item that is in memory already, as base64 in the parsed response. */
export function heldMedia(value: string, mime: string): TempFile {
  const data = decodeBase64(value);
  return { path: "", data, bytes: data.byteLength, mime, base64: isCanonical(value, data.byteLength) ? value : undefined };
}

/** Media that are all in memory. */
export const HELD: MediaTempFiles = {
  take: async (value, mime) => heldMedia(value, mime),
  async discard() {},
};

/**
 * Splits JSON (one document, an array of them, or lines that hold it such as SSE) into a skeleton and its media. Chunks may be cut
 * anywhere; at most `threshold` bytes of a value are held. Reading goes at the pace of the writers.
 */
export function replaceMedia(chunks: AsyncIterable<Uint8Array>, options: MediaOptions): MediaPlaceholder {
  const tempFiles = createTempFiles(options);

  async function* cut(): AsyncGenerator<Uint8Array> {
    const scanner = new JsonScanner(options.keys, options.threshold ?? THRESHOLD);
    let mediaItem: MediaWriter | null = null;
    for await (const chunk of chunks) {
      for (const span of scanner.feed(chunk)) {
        if (span.type === "plain") yield span.bytes;
        else if (span.type === "open") mediaItem = await tempFiles.open();
        else if (span.type === "media") await mediaItem!.write(span.bytes);
        else yield await mediaItem!.finish();
      }
    }
    if (scanner.isInside()) throw damaged("cut_off", "The upstream's answer ends too early.");
  }

  async function* guarded(): AsyncGenerator<Uint8Array> {
    let finished = false;
    try {
      yield* cut();
      finished = true;
    } finally {
      if (!finished) await tempFiles.discard();
    }
  }

  return { skeleton: guarded(), take: tempFiles.take, discard: tempFiles.discard };
}
