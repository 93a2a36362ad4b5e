// Media links and data URLs, made when a response is written.

import type { Base64, Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/contract.ts";
import { type Base64Placeholders, Base64Text, type BodyBytes } from "./json-bytes.ts";

/** Absolute link without query, ending in the file's extension: some clients decide by it. */
export function mediaUrl(origin: string, media: Pick<Media, "id" | "ext">): string {
  return `${origin}/media/${media.id}.${media.ext}`;
}

/** A data URL, for clients that do not fetch links. Bytes that are not at hand are read when the response is written. */
export async function mediaDataUrl(store: Pick<MediaStore, "open">, made: MadeImage, placeholders: Base64Placeholders): Promise<string> {
  return `data:${made.media.mime};base64,${placeholders.embed(await bytesOf(store, made))}`;
}

/** An image of a generation: its bytes are in the store, and in memory as long as `base64` is there. */
export type MadeImage = { media: Media; base64?: Base64 };

/** The bytes of an image, unread where they are not at hand. */
export async function bytesOf(store: Pick<MediaStore, "open">, { media, base64 }: MadeImage): Promise<BodyBytes> {
  if (base64 !== undefined) return new Base64Text(base64);
  const found = await store.open(media.id);
  if (!found) throw new Error("A stored result has no file");
  return found.blob;
}
