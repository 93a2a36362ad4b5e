// Where the bytes of media lie: in files of this machine (here), or in an object store (object-blobs.ts).

import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Media, TempFile } from "../../domain/generation.ts";
import type { ByteRange } from "../../object-store/object-store.ts";
import { bytesAtHand, type Source, type TempFiles } from "./temp-files.ts";

/** Bytes of one media item for a response. */
export type MediaBytes = {
  /** At hand, read lazily; null: they are elsewhere, and come by `stream`. */
  blob: Blob | null;
  /** All bytes or a range, as they arrive. @throws {AppError} `unavailable` */
  stream(range: ByteRange | null): Promise<ReadableStream<Uint8Array>>;
  /** A link to the bytes that whoever has it can follow; null: they are served here. */
  link: ((disposition: string) => string) | null;
};

/** Bytes of media by their rows. A row is written after its bytes and deleted after them. */
export interface Blobs {
  /**
   * Resolves once the bytes survive this process. A temp file is used up, also by a failure.
   * @throws when the disk refuses them
   */
  put(media: Media, source: Source): Promise<void>;
  /** The bytes at hand, read lazily; fetched first where they are elsewhere. Null: missing or cut. @throws {AppError} `unavailable` */
  open(media: Media): Promise<Blob | null>;
  /** For a response: nothing is fetched that is not asked for. Null: missing or cut. @throws {AppError} `unavailable` */
  read(media: Media): Promise<MediaBytes | null>;
  /** Also where there are none. @throws when they are still there */
  delete(media: Media): Promise<void>;
  /** False: they do not take the disk whose free space counts. */
  readonly isLocal: boolean;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Media up to this size may lie in their rows: there a row is many times cheaper than a file of its own; generated images are larger. */
export const ROW_BYTES = 16 * 1024;

/** Path of a media item below a folder. Ids and extensions are ours: nothing that a client wrote is part of a path. */
export const mediaPath = ({ id, ext }: Pick<Media, "id" | "ext">): string => `${id.slice(0, 1)}/${id}.${ext}`;

const FILE_NAME = /^([a-z2-7]{26})\.[a-z0-9]{1,8}$/;

/** Id of a media item by the name of its file; null: no file of ours is called so. */
export const mediaFileId = (name: string): string | null => FILE_NAME.exec(name)?.[1] ?? null;

/** Id by a path as {@link mediaPath} makes it; null: it is another's. */
export function mediaPathId(path: string): string | null {
  const id = mediaFileId(path.slice(2));
  return id !== null && path.startsWith(`${id.slice(0, 1)}/`) ? id : null;
}

/** Local bytes as a response takes them. */
export const bytesOfBlob = (blob: Blob): MediaBytes => ({
  blob,
  stream: async (range) => (range ? blob.slice(range.start, range.end) : blob).stream() as ReadableStream<Uint8Array>,
  link: null,
});

/** Writes a source to a path: a temp file is moved. */
export async function writeSource(tempFiles: TempFiles, source: Source, path: string): Promise<void> {
  if (source instanceof Blob) return void (await Bun.write(path, source));
  const data = bytesAtHand(source);
  if (data === null) return tempFiles.moveTo(source as TempFile, path);
  // Not by Bun.write, which copies the bytes first.
  await writeFile(path, data).catch((error) => writeInNewFolder(path, data, error));
}

async function writeInNewFolder(path: string, data: Uint8Array, error: NodeJS.ErrnoException): Promise<void> {
  if (error.code !== "ENOENT") throw error;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, data);
}

/** The file of a media item; null when it is missing or cut. */
export function wholeFile(path: string, { bytes, mime }: Media): Blob | null {
  const file = Bun.file(path, { type: mime });
  return file.size === bytes ? file : null;
}

/** Files below one folder, sorted by the first sign of their id. */
export class FileBlobs implements Blobs {
  readonly isLocal = true;

  constructor(
    private readonly folder: string,
    private readonly tempFiles: TempFiles,
  ) {}

  async put(media: Media, source: Source): Promise<void> {
    const path = this.pathOf(media);
    try {
      await writeSource(this.tempFiles, source, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  async open(media: Media): Promise<Blob | null> {
    return wholeFile(this.pathOf(media), media);
  }

  async read(media: Media): Promise<MediaBytes | null> {
    const file = wholeFile(this.pathOf(media), media);
    return file && bytesOfBlob(file);
  }

  delete(media: Media): Promise<void> {
    return rm(this.pathOf(media), { force: true });
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  private pathOf(media: Media): string {
    return join(this.folder, mediaPath(media));
  }
}
