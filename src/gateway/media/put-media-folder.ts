// Puts the media files of a folder into an object store: those of a backup that is restored where media lie in a bucket.

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectStore } from "../../object-store/object-store.ts";
import { mediaPathId } from "./blobs.ts";

/**
 * Files that are objects of the same size already are skipped. A folder that is not there is empty.
 * @throws {AppError} `unavailable`
 */
export async function putMediaFolder(objects: Pick<ObjectStore, "put" | "size">, folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder, { recursive: true })) {
    if (mediaPathId(name) === null) continue;
    const file = Bun.file(join(folder, name));
    if ((await objects.size(name)) !== file.size) await objects.put(name, file, file.type);
  }
}
