// What encoding a client gets, and that a picture that cannot be converted is never lost.
import { describe, expect, test } from "bun:test";
import type { Media } from "../domain/generation.ts";
import { gifHeader, PIXEL_PNG } from "../gateway/media/media.fixtures.ts";
import { createLog } from "../log.ts";
import { type ImageFormatOptions, renderPicture } from "./image-output.ts";

const media = (mime: string) => ({ id: "m", mime }) as Media;

async function render(bytes: Uint8Array<ArrayBuffer>, mime: string, output: Partial<ImageFormatOptions>) {
  const logged: string[] = [];
  const log = createLog({ level: "info", format: "json", write: (line) => logged.push(line) });
  const store = { open: async () => ({ media: media(mime), blob: new Blob([bytes]) }) };
  const picture = await renderPicture(store, log, media(mime), { format: null, compression: null, ...output });
  return { ...picture, head: [...(await picture.blob.slice(0, 4).bytes())], logged };
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
    const picture = await render(PIXEL_PNG, "image/png", output);
    expect([picture.format, picture.converted, picture.head.slice(0, head.length)]).toEqual([format, converted, [...head]]);
  });
});

test("a JPEG is written anew only for another format or compression", async () => {
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
])("a picture that is %s comes as it is, and the log says so", async (_name, bytes, mime, format) => {
  const picture = await render(bytes, mime, { format: "webp" });
  expect([picture.format, picture.converted, picture.blob.size, picture.logged.length]).toEqual([format, false, bytes.byteLength, 1]);
});

test("many at once all come", async () => {
  const pictures = await Promise.all(Array.from({ length: 20 }, () => render(PIXEL_PNG, "image/png", { format: "jpeg" })));
  expect(pictures.every(({ format }) => format === "jpeg")).toBe(true);
});
