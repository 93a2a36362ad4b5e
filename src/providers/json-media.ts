// Takes long base64 strings out of a JSON byte stream while it flows, decoding them straight to disk.
import type { TempFile, TempFileWriter } from "../domain/generation.ts";
import { readChunks, toNetworkError } from "../http.ts";
import { newId } from "../ids.ts";
import { createBase64Decoder, decodeBase64, isCanonical } from "./base64.ts";
import { JsonScanner } from "./json-scan.ts";
import { damaged, parseJson, readJson } from "./json-stream.ts";
import type { CallContext } from "./provider.ts";

export type MediaOptions = {
  /** Names of the fields whose string values are media, e.g. `["data"]`. */
  keys: readonly string[];
  /** Opens a file for the bytes of one media item: `CallContext.openTempFile`. */
  openTempFile(mime: string): Promise<TempFileWriter>;
  /** Bytes of base64 up to which a value stays in the JSON; default 64 KiB. */
  threshold?: number;
  /** Most bytes of all media together. */
  maxBytes?: number;
  /** `CallContext.hold`: whole answers are parsed in memory as far as it allows. */
  hold?: CallContext["hold"];
};

/** The media of one answer. Whoever holds it calls `discard` in a `finally`. */
export type MediaTempFiles = {
  /**
   * The medium that a value of the parsed JSON stands for: the file that its placeholder names, else the value itself, decoded and
   * written to a file. A placeholder is taken once.
   * @param mime type as the upstream claims it
   * @throws {AppError} `upstream_unavailable` with reason `malformed` when the value is neither
   */
  take(value: string, mime: string): Promise<TempFile>;
  /** Deletes the files that were not taken. May be called at any time, any number of times. */
  discard(): Promise<void>;
};

export type MediaPlaceholder = MediaTempFiles & {
  /**
   * The stream byte for byte, with each long medium replaced by a short placeholder string. To be read once; a medium may be taken as
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
/** Bytes of base64 decoded at a time: chunks may be much longer. */
const SLICE = 256 * 1024;
/** Most files of one answer open at a time; no upstream sends nearly as many media at once. */
const MAX_OPEN = 64;
/** Of all media of one answer: more than any upstream sends, and less than a disk. */
const MAX_MEDIA = 1024 * 1024 * 1024;
/** Whole answers up to this length are parsed in memory, where nothing else is allowed. */
const SMALL_ANSWER = 512 * 1024;
/** Longest answer that is parsed in memory: an image of 4 MiB, and what stands around it. */
const LONGEST_HELD = 6 * 1024 * 1024;
/** Answers so short are not counted. */
const UNCOUNTED = 64 * 1024;
/** Longest answer without its media. */
const MAX_SKELETON = 8 * 1024 * 1024;

/**
 * Reads a JSON answer whole, its long media on disk. A short one (by Content-Length) is parsed in memory.
 * @throws {AppError} as {@link MediaPlaceholder.skeleton}, also `malformed` for what is not JSON; network failures as `toNetworkError`
 */
export async function readMediaJson(
  response: Response,
  options: MediaOptions & { signal: AbortSignal },
): Promise<{ body: unknown; media: MediaTempFiles }> {
  const { signal, hold } = options;
  const length = response.headers.get("content-encoding") ? null : response.headers.get("content-length");
  if (length !== null && mayHold(Number(length), hold)) {
    const text = await textOf(response, signal);
    return { body: parseJson(text), media: hold ? HELD : createTempFiles(options) };
  }
  let chunks: AsyncIterable<Uint8Array> = readChunks(response, signal);
  if (hold && length === null) {
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

/** An answer in memory is there three times for a moment: as text, as base64 and as bytes. */
function mayHold(length: number, hold: MediaOptions["hold"]): boolean {
  if (!hold) return length <= SMALL_ANSWER;
  return length <= UNCOUNTED || (length <= LONGEST_HELD && hold(3 * length));
}

/** The text of an answer of unknown length, or its chunks once there are too many to hold. */
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

async function textOf(response: Response, signal: AbortSignal): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw toNetworkError(error, signal);
  }
}

/** Media that are in memory already, as base64 in the parsed answer. */
const HELD: MediaTempFiles = {
  async take(value, mime) {
    const data = decodeBase64(value);
    return { path: "", data, bytes: data.byteLength, mime, base64: isCanonical(value, data.byteLength) ? value : undefined };
  },
  async discard() {},
};

/**
 * Splits JSON (one document, an array of them, or lines that hold it such as SSE) into a skeleton and its media. Chunks may be cut
 * anywhere; at most `threshold` bytes of a value are held. Reading goes at the pace of the writers.
 */
export function replaceMedia(chunks: AsyncIterable<Uint8Array>, options: MediaOptions): MediaPlaceholder {
  const drafts = createTempFiles(options);

  async function* cut(): AsyncGenerator<Uint8Array> {
    const scanner = new JsonScanner(options.keys, options.threshold ?? THRESHOLD);
    let medium: Medium | null = null;
    for await (const chunk of chunks) {
      for (const span of scanner.feed(chunk)) {
        if (span.type === "plain") yield span.bytes;
        else if (span.type === "open") medium = await drafts.open();
        else if (span.type === "media") await medium!.write(span.bytes);
        else yield await medium!.finish();
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
      if (!finished) await drafts.discard();
    }
  }

  return { skeleton: guarded(), take: drafts.take, discard: drafts.discard };
}

/** A medium on its way to disk. */
type Medium = {
  write(base64: Uint8Array): Promise<void>;
  /** Its placeholder, as it stands in the skeleton. */
  finish(): Promise<Uint8Array>;
};

function createTempFiles(options: MediaOptions): MediaTempFiles & { open(): Promise<Medium> } {
  // Random, so that no text of an upstream passes for a placeholder.
  const mark = `media:${newId()}:`;
  const writers = new Map<string, TempFileWriter>();
  const maxBytes = options.maxBytes ?? MAX_MEDIA;
  let count = 0;
  let bytes = 0;
  const grow = (more: number) => {
    bytes += more;
    if (bytes > maxBytes) throw damaged("malformed", "The media of the upstream's answer are longer than any that it makes.");
  };

  return {
    async open() {
      if (writers.size >= MAX_OPEN) throw damaged("malformed", "The upstream's answer holds too many media.");
      const placeholder = `${mark}${count++}`;
      // The type may stand after the bytes: it is known only when the value is taken.
      const writer = await options.openTempFile("application/octet-stream");
      writers.set(placeholder, writer);
      return createMedium(placeholder, writer, grow);
    },
    async take(value, mime) {
      const writer = writers.get(value);
      if (writer) {
        writers.delete(value);
        return { ...(await writer.close()), mime };
      }
      return writeWhole(decodeBase64(value), mime, options);
    },
    async discard() {
      const open = [...writers.values()];
      writers.clear();
      await Promise.all(open.map((writer) => writer.discard()));
    },
  };
}

/** @param grow counts bytes; throws when they are too many */
function createMedium(placeholder: string, writer: TempFileWriter, grow: (bytes: number) => void): Medium {
  const decoder = createBase64Decoder();
  const put = async (bytes: Uint8Array) => {
    grow(bytes.byteLength);
    if (bytes.byteLength > 0) await writer.write(bytes);
  };
  return {
    async write(base64) {
      for (let at = 0; at < base64.byteLength; at += SLICE) await put(decoder.push(base64.subarray(at, at + SLICE)));
    },
    async finish() {
      await put(decoder.end());
      return Buffer.from(placeholder);
    },
  };
}

async function writeWhole(bytes: Uint8Array, mime: string, options: MediaOptions): Promise<TempFile> {
  const writer = await options.openTempFile(mime);
  try {
    await writer.write(bytes);
  } catch (error) {
    await writer.discard();
    throw error;
  }
  return { ...(await writer.close()), mime };
}
