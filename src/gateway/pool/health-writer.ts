// Saves changed health in batches: off the hot path, at most 200 ms late, again when the store fails.

import type { Clock } from "../../clock.ts";
import type { CooldownRow, HealthChange } from "../../domain/token.ts";
import type { Log } from "../../log.ts";
import { writeRecord } from "./health-codec.ts";
import type { PoolToken } from "./pool-token.ts";

const BATCH_MS = 200;
const AGAIN_MS = 2_000;

export type HealthSaver = {
  /** The member's health changed; with `pause`, because it is held back from now on, which stays in its history. */
  mark(member: PoolToken, pause?: CooldownRow): void;
  /** Saves what is marked now; resolves when it is kept or has failed (then it stays marked). */
  flush(): Promise<void>;
};

export type SaveHealth = (changes: readonly HealthChange[]) => Promise<void>;

export function createHealthSaver({ clock, log, save }: { clock: Clock; log: Log; save: SaveHealth }): HealthSaver {
  /** With the pauses of each that are not saved yet. */
  let marked = new Map<PoolToken, CooldownRow[]>();
  let cancelTimer: (() => void) | null = null;
  /** Saves follow one another: an older state never overwrites a newer one. */
  let saving: Promise<void> = Promise.resolve();

  const later = (ms: number) => {
    cancelTimer ??= clock.after(ms, () => void flush());
  };

  async function saveNow(): Promise<void> {
    const batch = [...marked].filter(([member]) => !member.removed);
    marked = new Map();
    if (batch.length === 0) return;
    const now = clock.now();
    try {
      await save(batch.map(([member, pauses]) => ({ id: member.row.id, health: writeRecord(member, now), pauses })));
    } catch (error) {
      log.error("The health of tokens could not be saved; it is tried again", { tokens: batch.length, error });
      for (const [member, pauses] of batch) marked.set(member, [...pauses, ...(marked.get(member) ?? [])]);
      later(AGAIN_MS);
    }
  }

  function flush(): Promise<void> {
    cancelTimer?.();
    cancelTimer = null;
    saving = saving.then(saveNow);
    return saving;
  }

  return {
    mark(member, pause) {
      if (member.removed) return;
      const pauses = marked.get(member) ?? [];
      marked.set(member, pauses);
      if (pause) pauses.push(pause);
      later(BATCH_MS);
    },
    flush,
  };
}
