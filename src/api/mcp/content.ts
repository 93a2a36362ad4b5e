// Content blocks of results: a small WebP preview, a link to the stored file, and the same as Markdown.

import type { Media } from "../../domain/generation.ts";
import { mediaUrl } from "../links.ts";
import type { Api, Call, Content } from "./call.ts";

/**
 * Base64 of all previews of one result, in characters: Claude Desktop refuses results over 1 MB
 * (github.com/PrefectHQ/fastmcp/issues/1036, read 2026-11-29).
 */
export const PREVIEW_CHARACTERS = 700_000;

/** Programs show images in three ways and none shows all: as image blocks, as links, as Markdown. */
export async function imageContent(api: Api, call: Call, images: readonly Media[], notes: readonly string[]): Promise<Content[]> {
  const share = Math.floor(PREVIEW_CHARACTERS / Math.max(1, images.length));
  const previews = await Promise.all(images.map(({ id }) => previewOf(api, call, id, share)));
  const links = images.map((image, index) => linkTo(call, image, images.length === 1 ? "Image" : `Image ${index + 1}`));
  const lines = images.map((image, index) => `![image ${index + 1}](${links[index]!.uri}) ${sizeOf(image)}`);
  return [
    ...previews.filter((preview) => preview !== null),
    ...links,
    { type: "text", text: [...lines, ...notes, IMAGE_HINT].filter((line) => line !== "").join("\n") },
  ];
}

/** A finished video, its still image (null: it has none) and what is said of it. */
type ShownVideo = { video: Media; stillId: string | null; notes: readonly string[] };

export async function videoContent(api: Api, call: Call, { video, stillId, notes }: ShownVideo): Promise<Content[]> {
  const still = stillId === null ? null : await previewOf(api, call, stillId, PREVIEW_CHARACTERS);
  const link = linkTo(call, video, "Video");
  return [
    ...(still ? [still] : []),
    link,
    { type: "text", text: [`[video](${link.uri})`, ...notes].filter((line) => line !== "").join("\n") },
  ];
}

const IMAGE_HINT = "The image shown is a small preview; the link is the full image. Give the link to edit_image to change it.";

/** Null: it is gone, or its type cannot be decoded. */
async function previewOf({ media, previews }: Api, { signal }: Call, id: string, characters: number): Promise<Content | null> {
  const found = await media.open(id);
  const webp = found && (await previews.webp(found.blob, Math.floor(characters / 4) * 3, signal));
  return (
    webp && { type: "image", data: Buffer.from(webp.buffer, webp.byteOffset, webp.byteLength).toString("base64"), mimeType: "image/webp" }
  );
}

const linkTo = ({ origin }: Call, media: Media, title: string) => ({
  type: "resource_link" as const,
  uri: mediaUrl(origin, media),
  name: `${media.id}.${media.ext}`,
  title,
  mimeType: media.mime,
  size: media.bytes,
});

const sizeOf = ({ width, height }: Media): string => (width === null || height === null ? "" : `${width}x${height}`);
