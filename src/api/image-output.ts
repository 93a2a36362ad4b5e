// Image conversion: a stored image in the encoding that the client asked for.

import type { Media } from "../domain/generation.ts";
import type { MediaStore } from "../gateway/media/contract.ts";
import type { Log } from "../log.ts";
import type { BodyBytes } from "./json-bytes.ts";
import { bytesOf, type MadeImage } from "./links.ts";

export const IMAGE_FORMATS = ["png", "jpeg", "webp"] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** Requested encoding. Null: as the upstream made it. */
export type ImageFormatOptions = { format: ImageFormat | null; compression: number | null };

/** An image ready to be sent. `converted`: the bytes differ from those of the stored media item. */
export type RenderedImage<Bytes extends BodyBytes = BodyBytes> = { media: Media; blob: Bytes; format: string; converted: boolean };

const FORMATS: Readonly<Record<string, ImageFormat>> = { "image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp" };

/** Default quality of JPEG and WebP. */
const DEFAULT_QUALITY = 95;
/** Conversions at once: one of 4096 x 4096 takes 64 MiB. */
const MAX_CONVERSIONS = 2;

type Owner = Media["keyId"];

let running = 0;
/** Waiting conversions by owner. The first owner is served next, and then goes to the end: keys take turns. */
const waiting = new Map<Owner, (() => void)[]>();

async function limitConversions<T>(owner: Owner, convert: () => Promise<T>): Promise<T> {
  if (running >= MAX_CONVERSIONS) {
    await new Promise<void>((resolve) => void waiting.set(owner, [...(waiting.get(owner) ?? []), resolve]));
  } else running++;
  try {
    return await convert();
  } finally {
    // The slot passes to a waiter: `running` stays, so a newcomer cannot take it.
    const next = takeNext();
    if (next) next();
    else running--;
  }
}

function takeNext(): (() => void) | undefined {
  const [first] = waiting;
  if (!first) return undefined;
  const [owner, [next, ...rest]] = first;
  waiting.delete(owner);
  if (rest.length > 0) waiting.set(owner, rest);
  return next;
}

/** Encoding of an image as responses spell it, e.g. `jpeg`. */
export const formatOf = ({ mime }: Pick<Media, "mime">): string => FORMATS[mime] ?? mime.split("/")[1]!;

/** The format to convert to; null: the image is sent as stored. */
function targetOf(media: Media, { format, compression }: ImageFormatOptions): ImageFormat | null {
  const target = format ?? FORMATS[media.mime];
  return !target || (target === formatOf(media) && (compression === null || target === "png")) ? null : target;
}

/** Whether the image is sent in another encoding than the stored one. */
export const isConverted = (media: Media, output: ImageFormatOptions): boolean => targetOf(media, output) !== null;

/** An image of a generation in the requested encoding; see {@link renderImage}. One that is at hand as it is wanted is not read again. */
export async function renderMade(
  store: Pick<MediaStore, "open">,
  log: Log,
  made: MadeImage,
  output: ImageFormatOptions | null,
): Promise<RenderedImage> {
  const { media } = made;
  if (output && isConverted(media, output)) return renderImage(store, log, media, output);
  return { media, blob: await bytesOf(store, made), format: formatOf(media), converted: false };
}

/**
 * The image in the requested encoding. One that cannot be converted is returned as stored, under its own format: it is paid for.
 */
export async function renderImage(
  store: Pick<MediaStore, "open">,
  log: Log,
  media: Media,
  output: ImageFormatOptions,
): Promise<RenderedImage<Blob>> {
  const found = await store.open(media.id);
  if (!found) throw new Error("A stored result has no file");
  const format = formatOf(media);
  const stored = { media, blob: found.blob, format, converted: false };
  const target = targetOf(media, output);
  if (!target) return stored;
  try {
    const bytes = await limitConversions(media.keyId, async () => encode(await found.blob.bytes(), target, output.compression));
    return { media, blob: new Blob([bytes], { type: `image/${target}` }), format: target, converted: true };
  } catch (error) {
    log.warn("Image conversion failed; sent as stored", { from: format, to: target, error });
    return stored;
  }
}

function encode(bytes: Uint8Array<ArrayBuffer>, format: ImageFormat, compression: number | null): Promise<Uint8Array<ArrayBuffer>> {
  const image = new Bun.Image(bytes);
  const quality = Math.max(1, compression ?? DEFAULT_QUALITY);
  if (format === "png") return image.png().bytes() as Promise<Uint8Array<ArrayBuffer>>;
  return (format === "jpeg" ? image.jpeg({ quality }) : image.webp({ quality })).bytes() as Promise<Uint8Array<ArrayBuffer>>;
}
