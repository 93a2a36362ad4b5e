// Media store: inputs and results in files under minted ids, a row each, swept by age and total size.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Media, TempFile, TempFileWriter } from "../../domain/generation.ts";
import { AppError, diskIsFull } from "../../errors.ts";
import { isId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { describeMedia, type MediaFacts } from "./describe-media.ts";
import { createFreeSpace } from "./free-space.ts";
import { deleteOldOrphans, moveOrphans, type Orphanage, orphansBeside } from "./media-orphans.ts";
import { MediaUsage } from "./media-shares.ts";
import { Sweeper } from "./retention.ts";
import { HEAD_BYTES } from "./sniff.ts";
import { asDiskError, bytesAtHand, createTempFiles, type Source, type TempFiles } from "./temp-files.ts";
import { createThumbnails, type Thumbnails } from "./thumbnails.ts";

export interface MediaStore {
  /** Opens a temp file for the bytes of one media item; the claimed type decides nothing. */
  openTempFile(mime: string): Promise<TempFileWriter>;
  /**
   * Makes a temp file a media item. The temp file is used up, also by a failure.
   * @throws {AppError} for inputs `invalid_request` (unknown type, damaged, too many pixels), `limit_exceeded` (the key's share or its uploads
   * of the day are used up); for results `upstream_unknown_outcome`, charged (unknown type); `unavailable` when the disk is full
   */
  store(file: TempFile, facts: MediaFacts): Promise<Media>;
  /** As {@link store}, for bytes at hand. */
  storeBytes(bytes: Uint8Array | Blob, facts: MediaFacts): Promise<Media>;
  /** Null for anything but the id of a media item. */
  get(id: string): Promise<Media | null>;
  /** The row and its bytes, read lazily from disk; null also when the file is missing or cut. */
  open(id: string): Promise<{ media: Media; blob: Blob } | null>;
  /** A small WebP of an image, made at the first request. Null: the image is absent, or its type cannot be decoded. */
  thumbnail(id: string): Promise<Blob | null>;
  /** Drops a temp file. */
  discard(file: TempFile): Promise<void>;
  /** Deletes one media item; false when there is none. */
  remove(id: string): Promise<boolean>;
  /**
   * Frees space for so many bytes of a key's inputs, at the expense of its own older inputs only.
   * @throws {AppError} `limit_exceeded` when they do not fit into the key's share; `unavailable` when the disk is full
   */
  makeInputRoom(keyId: number, bytes: number): Promise<void>;
  /** The inputs that came with a request stay: something was begun with them. */
  claimInputs(requestId: string): void;
  /** A request is over: inputs of one that was refused, and which nobody has claimed, are deleted. Undefined: it had none. */
  endRequest(requestId: string, refused: boolean): Promise<void> | undefined;
  /** Deletes what is past its age, and what is beyond the total size. Resolves with the number deleted. */
  sweep(): Promise<number>;
  /** @throws {AppError} `unavailable` when less disk is free than `media.min_free_mb` */
  assertSpace(): void;
  /** Free bytes of the disk that media lie on, as of a few seconds ago at most. */
  freeBytes(): number;
  /** Bytes of all media together, right once {@link start} has resolved. */
  totalBytes(): number;
  /** Deletes what a crash left behind, learns the total size and begins to sweep every `media.sweep_interval`. */
  start(): Promise<void>;
  /** Ends the sweeping; resolves when a sweep under way has ended. */
  stop(): Promise<void>;
}

export type MediaDependencies = {
  /** Media lie in `media/` below it. */
  dataDir: string;
  store: Pick<
    Store,
    "insertMedia" | "readMediaBytes" | "getMedia" | "listExpiredMedia" | "listOldestMedia" | "deleteMedia" | "listUnknownMedia" | "sumMedia"
  >;
  clock: Clock;
  settings: () => Settings;
  log: Log;
  /** Where media files without a record go; absent: beside the media. */
  orphans?: Orphanage;
  /** Counts an input's bytes under its key; throws when they are too many. Absent: not counted. */
  countInput?: (keyId: number, bytes: number) => void;
  /** Media up to this many bytes are stored in the database with their row. Default 16 KiB. */
  rowBytes?: number;
};

/** Up to here a row is many times cheaper than a file of its own; generated images are larger. */
const ROW_BYTES = 16 * 1024;
const STALE_TEMP_FILE_MS = 3_600_000;
/** When inputs of today may be old enough to give way, ms. */
const SHARE_RETRY_MS = 600_000;
const MAX_UNCLAIMED = 10_000;
const MEBIBYTE = 1024 * 1024;

/** The media store of one data folder. */
export class FileMediaStore implements MediaStore {
  private readonly folder: string;
  private readonly orphans: Orphanage;
  private readonly tempFiles: TempFiles;
  private readonly thumbnails: Thumbnails;
  private readonly usage = new MediaUsage();
  private readonly sweeper: Sweeper;
  private readonly rowBytes: number;
  /** Inputs of requests that are not over and have not begun anything. */
  private readonly unclaimed = new Map<string, Media[]>();
  readonly freeBytes: () => number;

  constructor(private readonly deps: MediaDependencies) {
    const { dataDir, store, clock, settings, log } = deps;
    this.folder = join(dataDir, "media");
    this.rowBytes = deps.rowBytes ?? ROW_BYTES;
    this.orphans = deps.orphans ?? orphansBeside(this.folder);
    this.tempFiles = createTempFiles(join(this.folder, "drafts"));
    this.freeBytes = createFreeSpace(this.folder, clock);
    this.thumbnails = createThumbnails({ folder: join(this.folder, "thumbs"), log });
    this.sweeper = new Sweeper({ store, usage: this.usage, clock, settings, log, erase: (media) => this.erase(media) });
  }

  async openTempFile(mime: string): Promise<TempFileWriter> {
    return this.tempFiles.open(mime);
  }

  async store(file: TempFile, facts: MediaFacts): Promise<Media> {
    try {
      const head = file.data?.subarray(0, HEAD_BYTES) ?? (await this.tempFiles.head(file, HEAD_BYTES));
      return await this.insert(this.describe(head, file.bytes, facts), file, facts.source);
    } catch (error) {
      await this.tempFiles.discard(file);
      throw error;
    }
  }

  async storeBytes(bytes: Uint8Array | Blob, facts: MediaFacts): Promise<Media> {
    const head = bytes instanceof Blob ? await bytes.slice(0, HEAD_BYTES).bytes() : bytes.subarray(0, HEAD_BYTES);
    return this.insert(this.describe(head, bytes instanceof Blob ? bytes.size : bytes.byteLength, facts), bytes);
  }

  async get(id: string): Promise<Media | null> {
    return isId(id) ? this.deps.store.getMedia(id) : null;
  }

  async open(id: string): Promise<{ media: Media; blob: Blob } | null> {
    const media = await this.get(id);
    const blob = media && (await this.blobOf(media));
    return blob && { media, blob };
  }

  async thumbnail(id: string): Promise<Blob | null> {
    const media = await this.get(id);
    return media && this.thumbnails.of(media, () => this.blobOf(media));
  }

  discard(file: TempFile): Promise<void> {
    return this.tempFiles.discard(file);
  }

  async remove(id: string): Promise<boolean> {
    const media = await this.get(id);
    return media !== null && (await this.erase([media])).length === 1;
  }

  makeInputRoom(keyId: number, bytes: number): Promise<void> {
    return this.reserveInput(keyId, bytes, () => {});
  }

  claimInputs(requestId: string): void {
    this.unclaimed.delete(requestId);
  }

  endRequest(requestId: string, refused: boolean): Promise<void> | undefined {
    const inputs = this.unclaimed.get(requestId);
    return inputs && this.unclaimed.delete(requestId) && refused ? this.eraseRefused(inputs) : undefined;
  }

  private async eraseRefused(inputs: Media[]): Promise<void> {
    await this.erase(inputs).catch((error) => this.deps.log.warn("Inputs of a refused request could not be deleted", { error }));
  }

  sweep(): Promise<number> {
    return this.sweeper.sweep();
  }

  assertSpace(): void {
    const leastMb = this.deps.settings().media.min_free_mb;
    if (leastMb > 0 && this.freeBytes() < leastMb * MEBIBYTE) throw diskIsFull();
  }

  totalBytes(): number {
    return this.usage.total();
  }

  async start(): Promise<void> {
    const { clock, log, store } = this.deps;
    const { orphans } = this;
    const isRestored = orphans.isAfterRestore();
    const stale = isRestored ? 0 : await this.tempFiles.deleteBefore(clock.now() - STALE_TEMP_FILE_MS);
    if (stale > 0) log.info("Unfinished media of an earlier run were deleted", { count: stale });
    const old = isRestored ? 0 : await deleteOldOrphans(orphans.folder(), clock.now());
    if (old > 0) log.info("Old media files without a record were deleted", { count: old });
    const moved = await moveOrphans(this.folder, orphans.folder(), store);
    if (moved > 0) log.warn("Media files without a record were moved aside", { count: moved, folder: orphans.folder() });
    orphans.moved(moved);
    this.usage.load(await store.sumMedia());
    this.sweeper.start();
  }

  stop(): Promise<void> {
    return this.sweeper.stop();
  }

  /** Ids and extensions are ours: nothing that a client wrote is part of a path. */
  private pathOf({ id, ext }: Media): string {
    return join(this.folder, id.slice(0, 1), `${id}.${ext}`);
  }

  private describe(head: Uint8Array, bytes: number, facts: MediaFacts): Media {
    return describeMedia(head, { ...facts, bytes }, this.deps.settings(), this.deps.clock.now());
  }

  /** Null when the file is missing or cut. */
  private async blobOf(media: Media): Promise<Blob | null> {
    const held = media.bytes <= this.rowBytes ? await this.deps.store.readMediaBytes(media.id) : null;
    if (held) return new Blob([held as BlobPart], { type: media.mime });
    const blob = Bun.file(this.pathOf(media), { type: media.mime });
    if (blob.size === media.bytes) return blob;
    const { requestId, mime, createdAt } = media;
    this.deps.log.warn("A media file is missing or cut", { requestId, mime, createdAt });
    return null;
  }

  /** Small bytes go into the row; larger ones into a file first, so that a row always has its file. */
  private async insert(media: Media, source: Source, maker?: MediaFacts["source"]): Promise<Media> {
    // Counted before it is written: what arrives together shares the space.
    const { keyId, bytes, origin, requestId, name } = media;
    if (origin === "input" && keyId !== null) {
      await this.reserveInput(keyId, bytes, () => {
        this.deps.countInput?.(keyId, bytes);
        this.usage.add(media);
      });
    } else this.usage.add(media);
    try {
      const data = bytesAtHand(source);
      if (data && bytes <= this.rowBytes) await this.deps.store.insertMedia(media, data, maker);
      else await this.insertFile(media, source, maker);
    } catch (error) {
      this.usage.add(media, -1);
      throw asDiskError(error);
    }
    if (origin === "input" && requestId !== null && name === null) this.noteUnclaimed(requestId, media);
    return media;
  }

  private async insertFile(media: Media, source: Source, maker?: MediaFacts["source"]): Promise<void> {
    const path = this.pathOf(media);
    try {
      const data = source instanceof Blob ? source : bytesAtHand(source);
      await (data === null ? this.tempFiles.moveTo(source as TempFile, path) : Bun.write(path, data));
      await this.deps.store.insertMedia(media, null, maker);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  private noteUnclaimed(requestId: string, media: Media): void {
    this.unclaimed.set(requestId, [...(this.unclaimed.get(requestId) ?? []), media]);
    // Inputs of a request whose end was never reported are deleted by their age.
    if (this.unclaimed.size > MAX_UNCLAIMED) this.unclaimed.delete(this.unclaimed.keys().next().value!);
  }

  /** Bytes that all media may take: the limit, or what the disk has. */
  private capacity(): number {
    const { max_total_mb, min_free_mb } = this.deps.settings().media;
    const onDisk = this.usage.total() + this.freeBytes() - min_free_mb * MEBIBYTE;
    return max_total_mb === 0 ? onDisk : Math.min(onDisk, max_total_mb * MEBIBYTE);
  }

  /** `take` is called in the same turn in which there is space. */
  private async reserveInput(keyId: number, bytes: number, take: () => void): Promise<void> {
    this.assertSpace();
    const share = Math.floor((this.capacity() * this.deps.settings().media.key_share) / 100);
    const missing = () => this.usage.bytesOf({ keyId, origin: "input" }) + bytes - share;
    if (missing() > 0) await this.sweeper.deleteOldest({ keyId, origin: "input", bytes: missing() });
    if (missing() <= 0) return take();
    const message = `The files that came with this API key fill its share of the storage (${Math.floor(share / MEBIBYTE)} MiB). Delete some, or try again later.`;
    throw new AppError("limit_exceeded", message, { reason: "storage_share", retryAfterMs: SHARE_RETRY_MS });
  }

  /** File first, row second: the next sweep finds what a failure left. Resolves with the media that were deleted. */
  private async erase(media: Media[]): Promise<Media[]> {
    const gone: Media[] = [];
    for (const item of media) {
      try {
        await rm(this.pathOf(item), { force: true });
        await this.thumbnails.drop(item.id);
        gone.push(item);
      } catch (error) {
        this.deps.log.warn("A media file could not be deleted", { error });
      }
    }
    if (gone.length > 0) await this.deps.store.deleteMedia(gone.map(({ id }) => id));
    for (const item of gone) this.usage.add(item, -1);
    return gone;
  }
}
