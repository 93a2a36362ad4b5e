// Files that a crash left between their writing and their row: nobody can ask for them, so they go at the next start.
import { type Dirent, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "../db/store.ts";
import { isId } from "../ids.ts";

/**
 * Deletes files below `folder` that bear the id of no medium; resolves with their number. Only before anything new is written:
 * a file comes before its row. Names that are no ids of ours are left alone.
 */
export async function deleteOrphans(folder: string, store: Pick<Store, "listUnknownMedia">): Promise<number> {
  let deleted = 0;
  for (const name of childrenOf(folder, (entry) => entry.isDirectory() && entry.name.length <= 2)) {
    const files = childrenOf(join(folder, name), (entry) => entry.isFile());
    const byId = new Map(files.map((file) => [file.split(".")[0]!, file]).filter(([id]) => isId(id!)) as [string, string][]);
    for (const id of byId.size === 0 ? [] : await store.listUnknownMedia([...byId.keys()])) {
      await rm(join(folder, name, byId.get(id)!), { force: true });
      deleted++;
    }
  }
  return deleted;
}

function childrenOf(folder: string, wanted: (entry: Dirent) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(wanted)
    .map(({ name }) => name);
}
