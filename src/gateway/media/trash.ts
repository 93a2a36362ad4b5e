// Media that were deleted and can still be had back: out of sight at once, gone when the time to undo is over.
import type { Clock } from "../../clock.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { MediaStore } from "./media-store.ts";

/** How long a deletion can be undone, ms. */
export const UNDO_MS = 15_000;

export type MediaTrash = {
  /** Puts media out of sight; the name undoes it for {@link UNDO_MS}. A restart in between leaves them where they are. */
  put(ids: readonly string[]): string;
  /** Brings back what one deletion put away; resolves with how many. @throws {AppError} `not_found` when it is too late */
  restore(name: string): number;
  has(id: string): boolean;
};

type Dependencies = { media: Pick<MediaStore, "remove">; clock: Clock; log: Log };

export function createMediaTrash({ media, clock, log }: Dependencies): MediaTrash {
  const deletions = new Map<string, { ids: readonly string[]; cancel(): void }>();
  const hidden = new Set<string>();

  async function empty(name: string): Promise<void> {
    const ids = deletions.get(name)?.ids ?? [];
    deletions.delete(name);
    for (const id of ids) {
      await media.remove(id).catch((error) => log.warn("a medium could not be deleted", { error }));
      hidden.delete(id);
    }
  }

  return {
    put(ids) {
      const name = newId();
      for (const id of ids) hidden.add(id);
      deletions.set(name, { ids, cancel: clock.after(UNDO_MS, () => void empty(name)) });
      return name;
    },
    restore(name) {
      const deletion = deletions.get(name);
      if (!deletion) throw new AppError("not_found", "It is too late to undo this.", { reason: "undo_over" });
      deletion.cancel();
      deletions.delete(name);
      for (const id of deletion.ids) hidden.delete(id);
      return deletion.ids.length;
    },
    has: (id) => hidden.has(id),
  };
}
