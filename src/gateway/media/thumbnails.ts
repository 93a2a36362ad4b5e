// Thumbnails: small WebPs of stored images, made at the first request, a few at a time, on disk.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Media } from "../../domain/generation.ts";
import { KeyedSemaphore } from "../../keyed-semaphore.ts";
import type { Log } from "../../log.ts";

/** Longest side, in pixels. */
export const THUMBNAIL_PIXELS = 320;
const QUALITY = 72;
/** An image of 4096 x 4096 takes 64 MiB while it is resized. */
const AT_ONCE = 2;
/** What can be made smaller here; others are shown as they are. */
const DECODED: ReadonlySet<string> = new Set(["image/png", "image/jpeg", "image/webp"]);

export type Thumbnails = {
  /** WebP of at most {@link THUMBNAIL_PIXELS} a side. Null: its type cannot be decoded. */
  of(media: Media, open: () => Promise<Blob | null>): Promise<Blob | null>;
  /** Deletes the thumbnail of a deleted media item. */
  drop(id: string): Promise<void>;
};

/** Thumbnails in `folder`. It can be deleted at any time: they are made again. */
export function createThumbnails({ folder, log }: { folder: string; log: Log }): Thumbnails {
  const semaphore = new KeyedSemaphore(AT_ONCE);
  const beingMade = new Map<string, Promise<Blob | null>>();
  const stays = new AbortController().signal;
  const pathOf = (id: string) => join(folder, id.slice(0, 1), `${id}.webp`);
  const fileOf = (id: string) => Bun.file(pathOf(id), { type: "image/webp" });

  async function make(id: string, open: () => Promise<Blob | null>): Promise<Blob | null> {
    const leave = await semaphore.enter("", stays);
    try {
      const blob = await open();
      if (!blob) return null;
      const size = { fit: "inside", withoutEnlargement: true } as const;
      const image = new Bun.Image(await blob.bytes()).resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS, size);
      await Bun.write(pathOf(id), await image.webp({ quality: QUALITY }).bytes());
      return fileOf(id);
    } catch (error) {
      log.warn("a thumbnail could not be made", { error });
      return null;
    } finally {
      leave();
    }
  }

  return {
    async of({ id, mime }, open) {
      if (!DECODED.has(mime)) return null;
      const made = fileOf(id);
      if (made.size > 0) return made;
      const making = beingMade.get(id) ?? make(id, open).finally(() => beingMade.delete(id));
      beingMade.set(id, making);
      return making;
    },
    drop: (id) => rm(pathOf(id), { force: true }),
  };
}
