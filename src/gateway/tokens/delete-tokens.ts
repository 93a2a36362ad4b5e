// Soft delete of tokens: out of service at once, out of the store after the undo time.
// The secret never leaves the store for that, and what is waiting survives a restart.
import type { Clock } from "../../clock.ts";
import type { Store } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { createSerial } from "../../serial.ts";

/** How long a deletion can be undone, ms. */
export const UNDO_MS = 30_000;

export type Removals = {
  /** Takes tokens out of service now; the name undoes it for {@link UNDO_MS}. Those that are not there are passed over. */
  remove(ids: readonly number[]): Promise<{ name: string; ids: number[] }>;
  /** Puts the tokens of one deletion back as they were. Resolves with their ids. @throws {AppError} `not_found` when it is too late */
  restore(name: string): Promise<number[]>;
  /** Deleted, though the store still has it. */
  isRemoved(id: number): boolean;
};

type Dependencies = {
  store: Pick<Store, "listTokens" | "updateToken" | "deleteToken" | "readFact" | "writeFact">;
  clock: Clock;
  log: Log;
  /** Takes what was written into memory. */
  refresh(): Promise<void>;
};

/** One deletion that can be undone. `enabled`: those of its tokens that were. */
type Removal = { name: string; until: number; ids: number[]; enabled: number[] };

/** Fact that holds the deletions that wait. */
const FACT = "token_removals";
const AGAIN_MS = 60_000;

/** Ends at once what a former process left behind, and counts on what is left of the time to undo. */
export function createRemovals({ store, clock, log, refresh }: Dependencies): Removals {
  const oneByOne = createSerial();
  let waiting: Removal[] = [];
  let removed = new Set<number>();

  async function keep(next: Removal[]): Promise<void> {
    await store.writeFact(FACT, next.length === 0 ? null : JSON.stringify(next));
    waiting = next;
    removed = new Set(next.flatMap(({ ids }) => ids));
  }

  const endLater = (removal: Removal, ms: number): void => {
    clock.after(ms, () => {
      oneByOne(() => end(removal.name)).catch((error) => {
        log.warn("Deleted tokens are still in the store; it is tried again", { count: removal.ids.length, error });
        endLater(removal, AGAIN_MS);
      });
    });
  };

  async function end(name: string): Promise<void> {
    const removal = waiting.find((one) => one.name === name);
    if (!removal) return;
    await Promise.all(removal.ids.map((id) => store.deleteToken(id).catch(unlessGone)));
    await refresh();
    await keep(waiting.filter((one) => one !== removal));
  }

  const setEnabled = (ids: readonly number[], enabled: boolean) =>
    Promise.all(ids.map((id) => store.updateToken(id, { enabled }).catch(unlessGone)));

  async function resume(): Promise<void> {
    waiting = JSON.parse((await store.readFact(FACT)) ?? "[]") as Removal[];
    removed = new Set(waiting.flatMap(({ ids }) => ids));
    for (const removal of waiting) endLater(removal, Math.min(UNDO_MS, Math.max(0, removal.until - clock.now())));
  }
  oneByOne(resume).catch((error) => log.error("Deletions that were under way are not known", { error }));

  return {
    isRemoved: (id) => removed.has(id),
    remove: (wanted) =>
      oneByOne(async () => {
        const rows = new Map((await store.listTokens()).map((row) => [row.id, row]));
        const ids = [...new Set(wanted)].filter((id) => rows.has(id) && !removed.has(id));
        const enabled = ids.filter((id) => rows.get(id)!.enabled);
        const removal: Removal = { name: newId(), until: clock.now() + UNDO_MS, ids, enabled };
        if (ids.length === 0) return removal;
        await keep([...waiting, removal]);
        await setEnabled(enabled, false);
        await refresh();
        endLater(removal, UNDO_MS);
        return removal;
      }),
    restore: (name) =>
      oneByOne(async () => {
        const removal = waiting.find((one) => one.name === name);
        if (!removal) throw new AppError("not_found", "It is too late to undo this.", { reason: "undo_over" });
        await keep(waiting.filter((one) => one !== removal));
        await setEnabled(removal.enabled, true);
        await refresh();
        return removal.ids;
      }),
  };
}

function unlessGone(error: unknown): void {
  if (!(error instanceof AppError) || error.kind !== "not_found") throw error;
}
