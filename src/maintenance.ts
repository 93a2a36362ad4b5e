// Maintenance of the data folder while the server runs: backup, staged restore, sizes.

import { createReadStream, readdirSync, rmSync, statfsSync } from "node:fs";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { writeBackupApart } from "./db/sqlite/backup/backup-thread.ts";
import { restoreBackup } from "./db/sqlite/backup/restore.ts";
import {
  appliedRestore,
  differencesToStaged,
  dropStagedRestore,
  stagedRestore,
  writeAppliedRestore,
} from "./db/sqlite/backup/restore-notes.ts";
import { askRotation, isRotationAsked } from "./db/sqlite/rotate.ts";
import { hasSecretKey } from "./db/sqlite/secrets.ts";
import type { AppliedRestore } from "./domain/backup.ts";
import { AppError } from "./errors.ts";
import { INSTALLATION, installationOf } from "./gateway/backups/installation.ts";
import { type Orphanage, orphansBeside } from "./gateway/media/media-orphans.ts";
import type { FolderSizes, Maintenance } from "./gateway/reports/maintenance.ts";
import { IN_POSTGRES } from "./store-engine.ts";

type Dependencies = {
  dataDir: string;
  isShared?: boolean;
  /** The bucket where media lie; empty, the default: in the data folder. */
  mediaUrl?: string;
  /** Takes media of a backup into the bucket. */
  takeMedia?: ((folder: string) => Promise<void>) | null;
  env: Record<string, string | undefined>;
  now: () => number;
  restart?: () => void;
};

const BACKUP_THREAD = new URL("./backup-thread.ts", import.meta.url);

/** Temporary files of backups and uploads; leftovers of a crash are deleted at the next start. */
const TEMPORARY = /^\.?passing-/;

export function createMaintenance({ dataDir, isShared = false, mediaUrl = "", takeMedia, env, now, restart }: Dependencies): Maintenance {
  for (const name of readdirSync(dataDir)) if (TEMPORARY.test(name)) rmSync(join(dataDir, name), { recursive: true, force: true });
  const temporaryFile = () => join(dataDir, `passing-${crypto.randomUUID()}`);
  let isWriting = false;
  const noteRestore = (change: Partial<AppliedRestore>) => {
    const applied = appliedRestore(dataDir);
    if (applied) writeAppliedRestore(dataDir, { ...applied, ...change });
  };
  /** The first start after a restore moves the media of the former database beside it. */
  const orphanage = (): Orphanage => {
    const pending = () => appliedRestore(dataDir)?.movedMedia === null;
    return {
      folder: () => (pending() ? join(dataDir, appliedRestore(dataDir)!.aside, "media") : orphansBeside(join(dataDir, "media")).folder()),
      isAfterRestore: pending,
      moved: (count) => (pending() ? noteRestore({ movedMedia: count }) : undefined),
    };
  };
  const refuseShared = () => {
    if (isShared) throw new AppError("conflict", IN_POSTGRES);
  };
  const writeBackup: Maintenance["writeBackup"] = async ({ requests, media }, stop) => {
    refuseShared();
    if (isWriting) throw new AppError("busy", "A backup is being written.");
    isWriting = true;
    const file = temporaryFile();
    try {
      const options = { dataDir, file, requests, media, mediaUrl, secretKey: null, now: now() };
      const { bytes, lacks } = await writeBackupApart(BACKUP_THREAD, options, stop);
      const day = new Date(now()).toISOString().slice(0, 16).replaceAll(/[-:]/g, "").replace("T", "-");
      return { file, name: `flow2api-${day}-${installationOf(dataDir)}.tar`, bytes, lacks };
    } catch (error) {
      await removeParts(file);
      throw error;
    } finally {
      isWriting = false;
    }
  };
  return {
    isShared,
    mediaUrl,
    sizes: () => sizesOf(dataDir),
    writeBackup,
    async backup(content) {
      const { file, ...written } = await writeBackup(content);
      return { ...written, body: readOnce(file) };
    },
    async stageRestore({ data, path }) {
      refuseShared();
      const file = data ? temporaryFile() : path;
      try {
        if (data) await writeFile(file, data, { mode: 0o600 });
        const { holds } = await restoreBackup({ dataDir, file, env, now: now(), takeMedia });
        return { holds };
      } finally {
        if (data) await rm(file, { force: true });
      }
    },
    stagedRestore: () => stagedRestore(dataDir, now()),
    dropStagedRestore: () => dropStagedRestore(dataDir),
    differences: () => differencesToStaged(dataDir),
    appliedRestore: () => appliedRestore(dataDir),
    acknowledgeRestore: () => noteRestore({ seen: true }),
    orphans: orphanage(),
    restart: restart ?? null,
    hasSecretKey: () => hasSecretKey(dataDir, env),
    isRotationAsked: () => isRotationAsked(dataDir),
    askRotation(isWanted) {
      refuseShared();
      askRotation(dataDir, isWanted);
    },
  };
}

/** A backup that was not finished, and the folder that a thread which was ended has left. */
async function removeParts(file: string): Promise<void> {
  const left = (await readdir(dirname(file))).filter((name) => name.startsWith(`.${basename(file)}-`));
  for (const path of [file, ...left.map((name) => join(dirname(file), name))]) await rm(path, { recursive: true, force: true });
}

/** The bytes of a file that is deleted when the stream closes. */
function readOnce(file: string): ReadableStream<Uint8Array> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  source.once("close", () => rmSync(file, { force: true }));
  return process.getBuiltinModule("node:stream").Readable.toWeb(source) as unknown as ReadableStream<Uint8Array>;
}

/** Not listed among the sizes. */
const UNLISTED = new Set(["media", "lock.db", INSTALLATION]);
/** Files that SQLite writes beside a database. */
const COMPANION = /-(wal|shm|journal)$/;

async function sizesOf(dataDir: string): Promise<FolderSizes> {
  const files = await Promise.all(
    (await readdir(dataDir, { withFileTypes: true }))
      // The media store counts media; walking a hundred thousand files is slow.
      .filter((entry) => !UNLISTED.has(entry.name.replace(COMPANION, "")) && !TEMPORARY.test(entry.name))
      .map(async (entry) => {
        const path = join(dataDir, entry.name);
        const isFolder = entry.isDirectory();
        return { name: entry.name.replace(COMPANION, ""), isFolder, bytes: isFolder ? await folderBytes(path) : await fileBytes(path) };
      }),
  );
  const entries = [...Map.groupBy(files, ({ name }) => name).values()].map((parts) => ({
    ...parts[0]!,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
  const { bavail, blocks, bsize } = statfsSync(dataDir);
  return { entries: entries.sort((a, b) => b.bytes - a.bytes), freeBytes: bavail * bsize, diskBytes: blocks * bsize };
}

/** Zero for a file that vanished meanwhile. */
const fileBytes = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  const sizes = await Promise.all(entries.map((entry) => (entry.isFile() ? fileBytes(join(entry.parentPath, entry.name)) : 0)));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}
