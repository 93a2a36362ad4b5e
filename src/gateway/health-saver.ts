// Saves changed health in batches: off the hot path, at most 200 ms late, again when the store fails.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { writeRecord } from "./health-record.ts";
import type { Member } from "./member.ts";

const BATCH_MS = 200;
const AGAIN_MS = 2_000;

export type HealthSaver = {
  mark(member: Member): void;
  /** Saves what is marked now; resolves when it is kept or has failed (then it stays marked). */
  flush(): Promise<void>;
};

export type SaveHealth = (changes: { id: number; health: unknown }[]) => Promise<void>;

export function createHealthSaver({ clock, log, save }: { clock: Clock; log: Log; save: SaveHealth }): HealthSaver {
  let marked = new Set<Member>();
  let cancelTimer: (() => void) | null = null;
  /** Saves follow one another: an older state never overwrites a newer one. */
  let saving: Promise<void> = Promise.resolve();

  const later = (ms: number) => {
    cancelTimer ??= clock.after(ms, () => void flush());
  };

  async function saveNow(): Promise<void> {
    const batch = [...marked].filter((member) => !member.removed);
    marked = new Set();
    if (batch.length === 0) return;
    const now = clock.now();
    try {
      await save(batch.map((member) => ({ id: member.row.id, health: writeRecord(member, now) })));
    } catch (error) {
      log.error("The health of tokens could not be saved; it is tried again", { tokens: batch.length, error });
      for (const member of batch) marked.add(member);
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
    mark(member) {
      if (member.removed) return;
      marked.add(member);
      later(BATCH_MS);
    },
    flush,
  };
}
