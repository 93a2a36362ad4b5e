// Soft delete of media items: hidden at once, removed from the media store after the undo time.
import type { Clock } from "../../clock.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { type Deletion, SoftDelete } from "../../soft-delete.ts";
import type { MediaStore } from "./contract.ts";

/** How long a deletion can be undone, ms. */
export const UNDO_MS = 15_000;

export type MediaTrash = {
  /** Hides media items; the returned name undoes it for {@link UNDO_MS}. A restart in between leaves them where they are. */
  put(ids: readonly string[]): string;
  /** Restores the media items of one deletion; returns how many. @throws {AppError} `not_found` when the undo time is over */
  restore(name: string): number;
  has(id: string): boolean;
};

type Dependencies = { media: Pick<MediaStore, "remove">; clock: Clock; log: Log; stopping: AbortSignal };

export function createMediaTrash({ media, clock, log, stopping }: Dependencies): MediaTrash {
  const deletions = new SoftDelete<string>(clock, (deletion) => void erase(deletion), stopping);

  async function erase({ name, ids }: Deletion<string>): Promise<void> {
    deletions.take(name);
    for (const id of ids) {
      await media.remove(id).catch((error) => log.warn("Deleted media item could not be removed", { error }));
      deletions.show([id]);
    }
  }

  return {
    put(ids) {
      const name = newId();
      deletions.add({ name, ids }, UNDO_MS);
      return name;
    },
    restore(name) {
      const { ids } = deletions.take(name);
      deletions.show(ids);
      return ids.length;
    },
    has: (id) => deletions.has(id),
  };
}
