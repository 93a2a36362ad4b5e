// The media store: bytes of inputs and results in files under ids that we mint, a row each, swept by age and total size.
import { statfsSync } from "node:fs";
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
import { deleteOldOrphans, moveOrphans, type Orphanage, orphansBeside } from "./media-orphans.ts";
import { MediaUsage } from "./media-shares.ts";
import { createSweeper } from "./retention.ts";
import { HEAD_BYTES } from "./sniff.ts";
import { createTempFiles, diskErrors } from "./temp-files.ts";
import { createThumbnails } from "./thumbnails.ts";

export interface MediaStore {
  /** Takes the bytes of one medium as they come; the claimed type decides nothing. */
  openTempFile(mime: string): Promise<TempFileWriter>;
  /**
   * Makes a draft a medium. Whatever happens, the draft is used up.
   * @throws {AppError} for inputs `invalid_request` (unknown type, damaged, too many pixels), `limit_exceeded` (the key's share or its uploads
   * of the day are used up); for results `upstream_unknown_outcome`, charged (unknown type); `unavailable` when the disk is full
   */
  keep(draft: TempFile, facts: MediaFacts): Promise<Media>;
  /** As {@link keep}, for bytes at hand. */
  keepBytes(bytes: Uint8Array | Blob, facts: MediaFacts): Promise<Media>;
  /** Null for anything that is not the id of a medium. */
  get(id: string): Promise<Media | null>;
  /** The row and its bytes, read lazily from disk; null also when the file is missing or cut. */
  open(id: string): Promise<{ media: Media; blob: Blob } | null>;
  /** A small WebP of a picture, made when first asked for. Null: there is no such picture, or of its type none can be made. */
  thumbnail(id: string): Promise<Blob | null>;
  /** Drops a draft that nobody wants. */
  discard(draft: TempFile): Promise<void>;
  /** Deletes one medium; false when there is none. */
  remove(id: string): Promise<boolean>;
  /**
   * Makes room for so many bytes of a key's inputs, at the expense of its own older inputs only.
   * @throws {AppError} `limit_exceeded` when they do not fit into the key's share; `unavailable` when the disk is full
   */
  makeInputRoom(keyId: number, bytes: number): Promise<void>;
  /** The inputs that came with a request stay: something was begun with them. */
  claimInputs(requestId: string): void;
  /** A request is over: inputs of one that was refused, and which nobody has claimed, are deleted. */
  endRequest(requestId: string, refused: boolean): Promise<void>;
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
  /** Counts an input's bytes under its key; throws when they are too many. Absent: nobody counts. */
  countInput?: (keyId: number, bytes: number) => void;
  /** Media up to so many bytes are kept in the database with their row. Default 16 KiB. */
  rowBytes?: number;
};

/** Up to here a row is many times cheaper than a file of its own; pictures for people are larger. */
const ROW_BYTES = 16 * 1024;
const STALE_DRAFT_MS = 3_600_000;
/** When inputs of today may have grown old enough to give way, ms. */
const SHARE_RETRY_MS = 600_000;
const MOST_UNCLAIMED = 10_000;
const FREE_SPACE_AGE_MS = 3_000;
const MEBIBYTE = 1024 * 1024;

/** The media store of one data folder. */
export function createMediaStore(deps: MediaDependencies): MediaStore {
  const { store, clock, settings, log, rowBytes = ROW_BYTES } = deps;
  const folder = join(deps.dataDir, "media");
  const orphans = deps.orphans ?? orphansBeside(folder);
  const drafts = createTempFiles(join(folder, "drafts"));
  const freeBytes = createFreeSpace(folder, clock);
  const thumbnails = createThumbnails({ folder: join(folder, "thumbs"), log });
  const usage = new MediaUsage();
  /** Inputs of requests that are not over, which nothing has been begun with. */
  const unclaimed = new Map<string, Media[]>();

  // Ids and extensions are ours: nothing that a client wrote takes part in a path.
  const pathOf = ({ id, ext }: Media) => join(folder, id.slice(0, 1), `${id}.${ext}`);

  const get = async (id: string) => (isId(id) ? store.getMedia(id) : null);

  /** Null when the file is missing or cut. */
  async function blobOf(media: Media): Promise<Blob | null> {
    const held = media.bytes <= rowBytes ? await store.readMediaBytes(media.id) : null;
    if (held) return new Blob([held as BlobPart], { type: media.mime });
    const blob = Bun.file(pathOf(media), { type: media.mime });
    if (blob.size === media.bytes) return blob;
    log.warn("a media file is missing or cut", { requestId: media.requestId, mime: media.mime, createdAt: media.createdAt });
    return null;
  }

  /** The row and its bytes in one act when they are small; else the file first, so that a row always has its file. */
  async function place(media: Media, data: Uint8Array | null, write: (path: string) => Promise<unknown>): Promise<Media> {
    // Counted before it is written: what arrives together shares the room.
    if (media.origin === "input" && media.keyId !== null) await admitInput(media.keyId, media);
    else usage.add(media);
    try {
      if (data && media.bytes <= rowBytes) await diskErrors(() => store.insertMedia(media, data));
      else await placeFile(media, write);
    } catch (error) {
      usage.add(media, -1);
      throw error;
    }
    const { origin, requestId, name } = media;
    if (origin === "input" && requestId !== null && name === null) noteUnclaimed(requestId, media);
    return media;
  }

  function noteUnclaimed(requestId: string, media: Media): void {
    unclaimed.set(requestId, [...(unclaimed.get(requestId) ?? []), media]);
    // Of a request whose end nobody told: its inputs go with their age.
    if (unclaimed.size > MOST_UNCLAIMED) unclaimed.delete(unclaimed.keys().next().value!);
  }

  function admitInput(keyId: number, media: Media): Promise<void> {
    return makeInputRoom(keyId, media.bytes, () => {
      deps.countInput?.(keyId, media.bytes);
      usage.add(media);
    });
  }

  /** Space that media may take in all: the limit, or what the disk has. */
  function capacity(): number {
    const { max_total_mb, min_free_mb } = settings().media;
    const onDisk = usage.total() + freeBytes() - min_free_mb * MEBIBYTE;
    return max_total_mb === 0 ? onDisk : Math.min(onDisk, max_total_mb * MEBIBYTE);
  }

  /** `take` is called in the same turn in which there is room. */
  async function makeInputRoom(keyId: number, bytes: number, take = () => {}): Promise<void> {
    assertSpace();
    const { key_share } = settings().media;
    const share = Math.floor((capacity() * key_share) / 100);
    const missing = () => usage.bytesOf({ keyId, origin: "input" }) + bytes - share;
    if (missing() > 0) await sweeper.deleteOldest({ keyId, origin: "input", bytes: missing() });
    if (missing() <= 0) return take();
    const message = `The files that came with this API key fill its share of the storage (${Math.floor(share / MEBIBYTE)} MiB). Delete some, or try again later.`;
    throw new AppError("limit_exceeded", message, { reason: "storage_share", retryAfterMs: SHARE_RETRY_MS });
  }

  function assertSpace(): void {
    const leastMb = settings().media.min_free_mb;
    if (leastMb > 0 && freeBytes() < leastMb * MEBIBYTE) throw diskIsFull();
  }

  async function placeFile(media: Media, write: (path: string) => Promise<unknown>): Promise<void> {
    const path = pathOf(media);
    try {
      await write(path);
      await store.insertMedia(media);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  const describe = (head: Uint8Array, bytes: number, facts: MediaFacts) => describeMedia(head, bytes, facts, settings(), clock.now());

  /** File first, row second: what is left after a failure is found again by the next sweep. */
  async function erase(media: Media[]): Promise<Media[]> {
    const gone: Media[] = [];
    for (const medium of media) {
      try {
        await rm(pathOf(medium), { force: true });
        await thumbnails.drop(medium.id);
        gone.push(medium);
      } catch (error) {
        log.warn("a media file could not be deleted", { error });
      }
    }
    if (gone.length > 0) await store.deleteMedia(gone.map(({ id }) => id));
    for (const medium of gone) usage.add(medium, -1);
    return gone;
  }

  const sweeper = createSweeper({ store, usage, clock, settings, log, erase });

  return {
    openTempFile: async (mime) => drafts.open(mime),
    async keep(draft, facts) {
      try {
        const media = describe(await drafts.head(draft, HEAD_BYTES), draft.bytes, facts);
        return await place(media, draft.data ?? null, (path) => drafts.moveTo(draft, path));
      } catch (error) {
        await drafts.discard(draft);
        throw error;
      }
    },
    async keepBytes(bytes, facts) {
      const head = bytes instanceof Blob ? await bytes.slice(0, HEAD_BYTES).bytes() : bytes.subarray(0, HEAD_BYTES);
      const media = describe(head, bytes instanceof Blob ? bytes.size : bytes.byteLength, facts);
      return place(media, bytes instanceof Blob ? null : bytes, (path) => diskErrors(() => Bun.write(path, bytes)));
    },
    get,
    async open(id) {
      const media = await get(id);
      const blob = media && (await blobOf(media));
      return blob && { media, blob };
    },
    async thumbnail(id) {
      const media = await get(id);
      return media && thumbnails.of(media, () => blobOf(media));
    },
    discard: drafts.discard,
    async remove(id) {
      const media = await get(id);
      return media !== null && (await erase([media])).length === 1;
    },
    makeInputRoom: (keyId, bytes) => makeInputRoom(keyId, bytes),
    claimInputs: (requestId) => void unclaimed.delete(requestId),
    async endRequest(requestId, refused) {
      const inputs = unclaimed.get(requestId);
      if (!inputs) return;
      unclaimed.delete(requestId);
      if (refused) await erase(inputs).catch((error) => log.warn("Inputs of a refused request could not be deleted", { error }));
    },
    sweep: sweeper.sweep,
    assertSpace,
    freeBytes,
    totalBytes: () => usage.total(),
    async start() {
      const isRestored = orphans.isAfterRestore();
      const stale = isRestored ? 0 : await drafts.deleteBefore(clock.now() - STALE_DRAFT_MS);
      if (stale > 0) log.info("unfinished media of an earlier run were deleted", { count: stale });
      const old = isRestored ? 0 : await deleteOldOrphans(orphans.folder(), clock.now());
      if (old > 0) log.info("Old media files without a record were deleted", { count: old });
      const moved = await moveOrphans(folder, orphans.folder(), store);
      if (moved > 0) log.warn("Media files without a record were moved aside", { count: moved, folder: orphans.folder() });
      orphans.moved(moved);
      usage.load(await store.sumMedia());
      sweeper.start();
    },
    stop: sweeper.stop,
  };
}

/** Free bytes of the disk, for which the system is asked every few seconds at most. */
function createFreeSpace(folder: string, clock: Clock): () => number {
  let freeBytes = Number.POSITIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.now() - askedAt >= FREE_SPACE_AGE_MS) {
      const { bavail, bsize } = statfsSync(folder);
      freeBytes = bavail * bsize;
      askedAt = clock.now();
    }
    return freeBytes;
  };
}
