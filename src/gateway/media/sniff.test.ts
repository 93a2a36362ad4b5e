// What bytes are taken for, and what a header may claim.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../errors.ts";
import {
  brandedFile,
  gifHeader,
  heifHeader,
  jpegHeader,
  MP4_HEADER,
  PIXEL_PNG,
  pngHeader,
  WEBM_HEADER,
  webpHeader,
} from "./media.fixtures.ts";
import { inspectInput, readPixels, sniffType } from "./sniff.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

const KNOWN: [string, Uint8Array, string, string, { width: number; height: number } | null][] = [
  ["PNG", pngHeader(640, 480), "image/png", "png", { width: 640, height: 480 }],
  ["JPEG", jpegHeader(640, 480), "image/jpeg", "jpg", { width: 640, height: 480 }],
  ["progressive JPEG", jpegHeader(640, 480, { frame: 0xc2 }), "image/jpeg", "jpg", { width: 640, height: 480 }],
  ["lossless JPEG", jpegHeader(640, 480, { frame: 0xc3 }), "image/jpeg", "jpg", { width: 640, height: 480 }],
  ["JPEG behind 60 kB of metadata", jpegHeader(9, 8, { padding: 60_000 }), "image/jpeg", "jpg", { width: 9, height: 8 }],
  ["GIF", gifHeader(640, 480), "image/gif", "gif", { width: 640, height: 480 }],
  ["WebP", webpHeader(640, 480), "image/webp", "webp", { width: 640, height: 480 }],
  ["HEIC", heifHeader(["heic", "mif1"], [[640, 480]]), "image/heic", "heic", { width: 640, height: 480 }],
  ["HEIC by compatible brand", heifHeader(["mif1", "heic"], [[640, 480]]), "image/heic", "heic", { width: 640, height: 480 }],
  ["AVIF", heifHeader(["avif"], [[640, 480]]), "image/avif", "avif", { width: 640, height: 480 }],
  ["AVIF by compatible brand", heifHeader(["mif1", "miaf", "avif"], [[4, 2]]), "image/avif", "avif", { width: 4, height: 2 }],
  ["HEIC without a size", brandedFile(["heic"]), "image/heic", "heic", null],
  ["MP4", MP4_HEADER, "video/mp4", "mp4", null],
  ["WebM", WEBM_HEADER, "video/webm", "webm", null],
];

describe("a type is reported by the first bytes", () => {
  test.each(KNOWN)("%s", (_name, bytes, mime, ext, pixels) => {
    const type = sniffType(bytes);
    expect(type).toMatchObject({ mime, ext });
    expect(type && readPixels(bytes, type)).toEqual(pixels);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["one byte of a PNG", PIXEL_PNG.subarray(0, 1)],
    ["HTML", bytesOf("<!doctype html><script>alert(1)</script>")],
    ["SVG", bytesOf('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')],
    ["PDF", bytesOf("%PDF-1.7")],
    ["BMP", bytesOf("BM\x00\x00\x00\x00")],
    ["TIFF", bytesOf("II*\x00\x08\x00\x00\x00")],
    ["ICO", new Uint8Array([0, 0, 1, 0, 1, 0])],
    ["a ZIP", bytesOf("PK\x03\x04")],
    ["a WAV in the same container as WebP", bytesOf("RIFF\x00\x00\x00\x00WAVEfmt ")],
    ["Matroska that is no WebM", new Uint8Array([0x1a, 0x45, 0xdf, 0xa3, 0x8b, 0x42, 0x82, 0x88, ...bytesOf("matroska")])],
    ["an unknown brand", brandedFile(["qt  "])],
    ["PNG after white space", new Uint8Array([0x20, ...PIXEL_PNG])],
  ])("%s is unknown", (_name, bytes) => expect(sniffType(bytes)).toBeNull());
});

test("images made by an encoder have the size that they were made with", async () => {
  const source = new Bun.Image(PIXEL_PNG).resize(37, 21, { fit: "fill" });
  for (const encoded of [await source.png().bytes(), await source.jpeg().bytes(), await source.webp().bytes()]) {
    const type = sniffType(encoded);
    expect(type && readPixels(encoded, type)).toEqual({ width: 37, height: 21 });
  }
});

test("a HEIC has the size of its largest image, not of a tile", () => {
  const bytes = heifHeader(
    ["heic"],
    [
      [512, 512],
      [8064, 6048],
      [320, 240],
    ],
  );
  expect(inspectInput(bytes, { maxMegapixels: 100 }).pixels).toEqual({ width: 8064, height: 6048 });
});

test("stray bytes between the segments of a JPEG are passed over", () => {
  const bytes = jpegHeader(640, 480);
  const damaged = new Uint8Array([...bytes.subarray(0, 20), 1, 2, 0xff, 0, 0xff, 0xff, ...bytes.subarray(20)]);
  expect(inspectInput(damaged, { maxMegapixels: 1 }).pixels).toEqual({ width: 640, height: 480 });
});

describe("a client's media item is refused", () => {
  const refusal = (bytes: Uint8Array, maxMegapixels = 100): AppError => {
    try {
      inspectInput(bytes, { maxMegapixels, param: "image" });
    } catch (error) {
      if (error instanceof AppError) return error;
    }
    throw new Error("It was accepted.");
  };

  test.each([
    ["30,000 x 30,000 pixels of PNG", pngHeader(30_000, 30_000), "30000x30000"],
    ["65,000 x 65,000 pixels of JPEG", jpegHeader(65_000, 65_000), "65000x65000"],
    ["16 million square of WebP", webpHeader(16_777_216, 16_777_216), "16777216"],
    [
      "a large HEIC behind a small one",
      heifHeader(
        ["heic"],
        [
          [8, 8],
          [30_000, 30_000],
        ],
      ),
      "30000x30000",
    ],
    ["a PNG of no width", pngHeader(0, 5), "damaged"],
    ["a PNG that ends in its header", PIXEL_PNG.slice(0, 20), "damaged"],
    ["a cut view of a PNG, whatever lies behind it", PIXEL_PNG.subarray(0, 20), "damaged"],
    ["a JPEG without a frame", jpegHeader(4, 4).slice(0, 20), "damaged"],
    ["a GIF of nine bytes", gifHeader(1, 1).slice(0, 9), "damaged"],
    ["a video where an image is wanted", MP4_HEADER, "not a PNG"],
    ["text", bytesOf("hello"), "not a PNG"],
  ])("%s", (_name, bytes, part) => {
    const error = refusal(bytes);
    expect(error).toMatchObject({ kind: "invalid_request", param: "image" });
    expect(error.message).toContain(part);
  });

  test("one pixel over the limit", () => {
    expect(() => inspectInput(pngHeader(1000, 1000), { maxMegapixels: 1 })).not.toThrow();
    expect(refusal(pngHeader(1000, 1001), 1).message).toContain("at most 1 million");
  });
});

test("hostile headers are read in bounded steps", () => {
  const jpeg = new Uint8Array(1024 * 1024).fill(0xff);
  jpeg.set([0xff, 0xd8, 0xff, 0xe0, 0, 2]);
  const type = sniffType(jpeg);
  expect(type && readPixels(jpeg, type)).toBeNull();

  const heif = heifHeader(
    ["heic"],
    Array.from({ length: 50_000 }, () => [1, 1] as [number, number]),
  );
  expect(inspectInput(heif, { maxMegapixels: 1 }).type.mime).toBe("image/heic");
});
