// A stored image in the encoding that the client asked for, converted where the upstream made another.

import type { Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/media-store.ts";
import type { Log } from "../log.ts";

export const IMAGE_FORMATS = ["png", "jpeg", "webp"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** How an image is to be encoded. Null: as the upstream made it. */
export type ImageFormatOptions = { format: ImageFormat | null; compression: number | null };

/** An image ready to be written. `converted`: the bytes are not those of the stored medium. */
export type RenderedImage = { media: Media; blob: Blob; format: string; converted: boolean };

const FORMATS: Readonly<Record<string, ImageFormat>> = { "image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp" };

/** Quality of JPEG and WebP when the request names none. */
const DEFAULT_QUALITY = 95;
/** An image of 4096 x 4096 takes 64 MiB while it is converted: only so many at once. */
const MAX_CONVERSIONS = 2;

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(act: () => Promise<T>): Promise<T> {
  if (running >= MAX_CONVERSIONS) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await act();
  } finally {
    // The place goes to the next in line, so that nobody can come between.
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** The name of an image's encoding as answers spell it, e.g. `jpeg`. */
export const formatOf = ({ mime }: Pick<Media, "mime">): string => FORMATS[mime] ?? mime.split("/")[1]!;

/**
 * The image as the output wants it. One that cannot be converted comes as it is, under its own format: it is paid for.
 */
export async function renderImage(
  store: Pick<MediaStore, "open">,
  log: Log,
  media: Media,
  output: ImageFormatOptions,
): Promise<RenderedImage> {
  const found = await store.open(media.id);
  if (!found) throw new Error("A stored result has no file");
  const format = formatOf(media);
  const stored: RenderedImage = { media, blob: found.blob, format, converted: false };
  const target = output.format ?? FORMATS[media.mime];
  if (!target || (target === format && (output.compression === null || target === "png"))) return stored;
  try {
    const bytes = await inTurn(async () => encode(await found.blob.bytes(), target, output.compression));
    return { media, blob: new Blob([bytes], { type: `image/${target}` }), format: target, converted: true };
  } catch (error) {
    log.warn("an image could not be converted and is given as it is", { from: format, to: target, error });
    return stored;
  }
}

function encode(bytes: Uint8Array<ArrayBuffer>, format: ImageFormat, compression: number | null): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Bun.Image(bytes);
  const quality = Math.max(1, compression ?? DEFAULT_QUALITY);
  if (format === "png") return image.png().bytes() as Promise<Uint8Array<ArrayBuffer>>;
  return (format === "jpeg" ? image.jpeg({ quality }) : image.webp({ quality })).bytes() as Promise<Uint8Array<ArrayBuffer>>;
}
