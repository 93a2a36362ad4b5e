// The simulator's images: which pixels an aspect and a size promise, and real PNG or JPEG files of them.
import { hashText } from "../chance.ts";
import { encodePng } from "./png.ts";
import { drawScene, frameColour } from "./scene.ts";

export type RenderedSize = "512" | "1K" | "2K" | "4K";
export type RenderedType = "image/png" | "image/jpeg";

/** Pixels at 1K (Gemini image generation guide, output sizes of the 3.x family, read 2026-11-23). 2K and 4K are two and four times that, 512 is half. */
const PIXELS_1K: Record<string, [number, number]> = {
  "1:1": [1024, 1024],
  "2:3": [848, 1264],
  "3:2": [1264, 848],
  "3:4": [896, 1200],
  "4:3": [1200, 896],
  "4:5": [928, 1152],
  "5:4": [1152, 928],
  "9:16": [768, 1376],
  "16:9": [1376, 768],
  "21:9": [1584, 672],
  "1:4": [512, 2048],
  "4:1": [2048, 512],
  "1:8": [384, 3072],
  "8:1": [3072, 384],
};

const SCALE: Record<RenderedSize, number> = { "512": 0.5, "1K": 1, "2K": 2, "4K": 4 };

/** Width and height of an aspect and size, or null where the aspect is unknown. 21:9 at 512 is 792 by 168, as published. */
export function pixelsOf(aspect: string, size: RenderedSize): [number, number] | null {
  const pixels = PIXELS_1K[aspect];
  if (!pixels) return null;
  if (aspect === "21:9" && size === "512") return [792, 168];
  return [pixels[0] * SCALE[size], pixels[1] * SCALE[size]];
}

export type RenderRequest = {
  /** What the image is drawn from, besides the seed. */
  prompt: string;
  seed: number;
  width: number;
  height: number;
  type: RenderedType;
  /** Hashes of the input images; each adds a frame. */
  inputs?: number[];
};

export type RenderedImage = { type: RenderedType; bytes: Uint8Array<ArrayBuffer>; base64: string };

/** Images already drawn, newest last, up to a number of bytes. */
const MOST_CACHED_BYTES = 64 * 1024 * 1024;
const cache = new Map<string, Promise<RenderedImage>>();
let cachedBytes = 0;

/** Draws and encodes, or takes from the cache. The same request always gives the same bytes. */
export function renderedImage(request: RenderRequest): Promise<RenderedImage> {
  const key = JSON.stringify([request.prompt, request.seed, request.width, request.height, request.type, request.inputs ?? []]);
  const known = cache.get(key);
  if (known) {
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const drawn = encode(request);
  cache.set(key, drawn);
  void drawn.then((result) => {
    cachedBytes += weight(result);
    void shrinkCache();
  });
  return drawn;
}

async function shrinkCache(): Promise<void> {
  for (const [key, entry] of cache) {
    if (cachedBytes <= MOST_CACHED_BYTES) return;
    cache.delete(key);
    cachedBytes -= weight(await entry);
  }
}

function weight(drawn: RenderedImage): number {
  return drawn.bytes.length + drawn.base64.length;
}

/** Side up to which a JPEG is drawn pixel by pixel; beyond it the drawing is enlarged, which is what an upscaler does. */
const LONGEST_DRAWN_SIDE = 1400;

async function encode(request: RenderRequest): Promise<RenderedImage> {
  const { width, height, type } = request;
  const seed = hashText(request.prompt, request.seed);
  const frames = (request.inputs ?? []).map(frameColour);
  if (type === "image/png") return finished(type, await encodePng(drawScene(seed, width, height, frames)));
  const reduction = Math.max(1, Math.max(width, height) / LONGEST_DRAWN_SIDE);
  const small = await encodePng(drawScene(seed, Math.round(width / reduction), Math.round(height / reduction), frames));
  const image = new Bun.Image(small).resize(width, height, { filter: "bilinear" }).jpeg({ quality: 85 });
  return finished(type, new Uint8Array(await image.bytes()));
}

function finished(type: RenderedType, bytes: Uint8Array<ArrayBuffer>): RenderedImage {
  return { type, bytes, base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64") };
}
