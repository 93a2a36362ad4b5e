// Local copies of objects: files of a folder, the oldest deleted when they are more than their share.

import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";

type LocalCopiesOptions = { folder: string /** Bytes that copies may take. */; maxBytes: () => number; log: Log };

/** What is left after a deletion: a part of the most. */
const LEFT = 0.8;
/** How many files are looked at before others get a turn. */
const SLICE = 200;

/** A cache in files. Whatever lies in it can be deleted at any time: the objects are elsewhere. */
export class LocalCopies {
  /** Of all copies, by the last count and what came since. */
  private bytes = 0;
  private cleaning: Promise<void> | null = null;

  constructor(private readonly options: LocalCopiesOptions) {}

  pathOf(name: string): string {
    return join(this.options.folder, name);
  }

  /** Takes over a file that is whole. */
  async adopt(path: string, name: string, bytes: number): Promise<void> {
    const target = this.pathOf(name);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(path, target);
    this.grow(bytes);
  }

  /** Writes bytes as they arrive; a copy that was begun and not ended does not appear. */
  async fill(name: string, stream: ReadableStream<Uint8Array>): Promise<void> {
    const target = this.pathOf(name);
    const begun = `${target}.${newId()}`;
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    try {
      const bytes = await Bun.write(begun, new Response(stream));
      await rename(begun, target);
      this.grow(bytes);
    } catch (error) {
      await rm(begun, { force: true });
      throw error;
    }
  }

  /** A copy that is read stays longer. */
  used(name: string): void {
    const now = new Date();
    void utimes(this.pathOf(name), now, now).catch(() => {});
  }

  async delete(name: string): Promise<void> {
    await rm(this.pathOf(name), { force: true });
  }

  /** Counts what an earlier run left, and deletes what is too much. */
  async start(): Promise<void> {
    await this.clean();
  }

  async stop(): Promise<void> {
    await this.cleaning;
  }

  private grow(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > this.options.maxBytes()) void this.clean();
  }

  private clean(): Promise<void> {
    this.cleaning ??= this.deleteOldest()
      .catch((error) => this.options.log.warn("Local copies of media could not be cleaned up", { error }))
      .finally(() => {
        this.cleaning = null;
      });
    return this.cleaning;
  }

  private async deleteOldest(): Promise<void> {
    const { folder, maxBytes } = this.options;
    const files = existsSync(folder) ? await filesBelow(folder) : [];
    this.bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    if (this.bytes <= maxBytes()) return;
    for (const { path, bytes } of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (this.bytes <= maxBytes() * LEFT) break;
      await rm(path, { force: true });
      this.bytes -= bytes;
    }
  }
}

type CopyFile = { path: string; bytes: number /** Epoch ms. */; usedAt: number };

async function filesBelow(folder: string): Promise<CopyFile[]> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files: CopyFile[] = [];
  for (let at = 0; at < entries.length; at += SLICE) {
    const slice = entries.slice(at, at + SLICE).map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      const found = await stat(path).catch(() => null);
      return found && { path, bytes: found.size, usedAt: found.mtimeMs };
    });
    files.push(...(await Promise.all(slice)).filter((file) => file !== null));
  }
  return files;
}
