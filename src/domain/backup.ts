// Backups: what one holds, what a restore that waits would change, and what a restore has replaced.

/** A backup that the next start puts in place. Times are epoch ms. */
export type StagedRestore = {
  /** Name of the folder that what it replaces will be in. */
  aside: string;
  stagedAt: number;
  /** When it is dropped. */
  expiresAt: number;
  /** When the backup was made; null: not known. */
  backupAt: number | null;
  holds: string[];
};

/** The last restore that was put in place. */
export type AppliedRestore = Pick<StagedRestore, "aside" | "backupAt" | "holds"> & {
  restoredAt: number;
  /** Media files without a record that the first start afterwards moved to `media/` in that folder; null: it has not come yet. */
  movedMedia: number | null;
  /** The operator has seen it. */
  seen: boolean;
};

/** Rows of a table that a restore would take away, and bring back. */
export type BackupDifference = { table: "tokens" | "keys" | "jobs" | "media" | "settings" | "audit"; lost: number; back: number };
