// Sniffs magic bytes: type, extension and pixel size of images and videos.
import { GIF } from "image-size/types/gif";
import { HEIF } from "image-size/types/heif";
import { PNG } from "image-size/types/png";
import { WEBP } from "image-size/types/webp";
import type { Kind } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";

/** A type that the store knows. `ext` has no dot. */
export type MediaType = { kind: Kind; mime: string; ext: string };

export type Pixels = { width: number; height: number };

/** What is accepted from a client. */
export type MediaRules = {
  /** Millions of pixels. */
  maxMegapixels: number;
  /** Default: images only. */
  kinds?: readonly Kind[];
  /** The field to name in the error. */
  param?: string;
};

/** How much of a file the functions here want to see: enough for a JPEG whose size stands behind large metadata. */
export const HEAD_BYTES = 1024 * 1024;

/** Beyond this the box search of HEIC and AVIF costs more than it finds. */
const HEIF_HEAD_BYTES = 32 * 1024;

const PNG_TYPE: MediaType = { kind: "image", mime: "image/png", ext: "png" };
const JPEG_TYPE: MediaType = { kind: "image", mime: "image/jpeg", ext: "jpg" };
const WEBP_TYPE: MediaType = { kind: "image", mime: "image/webp", ext: "webp" };
const GIF_TYPE: MediaType = { kind: "image", mime: "image/gif", ext: "gif" };
const HEIC_TYPE: MediaType = { kind: "image", mime: "image/heic", ext: "heic" };
const AVIF_TYPE: MediaType = { kind: "image", mime: "image/avif", ext: "avif" };
const MP4_TYPE: MediaType = { kind: "video", mime: "video/mp4", ext: "mp4" };
const WEBM_TYPE: MediaType = { kind: "video", mime: "video/webm", ext: "webm" };

/** Brands of ISO base media files (`ftyp` box), major or compatible. Registry: mp4ra.org, read 2026-11-23. */
const BRANDS: readonly [readonly string[], MediaType][] = [
  [["avif", "avis"], AVIF_TYPE],
  [["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"], HEIC_TYPE],
  [
    ["isom", "iso2", "iso3", "iso4", "iso5", "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "mp71", "avc1", "dash", "M4V ", "M4VP"],
    MP4_TYPE,
  ],
];

const text = (head: Uint8Array, start: number, end: number): string => String.fromCharCode(...head.subarray(start, end));

const GIF_SIGNATURE = /^GIF8[79]a$/;
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

function begins(head: Uint8Array, signature: readonly number[]): boolean {
  for (let at = 0; at < signature.length; at++) if (head[at] !== signature[at]) return false;
  return true;
}

/** The type that the first bytes show, or null. 512 bytes are always enough; a claimed type never counts. */
export function sniffType(head: Uint8Array): MediaType | null {
  switch (head[0]) {
    case 0x89:
      return begins(head, PNG_SIGNATURE) ? PNG_TYPE : null;
    case 0xff:
      return head[1] === 0xd8 && head[2] === 0xff ? JPEG_TYPE : null;
    case 0x47:
      return GIF_SIGNATURE.test(text(head, 0, 6)) ? GIF_TYPE : null;
    case 0x52:
      return text(head, 0, 4) === "RIFF" && text(head, 8, 15) === "WEBPVP8" ? WEBP_TYPE : null;
    case 0x1a:
      // EBML; the document type tells WebM from Matroska.
      return text(head, 0, 4) === "\x1a\x45\xdf\xa3" && text(head, 4, 64).includes("\x42\x82\x84webm") ? WEBM_TYPE : null;
    default:
      return text(head, 4, 8) === "ftyp" ? byBrand(head) : null;
  }
}

function byBrand(head: Uint8Array): MediaType | null {
  const boxEnd = Math.min(new DataView(head.buffer, head.byteOffset).getUint32(0), head.byteLength, 512);
  const brands: string[] = [text(head, 8, 12)];
  for (let at = 16; at + 4 <= boxEnd; at += 4) brands.push(text(head, at, at + 4));
  for (const brand of brands) {
    const type = BRANDS.find(([names]) => names.includes(brand))?.[1];
    if (type) return type;
  }
  return null;
}

/** Pixel size as the header states it; null where it is not stated, damaged, zero, or the type is a video. */
export function readPixels(head: Uint8Array, type: MediaType): Pixels | null {
  try {
    const pixels = measure(head, type);
    return pixels && pixels.width > 0 && pixels.height > 0 ? pixels : null;
  } catch {
    // image-size throws on a damaged header. It reads past the end of a view, so it is given copies.
    return null;
  }
}

function measure(head: Uint8Array, type: MediaType): Pixels | null {
  switch (type) {
    case PNG_TYPE:
      return measurePng(head);
    case WEBP_TYPE:
      return WEBP.calculate(head.slice(0, 64));
    case GIF_TYPE:
      return GIF.calculate(head.slice(0, 64));
    case JPEG_TYPE:
      return measureJpeg(head);
    case HEIC_TYPE:
    case AVIF_TYPE:
      return largest(HEIF.calculate(head.slice(0, HEIF_HEAD_BYTES)));
    default:
      return null;
  }
}

/** The header is the first chunk (PNG, 11.2.1); Apple's own form has another before it. */
function measurePng(head: Uint8Array): Pixels | null {
  const hasHeader = head[12] === 0x49 && head[13] === 0x48 && head[14] === 0x44 && head[15] === 0x52 && head.byteLength >= 24;
  if (hasHeader) return { width: uint32(head, 16), height: uint32(head, 20) };
  return PNG.validate(head) ? PNG.calculate(head.slice(0, 64)) : null;
}

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** A HEIC states the size of its tiles and previews as well. */
function largest({ width, height, images = [] }: Pixels & { images?: Pixels[] }): Pixels {
  return images.reduce((most, image) => (image.width * image.height > most.width * most.height ? image : most), { width, height });
}

/**
 * Walks the segments of a JPEG up to its frame header (ITU T.81, B.2.2), passing over stray bytes as decoders do. image-size steps
 * through damaged files byte by byte, which costs a second of processor time for a hostile one, and does not know all frame types.
 */
function measureJpeg(head: Uint8Array): Pixels | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = head.indexOf(0xff, 2);
  while (at >= 0 && at + 9 <= head.byteLength) {
    const marker = head[at + 1]!;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at = head.indexOf(0xff, at + (hasLength(marker) ? 2 + view.getUint16(at + 2) : 1));
  }
  return null;
}

/** False for stuffing, fill bytes and the markers that stand alone (TEM, RST, SOI, EOI). */
const hasLength = (marker: number): boolean => marker > 0x01 && marker < 0xff && (marker < 0xd0 || marker > 0xd9);

/** Types whose size must be readable: they may be decoded here. The others are passed on as they are. */
const DECODED: ReadonlySet<MediaType> = new Set([PNG_TYPE, JPEG_TYPE, WEBP_TYPE, GIF_TYPE]);

/**
 * The type of a client's media item, from its first bytes.
 * @throws {AppError} `invalid_request` when it is no known type of an allowed kind
 */
export function inspectType(head: Uint8Array, { kinds = ["image"], param }: MediaRules): MediaType {
  const type = sniffType(head);
  if (!type || !kinds.includes(type.kind)) throw new AppError("invalid_request", `The data is not ${expected(kinds)}.`, { param });
  return type;
}

/**
 * The type and size of a client's media item, from its first {@link HEAD_BYTES}.
 * @throws {AppError} `invalid_request` as {@link inspectType}, and when it has no readable size or too many pixels
 */
export function inspectInput(head: Uint8Array, rules: MediaRules): { type: MediaType; pixels: Pixels | null } {
  const { maxMegapixels, param } = rules;
  const refuse = (message: string) => new AppError("invalid_request", message, { param });
  const type = inspectType(head, rules);
  const pixels = readPixels(head, type);
  if (!pixels && DECODED.has(type)) throw refuse(`The ${type.ext} image is damaged: its size cannot be read.`);
  if (pixels && pixels.width * pixels.height > maxMegapixels * 1e6) {
    throw refuse(`The image is ${pixels.width}x${pixels.height} pixels; at most ${maxMegapixels} million are accepted.`);
  }
  return { type, pixels };
}

function expected(kinds: readonly Kind[]): string {
  const names = [];
  if (kinds.includes("image")) names.push("a PNG, JPEG, WebP, GIF, HEIC or AVIF image");
  if (kinds.includes("video")) names.push("an MP4 or WebM video");
  return names.join(" or ");
}
