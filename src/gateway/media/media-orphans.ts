// Orphaned media files (no row, after a crash or a restore): moved aside, deleted after 30 days.
import { type Dirent, existsSync, mkdirSync, readdirSync } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../../db/store.ts";
import { isId } from "../../ids.ts";

/** Where files without a record go. */
export type Orphanage = {
  folder(): string;
  /** The database was just restored: everything stays, files that look unfinished too. */
  isAfterRestore(): boolean;
  /** The start is over, and so many files were moved. */
  moved(count: number): void;
};

/** How long they are stored where nothing was restored, by the time of their move. */
const KEPT_MS = 30 * 86_400_000;

/** Below the media, the default. */
export function orphansBeside(folder: string): Orphanage {
  return { folder: () => join(folder, "orphans"), isAfterRestore: () => false, moved() {} };
}

/**
 * Moves files below `folder` that whose id has no row into `target`; resolves with their number. Only before anything new is written:
 * a file comes before its row. Names that are no ids of ours are left alone.
 */
export async function moveOrphans(folder: string, target: string, store: Pick<Store, "listUnknownMedia">): Promise<number> {
  let moved = 0;
  for (const name of childrenOf(folder, (entry) => entry.isDirectory() && entry.name.length <= 2)) {
    const files = childrenOf(join(folder, name), (entry) => entry.isFile());
    const byId = new Map(files.map((file) => [file.split(".")[0]!, file]).filter(([id]) => isId(id!)) as [string, string][]);
    for (const id of byId.size === 0 ? [] : await store.listUnknownMedia([...byId.keys()])) {
      // As in the media folder, so that they can be put back by hand.
      mkdirSync(join(target, name), { recursive: true, mode: 0o700 });
      await rename(join(folder, name, byId.get(id)!), join(target, name, byId.get(id)!));
      moved++;
    }
  }
  return moved;
}

/** Deletes what {@link moveOrphans} moved here long ago; resolves with the number of files. */
export async function deleteOldOrphans(target: string, now: number): Promise<number> {
  if (!existsSync(target)) return 0;
  let deleted = 0;
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    // A move is the last change of its inode.
    if (!entry.isFile() || now - (await stat(path)).ctimeMs < KEPT_MS) continue;
    await rm(path, { force: true });
    deleted++;
  }
  return deleted;
}

function childrenOf(folder: string, wanted: (entry: Dirent) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(wanted)
    .map(({ name }) => name);
}
