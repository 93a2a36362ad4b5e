// Previews of images: WebP within the bytes that are allowed, whatever the image; nothing for what cannot be decoded.
import { expect, setDefaultTimeout, test } from "bun:test";
import { createLog } from "../../log.ts";
import { Previews } from "./previews.ts";

setDefaultTimeout(60_000);

const previews = new Previews(createLog({ level: "error", format: "json", write() {} }));
const signal = new AbortController().signal;

/** Noise, which compresses worst. */
async function noise(pixels: number): Promise<Blob> {
  const bmp = Buffer.alloc(54 + pixels * pixels * 3);
  bmp.write("BM");
  bmp.writeUInt32LE(bmp.byteLength, 2);
  bmp.writeUInt32LE(54, 10);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(pixels, 18);
  bmp.writeInt32LE(pixels, 22);
  bmp.writeUInt16LE(1, 26);
  bmp.writeUInt16LE(24, 28);
  for (let at = 54; at < bmp.byteLength; at += 65_536) crypto.getRandomValues(bmp.subarray(at, Math.min(bmp.byteLength, at + 65_536)));
  return new Blob([Buffer.from(await new Bun.Image(bmp).png().bytes())]);
}

test.each([525_000, 52_500, 20_000])("noise of 1200 x 1200 takes at most %d bytes", async (most) => {
  const preview = await previews.webp(await noise(1200), most, signal);
  expect(preview!.byteLength).toBeLessThanOrEqual(most);
  const { format, width } = await new Bun.Image(preview!).metadata();
  expect(format).toBe("webp");
  expect(width).toBeLessThanOrEqual(1024);
});

test("an image that is small already is not made larger", async () => {
  const preview = await previews.webp(await noise(64), 525_000, signal);
  expect(await new Bun.Image(preview!).metadata()).toMatchObject({ width: 64, height: 64 });
});

test.each([
  ["what is no image", new Blob(["<svg/>"]), 525_000],
  ["what cannot be so small", null, 10],
] as const)("%s has none", async (_name, blob, most) => {
  expect(await previews.webp(blob ?? (await noise(200)), most, signal)).toBeNull();
});
