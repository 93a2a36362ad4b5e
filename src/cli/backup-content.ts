// What backups of any engine are made of, and taken back into: a data folder, for a while.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { copyStore } from "../db/copy/copy-store.ts";
import { openEnd } from "../db/copy/open-end.ts";
import { snapshotToFolder } from "../db/copy/snapshot.ts";
import { restoreBackup } from "../db/sqlite/backup/restore.ts";
import { openStore } from "../db/sqlite/store.ts";
import { engineOf, isShared } from "../store-engine.ts";
import { copyMedia, type MediaPlace, mediaInFiles, mediaPlace, mediaPlaceOf } from "./migrate-media.ts";
import type { Io } from "./verb.ts";

export type BackupContent = AsyncDisposable & { dataDir: string };

/** The data folder itself, or a moment of the database and, on request, of the bucket in a folder that goes with the result. */
export async function openContent(config: Config, { media, io }: { media: boolean; io: Io }): Promise<BackupContent> {
  const { storage } = config.settings;
  if (!isShared(config) && storage.media_url === "") return { dataDir: storage.data_dir, async [Symbol.asyncDispose]() {} };
  const folder = temporary();
  try {
    const { secretKey } = engineOf(config, io.env);
    const { database_url: url, database_direct_url: directUrl } = storage;
    const dataDir = isShared(config) ? folder.path : storage.data_dir;
    if (isShared(config)) await snapshotToFolder({ url, directUrl }, folder.path, secretKey, io.now());
    if (media) await copyAll({ dataDir, secretKey }, { from: mediaPlaceOf(storage), to: mediaPlace(join(dataDir, "media"), storage) }, io);
    return { dataDir, [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() };
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

/**
 * Takes a backup back into a database that holds nothing yet.
 * @throws {AppError} as `restoreBackup` and `copyStore` do
 */
export async function restoreShared(config: Config, file: string, io: Io): Promise<number> {
  const { storage } = config.settings;
  const { secretKey } = engineOf(config, io.env);
  using folder = temporary();
  const { holds } = await restoreBackup({ dataDir: folder.path, file, env: io.env, now: io.now() });
  {
    await using from = await openEnd({ folder: folder.path }, secretKey);
    await using to = await openEnd({ url: storage.database_url, directUrl: storage.database_direct_url }, secretKey);
    await copyStore({ from: from.end, to: to.end, source: `backup ${file}`, now: io.now(), isInUse: true });
  }
  await copyAll(
    { dataDir: folder.path, secretKey },
    { from: mediaPlace(join(folder.path, "media"), storage), to: mediaPlaceOf(storage) },
    io,
  );
  for (const part of holds) io.stdout(`Restored: ${part}\n`);
  return 0;
}

/** All media that the store in a folder names. */
async function copyAll(
  { dataDir, secretKey }: { dataDir: string; secretKey: Uint8Array },
  places: { from: MediaPlace; to: MediaPlace },
  io: Io,
): Promise<void> {
  const store = await openStore({ dataDir, secretKey, migrate: false });
  try {
    const { missing } = await copyMedia({
      ...places,
      media: mediaInFiles(store),
      scratch: join(dataDir, "media", "drafts"),
      verify: false,
    });
    if (missing > 0) io.stderr(`${missing} media were not found, or were cut.\n`);
  } finally {
    await store.close();
  }
}

function temporary(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "flow2api-backup-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
