// Backups in an S3-compatible bucket: one presigned PUT from the file, so that an object is whole or not there.
import { AppError } from "../../errors.ts";
import { ObjectStore, type ObjectStoreOptions, readObjectUrl } from "../../object-store/object-store.ts";
import { BACKUP_NAME, type BackupTarget, newestFirst, type StoredBackup } from "./target.ts";

/** An object that is sent in one piece is at most 5 GiB. */
const MAX_BYTES = 5 * 1024 ** 3;

export class S3Target implements BackupTarget {
  readonly place: string;
  readonly #objects: ObjectStore;

  constructor(options: ObjectStoreOptions) {
    const { bucket = "", prefix = "" } = readObjectUrl(options.url) ?? {};
    this.place = `s3://${bucket}/${prefix}`;
    this.#objects = new ObjectStore(options);
  }

  async put(name: string, file: string, stop: AbortSignal): Promise<void> {
    const body = Bun.file(file);
    if (body.size > MAX_BYTES)
      throw new AppError("unavailable", "The backup is larger than 5 GiB, the most that a bucket takes in one piece: leave the media out.");
    await this.#objects.put(name, body, "application/x-tar", stop);
    const size = await this.#objects.size(name);
    if (size !== body.size) throw new AppError("unavailable", `The bucket holds ${size ?? 0} of ${body.size} bytes of the backup.`);
  }

  async list(): Promise<StoredBackup[]> {
    const found = await Array.fromAsync(this.#objects.list("flow2api-"));
    return newestFirst(found.flat().filter(({ name }) => BACKUP_NAME.test(name)));
  }

  delete(name: string): Promise<void> {
    return this.#objects.delete(name);
  }
}
