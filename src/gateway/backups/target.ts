// Backup target contract: a place that holds backups by name.

export type StoredBackup = { name: string; bytes: number /** Epoch ms. */; at: number };

export interface BackupTarget {
  /** For people: the folder, or bucket and prefix. */
  readonly place: string;
  /** Copies the file there, whole or not at all. @param stop gives it up @throws {AppError} */
  put(name: string, file: string, stop: AbortSignal): Promise<void>;
  /** Ours, newest first. @throws {AppError} */
  list(): Promise<StoredBackup[]>;
  /** One that is gone is skipped. @throws {AppError} */
  delete(name: string): Promise<void>;
}

/** What backups are called, e.g. `flow2api-20261130-0300-k3dq7mwa.tar`; those of earlier builds do not name their installation. */
export const BACKUP_NAME = /^flow2api-\d{8}-\d{4}(?:-([a-z2-7]{8}))?\.tar$/;

/** Null: the name does not say. */
export const installationIn = (name: string): string | null => BACKUP_NAME.exec(name)?.[1] ?? null;

export const newestFirst = (backups: readonly StoredBackup[]): StoredBackup[] => [...backups].sort((a, b) => (a.name < b.name ? 1 : -1));
