// Backups in a folder: copied beside their place and renamed into it.
import { copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../errors.ts";
import { BACKUP_NAME, type BackupTarget, newestFirst, type StoredBackup } from "./target.ts";

const failure = (action: string, place: string, cause: unknown) => {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return new AppError("unavailable", `The backup folder ${place} cannot be ${action} (${code || "unknown reason"}).`, { cause });
};

export class FolderTarget implements BackupTarget {
  constructor(readonly place: string) {}

  async put(name: string, file: string): Promise<void> {
    const partial = join(this.place, `.${name}.partial`);
    try {
      await mkdir(this.place, { recursive: true, mode: 0o700 });
      // A copy: the folder is often another disk, and the file is deleted by its maker.
      await copyFile(file, partial);
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
      throw failure("written", this.place, error);
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
