// Media for tests: the smallest bytes that each type can be told by, in any pixel size.

/** A valid image of one pixel. */
export const PIXEL_PNG: Uint8Array<ArrayBuffer> = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

/** The header of a PNG of the stated size; there are no pixels behind it. */
export function pngHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const bytes = PIXEL_PNG.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const uint16 = (value: number): number[] => [value >> 8, value & 0xff];
const uint32 = (value: number): number[] => [...uint16(value >>> 16), ...uint16(value & 0xffff)];

/** A JPEG's first segments: an application segment of `padding` bytes, then a frame header with the given marker. */
export function jpegHeader(width: number, height: number, { padding = 14, frame = 0xc0 } = {}): Uint8Array<ArrayBuffer> {
  const application = [0xff, 0xe1, ...uint16(padding + 2), ...new Array(padding).fill(0)];
  return new Uint8Array([0xff, 0xd8, ...application, 0xff, frame, ...uint16(17), 8, ...uint16(height), ...uint16(width), 3, 0, 0]);
}

export function gifHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...ascii("GIF89a"), width & 0xff, width >> 8, height & 0xff, height >> 8, 0, 0, 0]);
}

/** An extended WebP: the size of its canvas, less one, in 24 bits. */
export function webpHeader(width: number, height: number): Uint8Array<ArrayBuffer> {
  const little24 = (value: number) => [value & 0xff, (value >> 8) & 0xff, value >> 16];
  return new Uint8Array([
    ...[...ascii("RIFF"), 30, 0, 0, 0, ...ascii("WEBPVP8X"), 10, 0, 0, 0],
    ...[0, 0, 0, 0, ...little24(width - 1), ...little24(height - 1)],
  ]);
}

const box = (name: string, content: number[]): number[] => [...uint32(content.length + 8), ...ascii(name), ...content];

/** An ISO base media file that states its brands, the first being the major one. */
export function brandedFile(brands: string[], ...boxes: number[][]): Uint8Array<ArrayBuffer> {
  const [major = "", ...compatible] = brands;
  return new Uint8Array([...box("ftyp", [...ascii(major), 0, 0, 0, 0, ...ascii(compatible.join(""))]), ...boxes.flat()]);
}

/** A HEIC or AVIF (by its brands) with one `ispe` property for each size. */
export function heifHeader(brands: string[], sizes: [width: number, height: number][]): Uint8Array<ArrayBuffer> {
  const properties = sizes.flatMap(([width, height]) => box("ispe", [0, 0, 0, 0, ...uint32(width), ...uint32(height)]));
  return brandedFile(brands, box("meta", [0, 0, 0, 0, ...box("iprp", box("ipco", properties))]));
}

export const MP4_HEADER = brandedFile(["isom", "iso2", "avc1", "mp41"], box("free", []));
export const WEBM_HEADER = new Uint8Array([0x1a, 0x45, 0xdf, 0xa3, 0x8b, 0x42, 0x82, 0x84, ...ascii("webm"), 0x42, 0x87, 0x81, 4]);
