// Takes long base64 strings out of a JSON byte stream while it flows, decoding them straight to disk.

import { readChunks, toNetworkError } from "../http.ts";
import { parseHeld } from "./held-media.ts";
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
 * Reads a JSON response whole, its long media on disk; in memory where `hold` allows it.
 * @throws {AppError} as {@link MediaPlaceholder.skeleton}, also `malformed` for what is not JSON; network failures as `toNetworkError`
 */
export async function readMediaJson(
  response: Response,
  options: MediaOptions & { signal: AbortSignal },
): Promise<{ body: unknown; media: MediaTempFiles }> {
  const { signal, hold, keys } = options;
  const length = lengthOf(response);
  if (!hold && length !== null && length <= SMALL_ANSWER)
    return { body: parseJson(await arrived(response.text(), signal)), media: createTempFiles(options) };
  if (hold && length !== null && mayHold(length, hold)) return parseHeld(await arrived(response.bytes(), signal), keys);
  let chunks: AsyncIterable<Uint8Array> = readChunks(response, signal);
  if (hold && length === null) {
    const start = await readStart(response, signal, hold);
    if ("bytes" in start) return parseHeld(start.bytes, keys);
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

/** A response that is short by its length, as text to come; null: it is not, or its length is not known. */
export function shortText(response: Response): Promise<string> | null {
  const length = lengthOf(response);
  return length !== null && length <= UNCOUNTED ? response.text() : null;
}

/** Null where it is not known, or is another once it is unpacked. */
function lengthOf({ headers }: Response): number | null {
  const length = headers.get("content-encoding") ? null : headers.get("content-length");
  return length === null ? null : Number(length);
}

type Hold = NonNullable<MediaOptions["hold"]>;

/** Such a response is in memory as it came, and once more decoded. Whoever hands its base64 on counts that for itself. */
const heldBytes = (length: number): number => 2 * length;

const mayHold = (length: number, hold: Hold): boolean => length <= UNCOUNTED || (length <= LONGEST_HELD && hold(heldBytes(length)));

/** The bytes of a response of unknown length, or its chunks once there are too many to hold. */
async function readStart(
  response: Response,
  signal: AbortSignal,
  hold: Hold,
): Promise<{ bytes: Uint8Array } | { chunks: AsyncGenerator<Uint8Array> }> {
  const chunks = readChunks(response, signal);
  const begun: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await chunks.next();
    if (done) return { bytes: begun.length === 1 ? begun[0]! : Buffer.concat(begun, bytes) };
    begun.push(value);
    bytes += value.byteLength;
    if (bytes > LONGEST_HELD || (bytes > UNCOUNTED && !hold(heldBytes(value.byteLength)))) return { chunks: rejoin(begun, chunks) };
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
const arrived = <T>(body: Promise<T>, signal: AbortSignal): Promise<T> =>
  body.catch((error) => {
    throw toNetworkError(error, signal);
  });

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
