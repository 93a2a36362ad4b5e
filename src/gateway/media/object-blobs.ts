// Media in an object store: sent from local files, read by range; results wait on disk while the store is away.

import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { isId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { ByteRange, ObjectStore } from "../../object-store.ts";
import { type Blobs, bytesOfBlob, type MediaBytes, mediaPath, wholeFile, writeSource } from "./blobs.ts";
import { LocalCopies } from "./local-copies.ts";
import type { Source, TempFiles } from "./temp-files.ts";

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

/** Between looks at what waits, ms. */
const RETRY_MS = 5_000;
/** How long an upload may wait for the store, ms: after that a missing object is lost. */
const UPLOAD_MS = 3_600_000;
/** Objects without a row that are older than this were left by a crash: their row was never written. */
const ORPHAN_MS = 86_400_000;
/** Between looks at all objects, ms. */
const ORPHAN_PERIOD_MS = 86_400_000;

export class ObjectBlobs implements Blobs {
  readonly isLocal = false;
  private readonly copies: LocalCopies;
  private readonly waiting: string;
  private readonly fetching = new Map<string, Promise<Blob | null>>();
  private readonly cancels: (() => void)[] = [];
  private underWay: Promise<unknown> = Promise.resolve();
  private stopping = false;
  /** An upload failed, and none has succeeded since. */
  private isAway = false;

  constructor(private readonly options: ObjectBlobsOptions) {
    const { folder, copyBytes, log } = options;
    this.copies = new LocalCopies({ folder: join(folder, "copies"), maxBytes: copyBytes, log });
    this.waiting = join(folder, "waiting");
  }

  /** On this disk first; the upload is awaited, and left for later only when the store is away. */
  async put(media: Media, source: Source): Promise<void> {
    const path = this.waitingPath(media);
    try {
      await mkdir(this.waiting, { recursive: true, mode: 0o700 });
      await writeSource(this.options.tempFiles, source, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    // While it is away nobody waits for it: the next look at what waits tries again.
    if (!this.isAway) await this.upload(media.id, media.ext, media.mime);
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
    if (local) return { ...bytesOfBlob(local), link: existsSync(this.waitingPath(media)) ? null : link };
    if ((await objects.size(name)) !== media.bytes) return this.missing(media);
    return { blob: null, link, stream: (range) => this.streamOf(name, range) };
  }

  async delete(media: Media): Promise<void> {
    await rm(this.waitingPath(media), { force: true });
    await this.options.objects.delete(mediaPath(media));
    await this.copies.delete(mediaPath(media));
  }

  async start(): Promise<void> {
    this.stopping = false;
    await this.copies.start();
    await this.uploadWaiting();
    this.repeat(RETRY_MS, () => this.uploadWaiting());
    this.repeat(ORPHAN_PERIOD_MS, () => this.deleteOrphans());
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const cancel of this.cancels.splice(0)) cancel();
    await this.underWay;
    await this.copies.stop();
  }

  /** Deletes objects whose row was never written; resolves with their number. */
  async deleteOrphans(): Promise<number> {
    const { objects, store, clock } = this.options;
    let deleted = 0;
    for await (const page of objects.list()) {
      if (this.stopping) break;
      const old = page.filter(({ at }) => at > 0 && at < clock.now() - ORPHAN_MS);
      const byId = new Map(old.map(({ name }) => [idOf(name), name] as const).filter(([id]) => isId(id)));
      for (const id of byId.size === 0 ? [] : await store.listUnknownMedia([...byId.keys()])) {
        await objects.delete(byId.get(id)!);
        deleted++;
      }
    }
    return deleted;
  }

  private repeat(ms: number, act: () => Promise<unknown>): void {
    const next = () => {
      const cancel = this.options.clock.after(ms, () => {
        this.cancels.splice(this.cancels.indexOf(cancel), 1);
        this.underWay = act()
          .catch((error) => this.options.log.warn("The object store could not be looked after", { error }))
          .finally(() => this.stopping || next());
      });
      this.cancels.push(cancel);
    };
    next();
  }

  private waitingPath({ id, ext }: Pick<Media, "id" | "ext">): string {
    return join(this.waiting, `${id}.${ext}`);
  }

  private localFile(media: Media): Blob | null {
    const name = mediaPath(media);
    const copy = wholeFile(this.copies.pathOf(name), media);
    if (copy) this.copies.used(name);
    return copy ?? wholeFile(this.waitingPath(media), media);
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

  /** Whether the store has it now; its failure is logged once for as long as it lasts. */
  private async upload(id: string, ext: string, mime: string): Promise<boolean> {
    const { objects, log } = this.options;
    const path = this.waitingPath({ id, ext });
    const file = Bun.file(path);
    const bytes = file.size;
    try {
      await objects.put(mediaPath({ id, ext }), file, mime);
    } catch (error) {
      if (!this.isAway) log.error("The object store takes no media: they wait on this disk", { error });
      this.isAway = true;
      return false;
    }
    if (this.isAway) log.info("The object store takes media again");
    this.isAway = false;
    // Deleted meanwhile: the object is too.
    if (!existsSync(path)) await objects.delete(mediaPath({ id, ext })).catch(() => {});
    else await this.copies.adopt(path, mediaPath({ id, ext }), bytes);
    return true;
  }

  private async uploadWaiting(): Promise<void> {
    const names = existsSync(this.waiting) ? await readdir(this.waiting) : [];
    for (const name of names) {
      const [id = "", ext = ""] = name.split(".");
      if (this.stopping || !isId(id)) continue;
      if (!(await this.upload(id, ext, Bun.file(name).type))) return;
    }
  }
}

const idOf = (name: string): string => name.slice(name.lastIndexOf("/") + 1).split(".")[0]!;
