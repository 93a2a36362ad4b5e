// Thumbnails: made once, small, a few at a time, and gone with what they show.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Media } from "../../domain/generation.ts";
import { silentLog } from "../../log.ts";
import { temporaryFolder } from "../../testing.ts";
import { PIXEL_PNG } from "./media.fixtures.ts";
import { createThumbnails, THUMBNAIL_PIXELS } from "./thumbnails.ts";

const media = (change: Partial<Media> = {}): Media => ({
  id: "abcdefghijklmnopqrstuvwxyz",
  kind: "image",
  origin: "result",
  mime: "image/png",
  ext: "png",
  bytes: 1,
  width: null,
  height: null,
  keyId: null,
  createdAt: 0,
  expiresAt: null,
  requestId: null,
  name: null,
  purpose: null,
  family: null,
  ...change,
});

/** An image of 800 x 400. */
const wide = () => new Bun.Image(PIXEL_PNG).resize(800, 400, { fit: "fill" }).png().bytes() as Promise<Uint8Array<ArrayBuffer>>;

describe("a thumbnail", () => {
  test("is a small WebP that is made once for all who ask", async () => {
    using folder = temporaryFolder();
    const thumbnails = createThumbnails({ folder: folder.path, log: silentLog });
    let opened = 0;
    const open = async () => {
      opened++;
      return new Blob([await wide()]);
    };
    const [first, second] = await Promise.all([thumbnails.of(media(), open), thumbnails.of(media(), open)]);
    expect(await thumbnails.of(media(), open)).not.toBeNull();
    expect(opened).toBe(1);
    expect(second!.size).toBe(first!.size);
    const { width, height, format } = await new Bun.Image(await first!.bytes()).metadata();
    expect({ width, height, format }).toEqual({ width: THUMBNAIL_PIXELS, height: THUMBNAIL_PIXELS / 2, format: "webp" });
  });

  test("goes with its media item, and is made again when somebody deleted the folder", async () => {
    using folder = temporaryFolder();
    const thumbnails = createThumbnails({ folder: join(folder.path, "thumbs"), log: silentLog });
    const open = async () => new Blob([await wide()]);
    expect(await thumbnails.of(media(), open)).not.toBeNull();
    await thumbnails.drop(media().id);
    expect(readdirSync(join(folder.path, "thumbs", "a"))).toEqual([]);
    await thumbnails.drop("never made");
    expect((await thumbnails.of(media(), open))!.size).toBeGreaterThan(0);
  });

  test.each([
    ["a video", { mime: "video/mp4", kind: "video" as const }, "never read"],
    ["a type that is not decoded here", { mime: "image/avif" }, "never read"],
    ["a picture whose file is gone", {}, null],
    ["a damaged picture", {}, "no picture"],
  ])("of %s there is none", async (_, change, bytes) => {
    using folder = temporaryFolder();
    const thumbnails = createThumbnails({ folder: folder.path, log: silentLog });
    expect(await thumbnails.of(media(change), async () => (bytes === null ? null : new Blob([bytes])))).toBeNull();
  });
});
