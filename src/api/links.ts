// Media as clients get them: links made when an answer is written, or the bytes inside the answer.

import type { Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/media-store.ts";
import type { Base64Placeholders } from "./json-bytes.ts";

/** Absolute link without query, ending in the real extension: some clients decide by it. */
export function mediaUrl(origin: string, media: Pick<Media, "id" | "ext">): string {
  return `${origin}/media/${media.id}.${media.ext}`;
}

/** A data URL whose bytes are read when the answer is written, for clients that fetch nothing. */
export async function mediaDataUrl(store: Pick<MediaStore, "open">, media: Media, embedded: Base64Placeholders): Promise<string> {
  const found = await store.open(media.id);
  if (!found) throw new Error("A stored result has no file");
  return `data:${media.mime};base64,${embedded.embed(found.blob)}`;
}
