// Decodes `data:` URLs of clients: base64 or percent-encoded, within the limits of fetched media.
import { AppError } from "../../errors.ts";
import type { FetchedMedia } from "./fetch-media.ts";
import { inspectInput, type MediaRules } from "./sniff.ts";

export type DataUrlLimits = Omit<MediaRules, "param"> & { maxBytes: number };

const MAX_HEADER_LENGTH = 1024;
const PERCENT = 0x25;

/**
 * The bytes of a `data:` URL (RFC 2397). White space, missing padding and the url-safe alphabet are accepted; the claimed type
 * does not count. Takes time in proportion to its length.
 * @throws {AppError} `invalid_request` for `param` when it cannot be decoded, is too large, or is not an accepted media type
 */
export function decodeDataUrl(text: string, limits: DataUrlLimits, param: string): FetchedMedia {
  const refuse = (message: string) => new AppError("invalid_request", message, { param });
  const tooLarge = () => refuse(`The data URL is larger than ${Math.floor(limits.maxBytes / 1024 / 1024)} MiB.`);
  const url = text.trimStart();
  const comma = url.slice(0, MAX_HEADER_LENGTH).indexOf(",");
  if (comma < 0 || !/^data:/i.test(url)) throw refuse("The data URL is not valid: it must read data:<type>;base64,<data>.");
  const isBase64 = /;\s*base64\s*$/i.test(url.slice(0, comma));
  const payload = url.slice(comma + 1);
  // Base64 is a third longer than its bytes; the rest is room for line breaks. Percent-encoding may triple them.
  if (payload.length > limits.maxBytes * (isBase64 ? 1.5 : 3)) throw tooLarge();
  const bytes = isBase64 ? fromBase64(payload) : fromPercent(payload);
  if (!bytes) throw refuse("The data URL is not valid base64.");
  if (bytes.byteLength > limits.maxBytes) throw tooLarge();
  return { bytes, mime: inspectInput(bytes, { ...limits, param }).type.mime };
}

/** Null when the text is no base64. */
function fromBase64(payload: string): Uint8Array | null {
  try {
    const text = payload.includes("%") ? decodeURIComponent(payload) : payload;
    const alphabet = /[-_]/.test(text) ? "base64url" : "base64";
    return Uint8Array.fromBase64(text, { alphabet });
  } catch {
    return null;
  }
}

/** Percent-encoded bytes; anything but an escape is taken literally. */
function fromPercent(payload: string): Uint8Array {
  const bytes = new TextEncoder().encode(payload);
  let length = 0;
  for (let at = 0; at < bytes.byteLength; at++) {
    const escaped = bytes[at] === PERCENT ? Number.parseInt(String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0), 16) : Number.NaN;
    if (Number.isNaN(escaped)) bytes[length++] = bytes[at]!;
    else {
      bytes[length++] = escaped;
      at += 2;
    }
  }
  return bytes.subarray(0, length);
}
