// What an operator does to a data folder between two lives of its server: copies it elsewhere, backs it up, restores it.
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeBackup } from "../../src/db/sqlite/backup/backup-file.ts";
import { restoreBackup } from "../../src/db/sqlite/backup/restore.ts";

/** A data folder that may move: the servers of a crash loop run on where it is now. */
export class MovingFolder {
  #copies = 0;
  #backup: string | null = null;
  /** Media files that were there when a restore was asked for, until the restored server has started. */
  #filesBefore: string[] | null = null;
  readonly done = { copies: 0, restores: 0 };

  constructor(
    readonly root: string,
    public path = join(root, "data"),
  ) {}

  /** Of a process that is dead: everything that it left, locks and logs included, somewhere else; the original goes. */
  copy(): void {
    const target = join(this.root, `data-${++this.#copies}`);
    cpSync(this.path, target, { recursive: true });
    rmSync(this.path, { recursive: true });
    this.path = target;
    this.done.copies++;
  }

  /** While its server runs. */
  async backUp(): Promise<void> {
    this.#backup = join(this.root, "backup.tar");
    await writeBackup({ dataDir: this.path, file: this.#backup, requests: true, media: true, secretKey: null, now: Date.now() });
  }

  /** While its server runs, or after its death: the next start has it. */
  async restore(): Promise<void> {
    await restoreBackup({ dataDir: this.path, file: this.#backup!, env: {}, now: Date.now() });
    this.#filesBefore = mediaNames(join(this.path, "media"));
    this.done.restores++;
  }

  /** After a start that followed a restore: files of media that are nowhere. */
  lostFiles(): string[] {
    if (this.#filesBefore === null) return [];
    const asides = readdirSync(this.path).filter((name) => name.startsWith("before-restore-"));
    const there = new Set([join(this.path, "media"), ...asides.map((name) => join(this.path, name, "media"))].flatMap(mediaNames));
    const lost = this.#filesBefore.filter((name) => !there.has(name));
    this.#filesBefore = null;
    return lost;
  }
}

/** Names of the files of media; unfinished temp files are not media. */
export function mediaNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile() && !/\/(drafts|orphans|thumbs)\b/.test(entry.parentPath)).map(({ name }) => name);
}
