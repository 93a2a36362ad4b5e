// Tests of the drawn images: real files, exact pixels, different for different prompts.
import { describe, expect, test } from "bun:test";
import { pixelsOf, type RenderedSize, type RenderedType, renderedImage } from "./images.ts";

const draw = (
  prompt: string,
  aspect = "1:1",
  size: RenderedSize = "512",
  type: RenderedType = "image/png",
  more: { seed?: number; inputs?: number[] } = {},
) => {
  const [width, height] = pixelsOf(aspect, size)!;
  return renderedImage({ prompt, seed: 1, width, height, type, ...more });
};

const averageDifference = async (one: Uint8Array, other: Uint8Array) => {
  const small = (bytes: Uint8Array) => new Bun.Image(bytes).resize(16, 16, { filter: "box" }).png().bytes();
  const [a, b] = await Promise.all([small(one), small(other)]);
  return Bun.hash(a) !== Bun.hash(b);
};

describe("pixels", () => {
  test.each([
    ["1:1", "1K", 1024, 1024],
    ["2:3", "1K", 848, 1264],
    ["4:5", "2K", 1856, 2304],
    ["16:9", "4K", 5504, 3072],
    ["21:9", "2K", 3168, 1344],
    ["21:9", "512", 792, 168],
    ["9:16", "512", 384, 688],
    ["1:8", "4K", 1536, 12288],
    ["4:1", "1K", 2048, 512],
  ] as const)("%s at %s is %d by %d", (aspect, size, width, height) => {
    expect(pixelsOf(aspect, size)).toEqual([width, height]);
  });

  test("an unknown aspect has none", () => {
    expect(pixelsOf("7:5", "1K")).toBeNull();
  });
});

describe("an image", () => {
  test.each([
    ["16:9", "1K", "image/png"],
    ["9:16", "1K", "image/jpeg"],
    ["1:8", "512", "image/png"],
    ["4:3", "2K", "image/jpeg"],
    ["1:1", "2K", "image/png"],
    ["16:9", "4K", "image/jpeg"],
  ] as const)("%s at %s as %s decodes to the promised pixels", async (aspect, size, type) => {
    const { bytes, base64 } = await draw("a harbour", aspect, size, type);
    const [width, height] = pixelsOf(aspect, size)!;
    expect(await new Bun.Image(bytes).metadata()).toMatchObject({ width, height, format: type.slice("image/".length) });
    expect(Buffer.from(base64, "base64").equals(bytes)).toBe(true);
    await new Bun.Image(bytes).resize(8, 8).png().bytes();
  });

  test("differs with the prompt, the seed and the input images, and not without", async () => {
    const [one, again, other, seeded, framed] = await Promise.all([
      draw("a cat"),
      draw("a cat"),
      draw("a dog"),
      draw("a cat", "1:1", "512", "image/png", { seed: 2 }),
      draw("a cat", "1:1", "512", "image/png", { inputs: [42] }),
    ]);
    expect(again.base64).toBe(one.base64);
    for (const changed of [other, seeded, framed]) expect(await averageDifference(one.bytes, changed.bytes)).toBe(true);
  });

  test("is small enough to send around at 1K", async () => {
    const { bytes } = await draw("a very small file", "16:9", "1K");
    expect(bytes.length).toBeLessThan(300_000);
  });
});
