// What encoding a client gets, and that an image that cannot be converted is never lost.
import { describe, expect, test } from "bun:test";
import type { Media } from "../domain/generation.ts";
import { gifHeader, PIXEL_PNG } from "../gateway/media/media.fixtures.ts";
import { createLog } from "../log.ts";
import { type ImageFormatOptions, renderImage } from "./image-output.ts";

const media = (mime: string) => ({ id: "m", mime }) as Media;

async function render(bytes: Uint8Array<ArrayBuffer>, mime: string, output: Partial<ImageFormatOptions>) {
  const logged: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => logged.push(line) });
  const store = { open: async () => ({ media: media(mime), blob: new Blob([bytes]) }) };
  const image = await renderImage(store, log, media(mime), { format: null, compression: null, ...output });
  return { ...image, head: [...(await image.blob.slice(0, 4).bytes())], logged };
}

const PNG = [0x89, 0x50, 0x4e, 0x47];
const JPEG_START = [0xff, 0xd8, 0xff];
const RIFF = [0x52, 0x49, 0x46, 0x46];

describe("a PNG", () => {
  test.each([
    [{}, "png", false, PNG],
    [{ format: "png", compression: 10 }, "png", false, PNG],
    [{ compression: 50 }, "png", false, PNG],
    [{ format: "jpeg" }, "jpeg", true, JPEG_START],
    [{ format: "webp", compression: 0 }, "webp", true, RIFF],
  ] as const)("asked for as %j is %s", async (output, format, converted, head) => {
    const image = await render(PIXEL_PNG, "image/png", output);
    expect([image.format, image.converted, image.head.slice(0, head.length)]).toEqual([format, converted, [...head]]);
  });
});

test("a JPEG is written again only for another format or compression", async () => {
  const jpeg = (await new Bun.Image(PIXEL_PNG).jpeg().bytes()) as Uint8Array<ArrayBuffer>;
  const converted = async (output: Partial<ImageFormatOptions>) => (await render(jpeg, "image/jpeg", output)).converted;
  expect([await converted({}), await converted({ format: "jpeg" }), await converted({ format: "jpeg", compression: 40 })]).toEqual([
    false,
    false,
    true,
  ]);
});

test.each([
  ["damaged", PIXEL_PNG.slice(0, 40), "image/png", "png"],
  ["of a type that is not read here", new Uint8Array([0, 0, 0, 8]), "image/avif", "avif"],
  ["cut after its header", gifHeader(9, 9), "image/gif", "gif"],
])("an image that is %s comes as it is, and the log says so", async (_name, bytes, mime, format) => {
  const image = await render(bytes, mime, { format: "webp" });
  expect([image.format, image.converted, image.blob.size, image.logged.length]).toEqual([format, false, bytes.byteLength, 1]);
});

test("many at once all come", async () => {
  const images = await Promise.all(Array.from({ length: 20 }, () => render(PIXEL_PNG, "image/png", { format: "jpeg" })));
  expect(images.every(({ format }) => format === "jpeg")).toBe(true);
});

test("keys take turns at conversions: one that asks for many holds up no other", async () => {
  const log = createLog({ level: "error", format: "json", write: () => {} });
  const begun: string[] = [];
  const gates: (() => void)[] = [];
  const ask = (keyId: number, id: string) => {
    const bytes = () => {
      begun.push(id);
      return new Promise<Uint8Array>((resolve) => gates.push(() => resolve(PIXEL_PNG)));
    };
    const stored = { ...media("image/png"), keyId, id };
    const store = { open: async () => ({ media: stored, blob: { bytes } as unknown as Blob }) };
    return renderImage(store, log, stored, { format: "webp", compression: null });
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const all = [...["a1", "a2", "a3", "a4", "a5"].map((id) => ask(1, id))];
  await turn();
  all.push(ask(2, "b1"), ask(3, "c1"), ask(2, "b2"));
  await turn();
  while (begun.length < 8) {
    gates.shift()!();
    for (let waited = 0; gates.length === 0 || waited < 20; waited++) await turn();
  }
  for (const open of gates) open();
  await Promise.all(all);
  expect(begun.slice(2)).toEqual(["a3", "b1", "c1", "a4", "b2", "a5"]);
});
