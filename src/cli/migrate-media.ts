// Media of a migration: files and objects, copied where they are missing, compared by size or by content.

import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Settings } from "../config/settings-schema.ts";
import type { Store } from "../db/store.ts";
import type { Media } from "../domain/generation.ts";
import { AppError } from "../errors.ts";
import { mediaPath, ROW_BYTES } from "../gateway/media/blobs.ts";
import { ObjectStore } from "../object-store/object-store.ts";

/** Where the bytes of media lie. */
export interface MediaPlace {
  /** For people. */
  readonly name: string;
  /** Null: it is not there. */
  size(path: string): Promise<number | null>;
  read(path: string): Promise<ReadableStream<Uint8Array> | null>;
  /** From a file of this machine. */
  put(path: string, file: Bun.BunFile, mime: string): Promise<void>;
}

class FolderPlace implements MediaPlace {
  constructor(
    readonly name: string,
    private readonly folder: string,
  ) {}

  async size(path: string): Promise<number | null> {
    const file = join(this.folder, path);
    return existsSync(file) ? Bun.file(file).size : null;
  }

  async read(path: string): Promise<ReadableStream<Uint8Array> | null> {
    const file = join(this.folder, path);
    return existsSync(file) ? Bun.file(file).stream() : null;
  }

  async put(path: string, file: Bun.BunFile): Promise<void> {
    const target = join(this.folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await Bun.write(`${target}.partial`, file);
    await rename(`${target}.partial`, target);
  }
}

class BucketPlace implements MediaPlace {
  constructor(
    readonly name: string,
    private readonly objects: ObjectStore,
    /** Where results wait for their upload: as a source they count. */
    private readonly waiting: string | null,
  ) {}

  size = (path: string) => this.objects.size(path);

  async read(path: string): Promise<ReadableStream<Uint8Array> | null> {
    const file = this.waiting && join(this.waiting, basename(path));
    return file && existsSync(file) ? Bun.file(file).stream() : this.objects.read(path);
  }

  put = (path: string, file: Bun.BunFile, mime: string) => this.objects.put(path, file, mime);
}

/** `where` is `s3://bucket/prefix`, with the keys of the settings, or a folder. */
export function mediaPlace(where: string, storage: Settings["storage"], waiting: string | null = null): MediaPlace {
  if (!where.startsWith("s3://")) return new FolderPlace(where, where);
  const { s3_endpoint: endpoint, s3_region: region, s3_access_key: accessKey, s3_secret_key: secretKey } = storage;
  if (accessKey === "" || secretKey === "")
    throw new AppError("invalid_request", `storage.s3_access_key and storage.s3_secret_key: expected the keys of ${where}, got nothing`);
  return new BucketPlace(where, new ObjectStore({ url: where, endpoint, region, accessKey, secretKey }), waiting);
}

export type MediaReport = { copied: number; present: number; bytes: number /** Their bytes were missing before. */; missing: number };

type CopyMediaOptions = {
  from: MediaPlace;
  to: MediaPlace;
  /** Of media whose bytes are not in their rows. */
  media: AsyncIterable<Media>;
  /** For files on their way. */
  scratch: string;
  /** Reads each copy back and compares the content. */
  verify: boolean;
};

/**
 * Copies what the target has not, or has in another size.
 * @throws {AppError} `conflict` when a copy is not what it was made from
 */
export async function copyMedia({ from, to, media, scratch, verify }: CopyMediaOptions): Promise<MediaReport> {
  const report: MediaReport = { copied: 0, present: 0, bytes: 0, missing: 0 };
  const partial = join(scratch, "media.partial");
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  for await (const item of media) {
    const path = mediaPath(item);
    const isThere = (await to.size(path)) === item.bytes;
    if (isThere && !verify) {
      report.present++;
      continue;
    }
    const stream = await from.read(path);
    if (!stream || (await Bun.write(partial, new Response(stream))) !== item.bytes) {
      report.missing++;
      continue;
    }
    if (!isThere) await to.put(path, Bun.file(partial), item.mime);
    if ((await to.size(path)) !== item.bytes || (verify && !(await isSame(Bun.file(partial).stream(), await to.read(path)))))
      throw new AppError("conflict", `The copy of ${path} in ${to.name} is not what it was made from.`);
    if (isThere) report.present++;
    else report.copied++;
    report.bytes += item.bytes;
  }
  await rm(partial, { force: true });
  return report;
}

async function isSame(one: ReadableStream<Uint8Array>, other: ReadableStream<Uint8Array> | null): Promise<boolean> {
  return other !== null && (await hashOf(one)) === (await hashOf(other));
}

async function hashOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

/** Where media of these settings go. */
export const mediaPlaceOf = (storage: Settings["storage"]): MediaPlace =>
  mediaPlace(storage.media_url || join(storage.data_dir, "media"), storage);

/** Where media of these settings are: in their place, or on this disk while they wait for the bucket. */
export const mediaSourceOf = (storage: Settings["storage"]): MediaPlace =>
  mediaPlace(storage.media_url || join(storage.data_dir, "media"), storage, join(storage.data_dir, "media", "waiting"));

/** What is said of media without bytes. */
export const missingMedia = (count: number, from: MediaPlace): string =>
  from.name.startsWith("s3://")
    ? `${count} media had no bytes in ${from.name}, or were cut: they were missing before, or wait in media/waiting/ of another node.\n`
    : `${count} media had no bytes in ${from.name}, or were cut: they were missing before.\n`;

const PAGE = 500;
/** Media of both origins whose bytes are not in their rows. */
export async function* mediaInFiles(store: Pick<Store, "listMedia" | "readMediaBytes">): AsyncGenerator<Media> {
  for (const origin of ["result", "input"] as const) {
    let before: Media | undefined;
    for (;;) {
      const page: Media[] = await store.listMedia({ origin, limit: PAGE, ...(before && { before }) });
      for (const media of page) if (media.bytes > ROW_BYTES || (await store.readMediaBytes(media.id)) === null) yield media;
      if (page.length < PAGE) break;
      before = page.at(-1);
    }
  }
}
