// Media in an object store: sent from local files, read by range, deleted with their rows.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { ByteRange, ObjectStore } from "../../object-store/object-store.ts";
import { type Blobs, bytesOfBlob, type MediaBytes, mediaPath, mediaPathId, wholeFile } from "./blobs.ts";
import { LocalCopies } from "./local-copies.ts";
import type { Source, TempFiles } from "./temp-files.ts";
import { RETRY_MS, WaitingUploads } from "./waiting-uploads.ts";

type ObjectBlobsOptions = {
  objects: ObjectStore;
  /** Copies lie in `copies/` below it, uploads that wait in `waiting/`. */
  folder: string;
  tempFiles: TempFiles;
  store: Pick<Store, "listUnknownMedia">;
  /** Bytes that local copies may take. */
  copyBytes: () => number;
  /** Responses name a link of the object store instead of sending the bytes. */
  redirects: () => boolean;
  clock: Clock;
  log: Log;
};

/** How long an upload may wait for the store, ms: after that a missing object is lost. */
const UPLOAD_MS = 3_600_000;
/** Objects without a row that are older than this were left by a crash: their row was never written. */
const ORPHAN_MS = 86_400_000;
/** Between looks at all objects, ms, and before the first one. */
const ORPHAN_PERIOD_MS = 86_400_000;
const FIRST_ORPHANS_MS = 3_600_000;

export class ObjectBlobs implements Blobs {
  readonly isLocal = false;
  private readonly copies: LocalCopies;
  private readonly uploads: WaitingUploads;
  private readonly fetching = new Map<string, Promise<Blob | null>>();
  private orphanLooks: Repeated | null = null;

  constructor(private readonly options: ObjectBlobsOptions) {
    const { folder, copyBytes, objects, tempFiles, clock, log } = options;
    this.copies = new LocalCopies({ folder: join(folder, "copies"), maxBytes: copyBytes, log });
    const { copies } = this;
    this.uploads = new WaitingUploads({ folder: join(folder, "waiting"), objects, copies, tempFiles, clock, log });
  }

  put(media: Media, source: Source): Promise<void> {
    return this.uploads.put(media, source);
  }

  async open(media: Media): Promise<Blob | null> {
    const local = this.localFile(media);
    if (local) return local;
    const known = this.fetching.get(media.id);
    if (known) return known;
    const fetching = this.fetchCopy(media).finally(() => this.fetching.delete(media.id));
    this.fetching.set(media.id, fetching);
    return fetching;
  }

  async read(media: Media): Promise<MediaBytes | null> {
    const { objects, redirects } = this.options;
    const name = mediaPath(media);
    const link = redirects() ? (disposition: string) => objects.link(name, { mime: media.mime, disposition }) : null;
    const local = this.localFile(media);
    // What waits for its upload can only be served here.
    if (local) return { ...bytesOfBlob(local), link: existsSync(this.uploads.pathOf(media)) ? null : link };
    if ((await objects.size(name)) !== media.bytes) return this.missing(media);
    return { blob: null, link, stream: (range) => this.streamOf(name, range) };
  }

  async delete(media: Media): Promise<void> {
    await this.uploads.delete(media);
    await this.options.objects.delete(mediaPath(media));
    await this.copies.delete(mediaPath(media));
  }

  async start(): Promise<void> {
    const { clock, log } = this.options;
    await this.copies.start();
    await this.uploads.start();
    const look = (stopping: AbortSignal) =>
      this.deleteOrphans(stopping).then(
        (count) => count > 0 && log.info("Objects without a record were deleted", { count }),
        (error) => log.warn("Objects without a record could not be looked for", { error }),
      ) as Promise<unknown> as Promise<void>;
    this.orphanLooks = repeat(clock, ORPHAN_PERIOD_MS, look, FIRST_ORPHANS_MS);
  }

  async stop(): Promise<void> {
    await Promise.all([this.uploads.stop(), this.orphanLooks?.stop()]);
    await this.copies.stop();
  }

  /** Deletes objects whose row was never written. Only names that we would give count: others may lie below the same prefix. */
  private async deleteOrphans(stopping: AbortSignal): Promise<number> {
    const { objects, store, clock } = this.options;
    let deleted = 0;
    for await (const page of objects.list("", stopping)) {
      const old = page.filter(({ at }) => at > 0 && at < clock.now() - ORPHAN_MS);
      const byId = new Map(old.flatMap(({ name }) => (mediaPathId(name) === null ? [] : [[mediaPathId(name)!, name] as const])));
      for (const id of byId.size === 0 ? [] : await store.listUnknownMedia([...byId.keys()])) {
        if (stopping.aborted) return deleted;
        await objects.delete(byId.get(id)!);
        deleted++;
      }
    }
    return deleted;
  }

  private localFile(media: Media): Blob | null {
    const name = mediaPath(media);
    const copy = wholeFile(this.copies.pathOf(name), media);
    if (copy) this.copies.used(name);
    return copy ?? this.uploads.open(media);
  }

  private async fetchCopy(media: Media): Promise<Blob | null> {
    const name = mediaPath(media);
    const stream = await this.options.objects.read(name);
    if (!stream) return this.missing(media);
    await this.copies.fill(name, stream);
    return wholeFile(this.copies.pathOf(name), media);
  }

  /** Null; @throws {AppError} `unavailable` while it may wait for its upload on the disk of another node */
  private missing({ createdAt }: Media): null {
    if (this.options.clock.now() - createdAt > UPLOAD_MS) return null;
    throw new AppError("unavailable", "This file has not arrived in the object store yet. Try again in a moment.", {
      retryAfterMs: RETRY_MS,
    });
  }

  private async streamOf(name: string, range: ByteRange | null): Promise<ReadableStream<Uint8Array>> {
    const stream = await this.options.objects.read(name, range);
    if (!stream) throw new AppError("unavailable", "The file was deleted from the object store while it was asked for.");
    return stream;
  }
}
