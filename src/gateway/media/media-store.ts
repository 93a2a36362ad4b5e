// Media store: inputs and results in files under minted ids, a row each, swept by age and total size.
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Media, TempFile, TempFileWriter } from "../../domain/generation.ts";
import { AppError, diskIsFull } from "../../errors.ts";
import { isId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { type Blobs, bytesOfBlob, FileBlobs, type MediaBytes, ROW_BYTES } from "./blobs.ts";
import type { MediaStore } from "./contract.ts";
import { describeMedia, type MediaFacts } from "./describe-media.ts";
import { createFreeSpace } from "./free-space.ts";
import { insertAgain, insertRow } from "./insert-row.ts";
import { deleteOldOrphans, moveOrphans, type Orphanage, orphansBeside } from "./media-orphans.ts";
import { MediaUsage } from "./media-shares.ts";
import { ObjectBlobs } from "./object-blobs.ts";
import { Sweeper } from "./retention.ts";
import { HEAD_BYTES } from "./sniff.ts";
import { asDiskError, bytesAtHand, createTempFiles, type Source, type TempFiles } from "./temp-files.ts";
import { createThumbnails, type Thumbnails } from "./thumbnails.ts";
import { UnclaimedInputs } from "./unclaimed-inputs.ts";

export type MediaDependencies = {
  /** Media lie in `media/` below it. */
  dataDir: string;
  /** Where the bytes lie instead of `media/`. */
  objects?: ObjectStore | null;
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

const STALE_TEMP_FILE_MS = 3_600_000;
/** When inputs of today may be old enough to give way, ms. */
const SHARE_RETRY_MS = 600_000;
const MEBIBYTE = 1024 * 1024;
const headOf = (bytes: Uint8Array): Uint8Array => (bytes.byteLength > HEAD_BYTES ? bytes.subarray(0, HEAD_BYTES) : bytes);

/** The media store: rows, and bytes in one data folder or in an object store. */
export class RowMediaStore implements MediaStore {
  private readonly folder: string;
  private readonly orphans: Orphanage;
  private readonly tempFiles: TempFiles;
  private readonly thumbnails: Thumbnails;
  private readonly usage = new MediaUsage();
  private readonly sweeper: Sweeper;
  private readonly rowBytes: number;
  private readonly blobs: Blobs;
  private readonly unclaimed = new UnclaimedInputs();
  readonly freeBytes: () => number;

  constructor(private readonly deps: MediaDependencies) {
    const { dataDir, store, clock, settings, log, objects } = deps;
    this.folder = join(dataDir, "media");
    this.rowBytes = deps.rowBytes ?? ROW_BYTES;
    this.orphans = deps.orphans ?? orphansBeside(this.folder);
    this.tempFiles = createTempFiles(join(this.folder, "drafts"));
    const { folder, tempFiles } = this;
    const storage = () => settings().storage;
    const copyBytes = () => storage().media_cache_mb * MEBIBYTE;
    this.blobs = objects
      ? new ObjectBlobs({ objects, folder, tempFiles, store, copyBytes, redirects: () => storage().media_redirect, clock, log })
      : new FileBlobs(folder, tempFiles);
    this.freeBytes = createFreeSpace(this.folder, clock);
    this.thumbnails = createThumbnails({ folder: join(this.folder, "thumbs"), log });
    this.sweeper = new Sweeper({ store, usage: this.usage, clock, settings, log, erase: (media) => this.erase(media) });
  }

  async openTempFile(mime: string): Promise<TempFileWriter> {
    return this.tempFiles.open(mime);
  }

  async store(file: TempFile, facts: MediaFacts): Promise<Media> {
    let counted: Media | null = null;
    try {
      const head = file.data ? headOf(file.data) : await this.tempFiles.head(file, HEAD_BYTES);
      const media = this.describe(head, file.bytes, facts);
      if (media.origin === "input") return await this.insert(media, file);
      this.usage.add(media);
      counted = media;
      const data = this.bytesForRow(media, file);
      if (data === null) await this.insertFile(media, file, facts.source);
      else {
        try {
          await this.deps.store.insertMedia(media, data, facts.source);
        } catch (error) {
          await insertAgain(error, this.deps, { media, data, maker: facts.source });
        }
      }
      return media;
    } catch (error) {
      if (counted) this.usage.add(counted, -1);
      await this.tempFiles.discard(file);
      throw counted ? asDiskError(error) : error;
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

  async read(id: string): Promise<{ media: Media; bytes: MediaBytes } | null> {
    const media = await this.get(id);
    if (!media) return null;
    const held = await this.heldInRow(media);
    const bytes = held ? bytesOfBlob(held) : await this.blobs.read(media);
    if (!bytes) this.warnOfMissing(media);
    return bytes && { media, bytes };
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
    this.unclaimed.claim(requestId);
  }

  endRequest(requestId: string, refused: boolean): Promise<void> | undefined {
    const inputs = this.unclaimed.claim(requestId);
    return inputs && refused ? this.eraseRefused(inputs) : undefined;
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
    await this.deleteLeftovers();
    await this.blobs.start();
    this.usage.load(await this.deps.store.sumMedia());
    this.sweeper.start();
  }

  async stop(): Promise<void> {
    await this.sweeper.stop();
    await this.blobs.stop();
  }

  /** What a crash left behind. Files without a row are looked for only where this process is the only one that writes them. */
  private async deleteLeftovers(): Promise<void> {
    const { clock, log, store } = this.deps;
    const { orphans } = this;
    const isRestored = orphans.isAfterRestore();
    const stale = isRestored ? 0 : await this.tempFiles.deleteBefore(clock.now() - STALE_TEMP_FILE_MS);
    if (stale > 0) log.info("Unfinished media of an earlier run were deleted", { count: stale });
    if (!this.blobs.isLocal) return orphans.moved(0);
    const old = isRestored ? 0 : await deleteOldOrphans(orphans.folder(), clock.now());
    if (old > 0) log.info("Old media files without a record were deleted", { count: old });
    const moved = await moveOrphans(this.folder, orphans.folder(), store);
    if (moved > 0) log.warn("Media files without a record were moved aside", { count: moved, folder: orphans.folder() });
    orphans.moved(moved);
  }

  private describe(head: Uint8Array, bytes: number, facts: MediaFacts): Media {
    return describeMedia(head, bytes, facts, this.deps);
  }

  private async heldInRow(media: Media): Promise<Blob | null> {
    const held = media.bytes <= this.rowBytes ? await this.deps.store.readMediaBytes(media.id) : null;
    return held && new Blob([held as BlobPart], { type: media.mime });
  }

  /** Null when the bytes are missing or cut. */
  private async blobOf(media: Media): Promise<Blob | null> {
    const blob = (await this.heldInRow(media)) ?? (await this.blobs.open(media));
    if (!blob) this.warnOfMissing(media);
    return blob;
  }

  private warnOfMissing({ requestId, mime, createdAt }: Media): void {
    this.deps.log.warn("A media file is missing or cut", { requestId, mime, made: new Date(createdAt).toISOString() });
  }

  /** Small bytes go into the row; larger ones into a file first, so that a row always has its file. */
  private async insert(media: Media, source: Source): Promise<Media> {
    // Counted before it is written: what arrives together shares the space.
    const { keyId, bytes, origin, requestId, name } = media;
    if (origin === "input" && keyId !== null) {
      await this.reserveInput(keyId, bytes, () => {
        this.deps.countInput?.(keyId, bytes);
        this.usage.add(media);
      });
    } else this.usage.add(media);
    try {
      await this.write(media, source);
    } catch (error) {
      this.usage.add(media, -1);
      throw asDiskError(error);
    }
    if (origin === "input" && requestId !== null && name === null) this.unclaimed.add(requestId, media);
    return media;
  }

  private write(media: Media, source: Source): Promise<void> {
    const data = this.bytesForRow(media, source);
    return data === null ? this.insertFile(media, source) : insertRow(this.deps, media, data);
  }

  /** Null: they go into a file. */
  private bytesForRow(media: Media, source: Source): Uint8Array | null {
    return media.bytes <= this.rowBytes ? bytesAtHand(source) : null;
  }

  private async insertFile(media: Media, source: Source, maker?: MediaFacts["source"]): Promise<void> {
    await this.blobs.put(media, source);
    try {
      await insertRow(this.deps, media, null, maker);
    } catch (error) {
      await this.blobs.delete(media).catch((failure) => this.deps.log.warn("A media file could not be deleted", { error: failure }));
      throw error;
    }
  }

  /** Bytes that all media may take: the limit, or what the disk has. An object store has no end that could be asked for. */
  private capacity(): number {
    const { max_total_mb, min_free_mb } = this.deps.settings().media;
    const free = this.freeBytes() - min_free_mb * MEBIBYTE;
    const onDisk = this.blobs.isLocal ? this.usage.total() + free : Number.POSITIVE_INFINITY;
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
        await this.blobs.delete(item);
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
