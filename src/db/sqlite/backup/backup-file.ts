// Backup: one tar file of the databases and, on request, request log, media and secret key.
import { Database } from "bun:sqlite";
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../../errors.ts";
import { VERSION } from "../../../version.ts";
import { createTar, type TarWriter, type Written } from "../../tar.ts";
import { closeDatabase, openDatabase, retryBusy } from "../database.ts";
import { schemaVersion } from "../migrate.ts";
import { keyText } from "../secrets.ts";
import { copyDatabase } from "./backup.ts";

export const BACKUP_FORMAT = 1;
/** The last file of a backup: what the others are. A backup that was cut off has none. */
export const MANIFEST_NAME = "backup.json";

export type Manifest = {
  format: number;
  program: "flow2api";
  version: string;
  created_at: string;
  /** Schema version of each database. */
  schema: Record<string, number>;
  files: Record<string, Written>;
};

export type BackupReport = {
  /** Bytes of the file. */
  bytes: number;
  /** Kinds of content that are in it, and that are not, with the reason. */
  holds: string[];
  lacks: string[];
};

export type BackupOptions = {
  dataDir: string;
  /** Is made new. */
  file: string;
  requests: boolean;
  media: boolean;
  /** Where media lie instead of the folder; they are then left out. Absent or empty: in the folder. */
  mediaUrl?: string;
  /** Written as `secret.key`; null: left out. */
  secretKey: Uint8Array | null;
  /** Epoch ms. */
  now: number;
};

/**
 * Writes a backup, also while a server uses the folder: the database as it is at one moment, and the media that it names. The file
 * appears whole or not at all, readable by its owner only.
 * @throws {AppError} `not_found` without a database, `conflict` when `file` is there already
 */
export async function writeBackup(options: BackupOptions): Promise<BackupReport> {
  const { dataDir, file, requests, media, mediaUrl = "", secretKey, now } = options;
  if (!existsSync(join(dataDir, "flow2api.db"))) throw new AppError("not_found", `There is no flow2api.db in ${dataDir}.`);
  if (existsSync(file)) throw new AppError("conflict", `${file} is there already.`);
  const folder = mkdtempSync(join(dirname(file), `.${basename(file)}-`));
  try {
    const partial = join(folder, "backup.tar");
    const tar = await createTar(partial, now);
    const files: Manifest["files"] = {};
    const schema: Manifest["schema"] = {};
    const lacks: string[] = [];
    try {
      const addDatabase = async (name: string) => {
        const copy = join(folder, name);
        schema[name] = await copyDatabaseFile(join(dataDir, name), copy);
        files[name] = await tar.addFile(name, copy);
        return copy;
      };
      const copy = await addDatabase("flow2api.db");
      if (requests && existsSync(join(dataDir, "requests.db"))) await addDatabase("requests.db");
      else lacks.push(requests ? "the request log (there is none)" : "the request log (--requests)");
      if (secretKey) files["secret.key"] = await tar.addBytes("secret.key", new TextEncoder().encode(keyText(secretKey)));
      else lacks.push("the secret key (--with-secret); without it the tokens cannot be read");
      if (!media) lacks.push("media in files (--media)");
      else if (mediaUrl !== "") lacks.push(`media: they lie in ${mediaUrl}`);
      const missing = media && mediaUrl === "" ? await addMedia(tar, join(dataDir, "media"), copy, files) : 0;
      if (missing > 0) lacks.push(`${missing} media whose files are gone`);
      const manifest = {
        format: BACKUP_FORMAT,
        program: "flow2api",
        version: VERSION,
        created_at: new Date(now).toISOString(),
        schema,
        files,
      };
      await tar.addBytes(MANIFEST_NAME, new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`));
    } finally {
      await tar.close();
    }
    if (existsSync(file)) throw new AppError("conflict", `${file} is there already.`);
    renameSync(partial, file);
    return { bytes: Bun.file(file).size, holds: holdings(files), lacks };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the files of a backup are, for people. */
export function holdings(files: Manifest["files"]): string[] {
  const names = Object.keys(files);
  const media = names.filter((name) => name.startsWith("media/")).length;
  return [
    "tokens, keys, jobs, usage and settings",
    ...(names.includes("requests.db") ? ["the request log"] : []),
    ...(names.includes("secret.key") ? ["the secret key"] : []),
    ...(media > 0 ? [`${media} media`] : []),
  ];
}

/** Copies a database; returns its schema version. */
export async function copyDatabaseFile(file: string, copy: string): Promise<number> {
  // Not read-only: as the only connection it would leave files beside the database.
  const db = await openDatabase(file);
  try {
    await retryBusy(() => copyDatabase(db, copy));
    return schemaVersion(db);
  } finally {
    closeDatabase(db);
  }
}

/** Adds the media that the copied database names and that lie in files; how many of them are gone. */
async function addMedia(tar: TarWriter, mediaDir: string, copy: string, files: Manifest["files"]): Promise<number> {
  const db = new Database(copy, { readonly: true });
  let missing = 0;
  try {
    const rows = db.query<{ id: string; ext: string }, []>("SELECT id, ext FROM media WHERE data IS NULL");
    for (const { id, ext } of rows.iterate()) {
      const path = `${id.slice(0, 1)}/${id}.${ext}`;
      const name = `media/${path}`;
      // The sweeper of a running server may be faster.
      const written = await tar.addFile(name, join(mediaDir, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw error;
      });
      if (written) files[name] = written;
      else missing++;
    }
    return missing;
  } finally {
    db.close();
  }
}
