// Zip of media items: streamed, without compression, since images and videos are compressed already.
import { makeZip, predictLength } from "client-zip";
import type { Media } from "../../domain/generation.ts";

type Opened = { media: Media; blob: Blob };

/** Name of a media item in an archive: its day, its model, its id. */
const nameOf = ({ createdAt, family, id, ext }: Media): string =>
  `${new Date(createdAt).toISOString().slice(0, 10)}-${family ?? "file"}-${id}.${ext}`;

/**
 * The archive as it is written; `bytes` is its length, right as long as no item is deleted meanwhile: then the archive ends early and the
 * client sees that it is not whole.
 * @param open null: the item is gone
 */
export function zipOfMedia(
  items: readonly Media[],
  open: (id: string) => Promise<Opened | null>,
): { stream: ReadableStream; bytes: bigint } {
  const metaOf = (media: Media) => ({ name: nameOf(media), size: media.bytes, lastModified: new Date(media.createdAt) });
  async function* files() {
    for (const media of items) {
      const opened = await open(media.id);
      if (!opened) throw new Error("A media item was deleted while it was being packed.");
      yield { ...metaOf(media), input: opened.blob.stream() };
    }
  }
  return { stream: makeZip(files()), bytes: predictLength(items.map(metaOf)) };
}
