// Uploads to an object store: files that wait on this disk until the store has them, sent again while it is away.

import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, type Repeated, repeat } from "../../clock.ts";
import type { Media } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { mediaFileId, mediaPath, wholeFile, writeSource } from "./blobs.ts";
import type { LocalCopies } from "./local-copies.ts";
import type { Source, TempFiles } from "./temp-files.ts";

type WaitingUploadsOptions = {
  folder: string;
  objects: Pick<ObjectStore, "put" | "delete">;
  /** Take the files over once the store has them. */
  copies: LocalCopies;
  tempFiles: TempFiles;
  clock: Clock;
  log: Log;
};

/** Between looks at what waits, ms. */
export const RETRY_MS = 5_000;
/** A file that is refused while others are taken is tried again after growing pauses up to this, ms. */
const MAX_PAUSE_MS = 600_000;
/** So many failures in a row: the store is away, and the rest is left for the next look. */
const MAX_FAILURES = 3;
/** Files that a look sends at the same time. */
const LANES = 3;
const PARTIAL = ".partial";

/** Refusals of everything, or of this moment: access, the bucket, the rate. */
const OF_THE_STORE = new Set([401, 403, 404, 408, 425, 429]);
/** The store has refused this file, and may take others. */
const isOfFile = (error: unknown): boolean => {
  const status = (error instanceof AppError && error.upstreamStatus) || 500;
  return status >= 400 && status < 500 && !OF_THE_STORE.has(status);
};

type Outcome = "sent" | "refused" | "away";
type Upload = { isDeleted: boolean };
type Failures = { tries: number /** Epoch ms. */; nextAt: number };

export class WaitingUploads {
  /** Being sent, by id: each file by one upload at a time. */
  private readonly uploads = new Map<string, Upload>();
  private readonly failures = new Map<string, Failures>();
  private stopping = new AbortController();
  private looks: Repeated | null = null;
  /** The store takes nothing, as far as is known. */
  private isAway = false;

  constructor(private readonly options: WaitingUploadsOptions) {}

  pathOf({ id, ext }: Pick<Media, "id" | "ext">): string {
    return join(this.options.folder, `${id}.${ext}`);
  }

  /** The bytes of what waits; null: it does not. */
  open(media: Media): Blob | null {
    return wholeFile(this.pathOf(media), media);
  }

  /** On this disk first, whole or not at all; the upload is awaited, and left for later only when the store is away. */
  async put(media: Media, source: Source): Promise<void> {
    const { folder, tempFiles } = this.options;
    const path = this.pathOf(media);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeSource(tempFiles, source, path + PARTIAL);
      await rename(path + PARTIAL, path);
    } catch (error) {
      await rm(path + PARTIAL, { force: true });
      throw error;
    }
    // While it is away nobody waits for it: the next look tries again. A look may have begun with it already.
    if (this.isAway || this.uploads.has(media.id)) return;
    if ((await this.upload(media.id, media.ext, media.mime)) === "away") this.isAway = true;
  }

  /** Forgets a file; an upload under way leaves no object. */
  async delete(media: Media): Promise<void> {
    const upload = this.uploads.get(media.id);
    if (upload) upload.isDeleted = true;
    this.failures.delete(media.id);
    await rm(this.pathOf(media), { force: true });
  }

  /** Begins to look; nothing that waits is awaited. */
  async start(): Promise<void> {
    const { folder, clock, log } = this.options;
    this.stopping = new AbortController();
    // Left by a crash: their rows were never written.
    for (const name of await this.names()) if (name.endsWith(PARTIAL)) await rm(join(folder, name), { force: true });
    this.looks = repeat(clock, RETRY_MS, () =>
      this.look().catch((error) => log.warn("Media that wait for the object store could not be read", { error })),
    );
  }

  /** Gives up what is under way: it is sent after the next start. */
  async stop(): Promise<void> {
    this.stopping.abort(new AppError("cancelled", "The server is stopping."));
    await this.looks?.stop();
  }

  private names(): Promise<string[]> {
    return readdir(this.options.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
  }

  private async look(): Promise<void> {
    const names = (await this.names()).flatMap((name) => {
      const id = mediaFileId(name);
      return id === null ? [] : [{ id, ext: name.slice(id.length + 1) }];
    });
    const triesOf = ({ id }: { id: string }) => this.failures.get(id)?.tries ?? 0;
    // Those that were never refused first: a few that cannot be taken do not stand before the others.
    const waiting = names.toSorted((a, b) => triesOf(a) - triesOf(b)).values();
    let failed = 0;
    const send = async () => {
      for (const { id, ext } of waiting) {
        if (this.stopping.signal.aborted || failed >= MAX_FAILURES) return;
        if (this.uploads.has(id) || this.isPaused(id)) continue;
        const outcome = await this.upload(id, ext, Bun.file(this.pathOf({ id, ext })).type);
        if (outcome === "sent") failed = 0;
        if (outcome === "away") failed++;
      }
    };
    await Promise.all(Array.from({ length: LANES }, send));
    if (failed >= MAX_FAILURES) this.isAway = true;
  }

  /** While the store is away each look tries, so that its return is noticed. */
  private isPaused(id: string): boolean {
    const { nextAt = 0 } = this.failures.get(id) ?? {};
    return !this.isAway && nextAt > this.options.clock.now();
  }

  /** A file that is deleted meanwhile counts as sent. */
  private async upload(id: string, ext: string, mime: string): Promise<Outcome> {
    const { objects } = this.options;
    const path = this.pathOf({ id, ext });
    if (!existsSync(path)) return "sent";
    const upload: Upload = { isDeleted: false };
    this.uploads.set(id, upload);
    try {
      await objects.put(mediaPath({ id, ext }), Bun.file(path), mime, this.stopping.signal);
      this.noteSuccess(id);
      await this.handToCopies({ id, ext });
      return "sent";
    } catch (error) {
      if (!upload.isDeleted && !this.stopping.signal.aborted) this.noteFailure(id, error);
      return isOfFile(error) ? "refused" : "away";
    } finally {
      this.uploads.delete(id);
      if (upload.isDeleted) await this.deleteBehind({ id, ext });
    }
  }

  /** A copy is no more than a cache: without it the object is read. */
  private async handToCopies(file: Pick<Media, "id" | "ext">): Promise<void> {
    const path = this.pathOf(file);
    await this.options.copies.adopt(path, mediaPath(file), Bun.file(path).size).catch(() => rm(path, { force: true }));
  }

  /** An upload that failed may have arrived. */
  private async deleteBehind(file: Pick<Media, "id" | "ext">): Promise<void> {
    const { copies, objects } = this.options;
    await copies.delete(mediaPath(file));
    await objects.delete(mediaPath(file)).catch(() => {});
  }

  private noteSuccess(id: string): void {
    this.failures.delete(id);
    if (!this.isAway) return;
    this.isAway = false;
    this.failures.clear();
    this.options.log.info("The object store takes media again");
  }

  private noteFailure(id: string, error: unknown): void {
    const { clock, log } = this.options;
    const { tries } = this.failures.get(id) ?? { tries: 0 };
    this.failures.set(id, { tries: tries + 1, nextAt: clock.now() + Math.min(MAX_PAUSE_MS, RETRY_MS * 2 ** tries) });
    // Logged once for as long as it lasts.
    if (tries === 0 && !this.isAway) log.error("The object store does not take a media file: it waits on this disk", { error });
  }
}
