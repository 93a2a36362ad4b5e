// What backups of any engine are made of, and taken back into: a data folder, for a while.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Config } from "../config/config.ts";
import { copiedAt, copySourceOf, copyStore } from "../db/copy/copy-store.ts";
import { openEnd } from "../db/copy/open-end.ts";
import { snapshotToFolder } from "../db/copy/snapshot.ts";
import { copyDatabaseFile } from "../db/sqlite/backup/backup-file.ts";
import { assertFile, restoreBackup } from "../db/sqlite/backup/restore.ts";
import { openStore } from "../db/sqlite/store.ts";
import { AppError } from "../errors.ts";
import { engineOf, isShared } from "../store-engine.ts";
import { copyMedia, type MediaPlace, mediaInFiles, mediaPlace, mediaPlaceOf, mediaSourceOf, missingMedia } from "./migrate-media.ts";
import type { Io } from "./verb.ts";

export type BackupContent = AsyncDisposable & { dataDir: string };

type ContentOptions = {
  requests: boolean;
  media: boolean /** Of the backup, in whose folder there is space for it. */;
  file: string;
  io: Io;
};

/**
 * The data folder itself, or a moment of the database and, on request, of the bucket, in a folder beside the backup that goes with the
 * result.
 */
export async function openContent(config: Config, { requests, media, file, io }: ContentOptions): Promise<BackupContent> {
  const { storage } = config.settings;
  const isCollected = isShared(config) || (media && storage.media_url !== "");
  if (!isCollected) return { dataDir: storage.data_dir, async [Symbol.asyncDispose]() {} };
  const folder = temporaryIn(dirname(file), `.${basename(file)}-content-`, io);
  try {
    const { secretKey } = engineOf(config, io.env);
    const { database_url: url, database_direct_url: directUrl } = storage;
    if (isShared(config)) await snapshotToFolder({ url, directUrl }, folder.path, secretKey, io.now());
    else await copyDatabases(storage.data_dir, folder.path, requests);
    const places = { from: mediaSourceOf(storage), to: mediaPlace(join(folder.path, "media"), storage) };
    if (media) await copyAll({ dataDir: folder.path, secretKey }, places, io);
    return { dataDir: folder.path, [Symbol.asyncDispose]: async () => folder[Symbol.dispose]() };
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

async function copyDatabases(from: string, to: string, requests: boolean): Promise<void> {
  if (!existsSync(join(from, "flow2api.db"))) throw new AppError("not_found", `There is no flow2api.db in ${from}.`);
  for (const name of requests ? ["flow2api.db", "requests.db"] : ["flow2api.db"])
    if (existsSync(join(from, name))) await copyDatabaseFile(join(from, name), join(to, name));
}

/** What a restore into a database is known by: the backup's own content, and the time that its rows were made ready for. */
const RESTORED = /^backup [0-9a-f]{64} at (\d+)$/;

/**
 * Takes a backup back into a database that holds nothing yet. One that was cut off goes on when it is given again.
 * @throws {AppError} as `restoreBackup` and `copyStore` do
 */
export async function restoreShared(config: Config, file: string, io: Io): Promise<number> {
  const { storage } = config.settings;
  const { secretKey } = engineOf(config, io.env);
  assertFile(file);
  mkdirSync(storage.data_dir, { recursive: true, mode: 0o700 });
  using folder = temporaryIn(storage.data_dir, ".restore-", io);
  await using to = await openEnd({ url: storage.database_url, directUrl: storage.database_direct_url }, secretKey);
  const [, at] = RESTORED.exec((await copySourceOf(to.end)) ?? "") ?? [];
  const now = at === undefined ? io.now() : Number(at);
  const { holds, content } = await restoreBackup({ dataDir: folder.path, file, env: io.env, now });
  const source = `backup ${content} at ${now}`;
  const endedAt = await copiedAt(to.end, source);
  if (endedAt !== null) io.stdout(`The rows of this backup were restored at ${new Date(endedAt).toISOString()}: only missing media are.\n`);
  else {
    await using from = await openEnd({ folder: folder.path }, secretKey);
    await copyStore({ from: from.end, to: to.end, source, now: io.now(), isInUse: true });
  }
  const places = { from: mediaPlace(join(folder.path, "media"), storage), to: mediaPlaceOf(storage) };
  await copyAll({ dataDir: folder.path, secretKey }, places, io);
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
    if (missing > 0) io.stderr(missingMedia(missing, places.from));
  } finally {
    await store.close();
  }
}

/** A folder of its own below one that has space for what goes into it; a signal deletes it too. */
function temporaryIn(parent: string, prefix: string, io: Io): Disposable & { path: string } {
  const path = mkdtempSync(join(parent, prefix));
  const remove = () => rmSync(path, { recursive: true, force: true });
  const stop = io.onSignal(() => {
    remove();
    io.exit(130);
  });
  return {
    path,
    [Symbol.dispose]() {
      stop();
      remove();
    },
  };
}
