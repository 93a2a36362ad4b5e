// Media links and data URLs, made when a response is written.

import type { Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/media-store.ts";
import type { Base64Placeholders } from "./json-bytes.ts";

/** Absolute link without query, ending in the file's extension: some clients decide by it. */
export function mediaUrl(origin: string, media: Pick<Media, "id" | "ext">): string {
  return `${origin}/media/${media.id}.${media.ext}`;
}

/** A data URL whose bytes are read when the response is written, for clients that do not fetch links. */
export async function mediaDataUrl(store: Pick<MediaStore, "open">, media: Media, placeholders: Base64Placeholders): Promise<string> {
  const found = await store.open(media.id);
  if (!found) throw new Error("A stored result has no file");
  return `data:${media.mime};base64,${placeholders.embed(found.blob)}`;
}
