// The media store: bytes of inputs and results in files under ids that we mint, a row each, swept by age and total size.
import { statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Store } from "../db/store.ts";
import { AppError, diskIsFull } from "../errors.ts";
import { isId, newId } from "../ids.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings-schema.ts";
import { createDrafts, diskErrors } from "./media-drafts.ts";
import { deleteOrphans } from "./media-orphans.ts";
import { createSweeper } from "./media-sweep.ts";
import { HEAD_BYTES, inspectInput, type MediaRules, type MediaType, type Pixels, readPixels, sniffType } from "./sniff.ts";
import { createThumbnails } from "./thumbnails.ts";
import type { Draft, DraftWriter, Media } from "./types.ts";

/** Whose a medium is and where it comes from. `keyId` null: the operator's. */
export type MediaFacts = Pick<Media, "origin" | "keyId" | "requestId"> &
  Partial<Pick<Media, "name" | "purpose" | "family">> & {
    /** Of an input: what is accepted, images and videos unless told, and the field to name in errors. */
    accept?: Omit<MediaRules, "maxMegapixels">;
  };

export interface MediaStore {
  /** Takes the bytes of one medium as they come; the claimed type decides nothing. */
  openDraft(mime: string): Promise<DraftWriter>;
  /**
   * Makes a draft a medium. Whatever happens, the draft is used up.
   * @throws {AppError} for inputs `invalid_request` (unknown type, damaged, too many pixels); for results `no_result`, charged (unknown type);
   * `unavailable` when the disk is full
   */
  keep(draft: Draft, facts: MediaFacts): Promise<Media>;
  /** As {@link keep}, for bytes at hand. */
  keepBytes(bytes: Uint8Array | Blob, facts: MediaFacts): Promise<Media>;
  /** Null for anything that is not the id of a medium. */
  get(id: string): Promise<Media | null>;
  /** The row and its bytes, read lazily from disk; null also when the file is missing or cut. */
  open(id: string): Promise<{ media: Media; blob: Blob } | null>;
  /** A small WebP of a picture, made when first asked for. Null: there is no such picture, or of its type none can be made. */
  thumbnail(id: string): Promise<Blob | null>;
  /** Drops a draft that nobody wants. */
  discard(draft: Draft): Promise<void>;
  /** Deletes one medium; false when there is none. */
  remove(id: string): Promise<boolean>;
  /** Deletes what is past its age, and the oldest beyond the total size. Resolves with the number deleted. */
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
  store: Pick<Store, "insertMedia" | "readMediaBytes" | "getMedia" | "listSweepable" | "deleteMedia" | "listUnknownMedia" | "mediaBytes">;
  clock: Clock;
  settings: () => Settings;
  log: Log;
  /** Media up to so many bytes are kept in the database with their row. Default 16 KiB. */
  rowBytes?: number;
};

/** Up to here a row is many times cheaper than a file of its own; pictures for people are larger. */
const ROW_BYTES = 16 * 1024;
const DAY_MS = 86_400_000;
const STALE_DRAFT_MS = 3_600_000;
const FREE_SPACE_AGE_MS = 3_000;
const MEBIBYTE = 1024 * 1024;

/** The media store of one data folder. */
export function createMediaStore(deps: MediaDependencies): MediaStore {
  const { store, clock, settings, log, rowBytes = ROW_BYTES } = deps;
  const folder = join(deps.dataDir, "media");
  const drafts = createDrafts(join(folder, "drafts"));
  const freeBytes = createFreeSpace(folder, clock);
  const thumbnails = createThumbnails({ folder: join(folder, "thumbs"), log });
  let total = 0;

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
    if (data && media.bytes <= rowBytes) await diskErrors(() => store.insertMedia(media, data));
    else await placeFile(media, write);
    total += media.bytes;
    return media;
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
  async function erase(media: Media[]): Promise<number> {
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
    for (const { bytes } of gone) total -= bytes;
    return gone.length;
  }

  const sweeper = createSweeper({ store, clock, settings, log, erase });

  return {
    openDraft: async (mime) => drafts.open(mime),
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
      return media !== null && (await erase([media])) === 1;
    },
    sweep: sweeper.sweep,
    assertSpace() {
      const leastMb = settings().media.min_free_mb;
      if (leastMb > 0 && freeBytes() < leastMb * MEBIBYTE) throw diskIsFull();
    },
    freeBytes,
    totalBytes: () => total,
    async start() {
      const stale = await drafts.deleteBefore(clock.now() - STALE_DRAFT_MS);
      if (stale > 0) log.info("unfinished media of an earlier run were deleted", { count: stale });
      const orphans = await deleteOrphans(folder, store);
      if (orphans > 0) log.info("media files without a record were deleted", { count: orphans });
      total = await store.mediaBytes();
      sweeper.start();
    },
    stop: sweeper.stop,
  };
}

/** The row of a medium from its first bytes. */
function describeMedia(head: Uint8Array, bytes: number, facts: MediaFacts, settings: Settings, now: number): Media {
  const { origin, keyId, requestId, name = null, purpose = null, family = null, accept } = facts;
  const { max_age_days, input_max_age_days, max_megapixels } = settings.media;
  const { type, pixels } =
    origin === "input" ? inspectInput(head, { kinds: ["image", "video"], ...accept, maxMegapixels: max_megapixels }) : inspectResult(head);
  const days = origin === "input" ? input_max_age_days : max_age_days;
  return {
    id: newId(),
    kind: type.kind,
    origin,
    mime: type.mime,
    ext: type.ext,
    bytes,
    width: pixels?.width ?? null,
    height: pixels?.height ?? null,
    keyId,
    createdAt: now,
    expiresAt: days === 0 ? null : now + days * DAY_MS,
    requestId,
    name,
    purpose,
    family,
  };
}

/** A result is paid for: it is refused only when nobody could use it, never for its size. */
function inspectResult(head: Uint8Array): { type: MediaType; pixels: Pixels | null } {
  const type = sniffType(head);
  if (!type) throw new AppError("no_result", "The upstream returned data that is no known image or video type.", { charged: true });
  return { type, pixels: readPixels(head, type) };
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
