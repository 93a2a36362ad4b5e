// Maintenance contract: backup, restore, key rotation. Implemented by src/maintenance.ts.
import type { AppliedRestore, BackupDifference, StagedRestore } from "../../domain/backup.ts";

import type { TempFile } from "../../domain/generation.ts";
import type { Orphanage } from "../media/media-orphans.ts";

export type FolderSizes = {
  /** What lies in the folder, largest first: files, databases with what belongs to them, folders (media aside) with all that is in them. */
  entries: { name: string; bytes: number; isFolder: boolean }[];
  /** Of the disk that the folder is on. */
  freeBytes: number;
  diskBytes: number;
};

export type Maintenance = {
  /** The records are in a database of their own: it is backed up and restored with its tools, and not from here. */
  isShared: boolean;
  /** The bucket where media lie: backups made here are without them; empty: they lie in the data folder. */
  mediaUrl: string;
  sizes(): Promise<FolderSizes>;
  /**
   * Writes a backup beside the data and hands it out; the file goes when it was read or given up. The secret key is never in it.
   * @throws {AppError} `busy` while another is written
   */
  backup(content: {
    requests: boolean;
    media: boolean;
  }): Promise<{ name: string; bytes: number; body: ReadableStream<Uint8Array>; lacks: string[] }>;
  /**
   * As {@link Maintenance.backup}, as a file beside the data, which the caller deletes. Its name says which installation made it.
   * @param stop gives it up, at once
   * @throws {AppError} `busy` while another is written
   */
  writeBackup(
    content: { requests: boolean; media: boolean },
    stop?: AbortSignal,
  ): Promise<{ file: string; name: string; bytes: number; lacks: string[] }>;
  /**
   * Checks a backup and lays it ready for the next start.
   * @throws {AppError} `invalid_request` when it is none, damaged, newer than this build, or sealed with another secret key
   */
  stageRestore(tempFile: TempFile): Promise<{ holds: string[] }>;
  /** Null when none waits. One that has waited for a day is dropped. */
  stagedRestore(): StagedRestore | null;
  dropStagedRestore(): void;
  /** What has changed since the waiting backup was made. */
  differences(): BackupDifference[];
  /** Null when there was none. */
  appliedRestore(): AppliedRestore | null;
  acknowledgeRestore(): void;
  /** Where media files without a record go. */
  orphans: Orphanage;
  /** Stops the server and starts it again in this process, so that a waiting restore is put in place; null: whoever started it has to. */
  restart: (() => void) | null;
  /** Whether the next start finds the key that opens what is stored: in the environment or in the folder. */
  hasSecretKey(): boolean;
  /** Whether the next start replaces the secret key. Where the key comes from the environment it cannot. */
  isRotationAsked(): boolean;
  askRotation(isWanted: boolean): void;
};
