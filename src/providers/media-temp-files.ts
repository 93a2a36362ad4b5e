// Temp files of the media in one response: base64 decoded to disk piece by piece, taken by placeholder.
import type { TempFile, TempFileWriter } from "../domain/generation.ts";
import { newId } from "../ids.ts";
import { createBase64Decoder, decodeBase64 } from "./base64.ts";
import { damaged } from "./json-stream.ts";
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
  /** `CallContext.hold`: whole responses are parsed in memory as far as it allows. */
  hold?: CallContext["hold"];
};

/** The media of one response. Whoever holds it calls `discard` in a `finally`. */
export type MediaTempFiles = {
  /**
   * The media item that a value of the parsed JSON stands for: the file that its placeholder names, else the value itself, decoded and
   * written to a file. A placeholder is taken once.
   * @param mime type as the upstream claims it
   * @throws {AppError} `upstream_unavailable` with reason `malformed` when the value is neither
   */
  take(value: string, mime: string): TempFile | Promise<TempFile>;
  /** Deletes the files that were not taken. May be called at any time, any number of times. */
  discard(): Promise<void>;
};

/** Bytes of base64 decoded at a time: chunks may be much longer. */
const SLICE = 256 * 1024;
/** Most files of one response open at a time; no upstream sends nearly as many media at once. */
const MAX_OPEN = 64;
/** Of all media of one response: more than any upstream sends, and less than a disk. */
const MAX_MEDIA = 1024 * 1024 * 1024;

/** A media item on its way to disk. */
export type MediaWriter = {
  write(base64: Uint8Array): Promise<void>;
  /** Its placeholder, as it stands in the skeleton. */
  finish(): Promise<Uint8Array>;
};

export function createTempFiles(options: MediaOptions): MediaTempFiles & { open(): Promise<MediaWriter> } {
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
      return createMediaWriter(placeholder, writer, grow);
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
function createMediaWriter(placeholder: string, writer: TempFileWriter, grow: (bytes: number) => void): MediaWriter {
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
