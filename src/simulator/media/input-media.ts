// Images and videos that a request brings along: decoded and checked as the upstreams check them.
import { hashText } from "../chance.ts";
import { invalidArgument } from "../google-errors.ts";

export type InputMedia = { mime: string; bytes: number; hash: number };

/** Standard or URL-safe base64, padded or not; null when it is neither. */
export function decodeBase64(text: string): Buffer | null {
  if (text === "" || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return null;
  return Buffer.from(text, "base64");
}

/** The MIME type by magic bytes, or null. */
export function sniff(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 16)).toString("latin1");
  if (head.startsWith("\x89PNG")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "image/webp";
  if (head.startsWith("GIF8")) return "image/gif";
  if (head.slice(4, 8) === "ftyp") return /heic|heif|heix|mif1|msf1/.test(head.slice(8, 12)) ? "image/heic" : "video/mp4";
  if (head.startsWith("BM")) return "image/bmp";
  return null;
}

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];

/** @throws {Refusal} 400 when the bytes are not an image that the models read */
export function inputImage(base64: string, mime: string, place: string): InputMedia {
  const bytes = decodeBase64(base64);
  if (!bytes) throw invalidArgument(`Invalid value at '${place}.data' (TYPE_BYTES), Base64 decoding failed`, `${place}.data`);
  if (!IMAGE_TYPES.includes(mime.toLowerCase())) throw invalidArgument(`Unsupported MIME type: ${mime}`);
  return imageBytes(bytes);
}

/** @throws {Refusal} 400 when the bytes are no video */
export function inputVideo(base64: string, _mime: string, place: string): InputMedia {
  const bytes = decodeBase64(base64);
  if (!bytes) throw invalidArgument(`Invalid value at '${place}.data' (TYPE_BYTES), Base64 decoding failed`, `${place}.data`);
  if (sniff(bytes) !== "video/mp4") throw invalidArgument("Unable to process input video.");
  return { mime: "video/mp4", bytes: bytes.length, hash: hashBytes(bytes) };
}

/** @throws {Refusal} 400 when the bytes are not an image that the models read */
export function imageBytes(bytes: Uint8Array): InputMedia {
  const found = sniff(bytes);
  if (!found || !IMAGE_TYPES.includes(found))
    throw invalidArgument(
      "Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
    );
  return { mime: found, bytes: bytes.length, hash: hashBytes(bytes) };
}

export function hashBytes(bytes: Uint8Array): number {
  return hashText(String(Bun.hash(bytes)));
}
