// The loop that deletes media by age and total size, in bounded batches.
import type { Clock } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Log } from "../log.ts";
import type { Settings } from "../settings-schema.ts";
import type { Media } from "./types.ts";

export type Sweeper = {
  /** One pass; resolves with the number of media deleted. Passes never overlap: a second caller waits for the one under way. */
  sweep(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
};

const BATCH = 200;

/** `erase` deletes file and row of each medium and resolves with how many it could. */
export function createSweeper(deps: {
  store: Pick<Store, "listSweepable">;
  clock: Clock;
  settings: () => Settings;
  log: Log;
  erase: (media: Media[]) => Promise<number>;
}): Sweeper {
  const { store, clock, settings, log, erase } = deps;
  let underWay: Promise<number> | null = null;
  let cancelTimer = () => {};
  let running = false;
  let stopping = false;

  async function pass(): Promise<number> {
    const { max_total_mb } = settings().media;
    const maxBytes = max_total_mb === 0 ? null : max_total_mb * 1024 * 1024;
    let deleted = 0;
    while (!stopping) {
      const batch = await store.listSweepable(clock.now(), maxBytes, BATCH);
      const gone = batch.length === 0 ? 0 : await erase(batch);
      deleted += gone;
      // Files that cannot be deleted stay at the head of the list: without progress there is no next batch.
      if (gone === 0 || batch.length < BATCH) break;
    }
    return deleted;
  }

  function sweep(): Promise<number> {
    underWay ??= pass().finally(() => {
      underWay = null;
    });
    return underWay;
  }

  async function sweepAndSchedule(): Promise<void> {
    try {
      const deleted = await sweep();
      if (deleted > 0) log.info("old media were deleted", { count: deleted });
    } catch (error) {
      log.error("media could not be swept", { error });
    }
    if (running) schedule();
  }

  function schedule(): void {
    cancelTimer = clock.after(settings().media.sweep_interval * 1000, () => void sweepAndSchedule());
  }

  return {
    sweep,
    start() {
      if (running) return;
      running = true;
      stopping = false;
      schedule();
    },
    async stop() {
      running = false;
      stopping = true;
      cancelTimer();
      await underWay?.catch(() => {});
    },
  };
}
