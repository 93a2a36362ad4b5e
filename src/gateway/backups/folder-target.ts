// Backups in a folder: copied beside their place and renamed into it.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import { BACKUP_NAME, type BackupTarget, installationIn, newestFirst, type StoredBackup } from "./target.ts";

const PIECE_BYTES = 1024 * 1024;
const PARTIAL = ".partial";
/** What a backup is called until it is whole. */
const partialOf = (name: string): string => `.${name}${PARTIAL}`;

const failure = (action: string, place: string, cause: unknown) => {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return new AppError("unavailable", `The backup folder ${place} cannot be ${action} (${code || "unknown reason"}).`, { cause });
};

export class FolderTarget implements BackupTarget {
  constructor(readonly place: string) {}

  async put(name: string, file: string, stop: AbortSignal): Promise<void> {
    const partial = join(this.place, partialOf(name));
    try {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      await this.#deletePartial(installationIn(name));
      // A copy: the folder is often another disk, and the file is deleted by its maker.
      const { pipeline } = process.getBuiltinModule("node:stream/promises");
      await pipeline(createReadStream(file, { highWaterMark: PIECE_BYTES }), createWriteStream(partial, { mode: 0o600 }), { signal: stop });
      const handle = await open(partial, "r+");
      try {
        await handle.chmod(0o600);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(partial, join(this.place, name));
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      if (stop.aborted) throw stop.reason;
      throw failure("written", this.place, error);
    }
  }

  /** What a crash has left; another installation may be writing there. */
  async #deletePartial(installation: string | null): Promise<void> {
    for (const partial of await readdir(this.place)) {
      const name = partial.slice(1, -PARTIAL.length);
      if (partial === partialOf(name) && BACKUP_NAME.test(name) && installationIn(name) === installation)
        await rm(join(this.place, partial), { force: true });
    }
  }

  async list(): Promise<StoredBackup[]> {
    const names = await readdir(this.place).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw failure("read", this.place, error);
    });
    const found = await Promise.all(
      names
        .filter((name) => BACKUP_NAME.test(name))
        .map(async (name) => {
          const facts = await stat(join(this.place, name)).catch(() => null);
          return facts && { name, bytes: facts.size, at: facts.mtimeMs };
        }),
    );
    return newestFirst(found.filter((one) => one !== null));
  }

  async delete(name: string): Promise<void> {
    await rm(join(this.place, name), { force: true }).catch((error) => {
      throw failure("written", this.place, error);
    });
  }
}
