// Media of a response that is whole in memory: found where they stand in its bytes, and decoded from there.

import type { Base64, TempFile } from "../domain/generation.ts";
import { newId } from "../ids.ts";
import { decodeBase64, decodeCanonical, isCanonical } from "./base64.ts";
import { JsonScanner } from "./json-scan.ts";
import { damaged, parseJson } from "./json-stream.ts";
import type { MediaTempFiles } from "./media-temp-files.ts";

/** Base64 up to this length is left in the JSON, whose parser copies it. */
const LONG = 64 * 1024;
const BACKSLASH = 0x5c;

/** A media item that is in memory already, as base64 in the parsed response. */
export const heldMedia = (value: string, mime: string): TempFile => fileOf(value, value, mime);

/** @param sent what `text` was sent as */
function fileOf(text: string, sent: Base64, mime: string): TempFile {
  const data = decodeBase64(text);
  return { path: "", data, bytes: data.byteLength, mime, base64: isCanonical(text, data.byteLength) ? sent : undefined };
}

/** Media that are all in memory. */
export const HELD: MediaTempFiles = {
  take: heldMedia,
  async discard() {},
};

/**
 * Parses a whole JSON response, without its long media.
 * @param keys names of the fields whose string values are media
 * @throws {AppError} `upstream_unavailable` with reason `malformed` or `cut_off`
 */
export function parseHeld(bytes: Uint8Array, keys: readonly string[]): { body: unknown; media: MediaTempFiles } {
  const scanner = new JsonScanner(keys, LONG);
  // Random, so that no text of an upstream passes for a placeholder.
  const mark = `media:${newId()}:`;
  const values = new Map<string, Uint8Array>();
  const skeleton: Uint8Array[] = [];
  for (const span of scanner.feed(bytes)) {
    if (span.type === "plain") skeleton.push(span.bytes);
    else if (span.type === "media") {
      // In one piece, because the response is.
      const placeholder = mark + values.size;
      values.set(placeholder, span.bytes);
      skeleton.push(Buffer.from(placeholder));
    }
  }
  if (scanner.isInside()) throw damaged("cut_off", "The upstream's answer ends too early.");
  const body = parseJson(new TextDecoder().decode(Buffer.concat(skeleton)));
  return {
    body,
    media: {
      async take(value, mime) {
        const sent = values.get(value);
        values.delete(value);
        return sent ? heldValue(sent, mime) : heldMedia(value, mime);
      },
      async discard() {},
    },
  };
}

/** @param sent the value as it stands between its quotes */
function heldValue(sent: Uint8Array, mime: string): TempFile {
  const data = decodeCanonical(sent);
  if (data) return { path: "", data, bytes: data.byteLength, mime, base64: sent };
  const text = Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength).toString("latin1");
  return sent.includes(BACKSLASH) ? heldMedia(String(parseJson(`"${text}"`)), mime) : fileOf(text, sent, mime);
}
