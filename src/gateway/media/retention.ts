// Retention sweep: deletes media by age and total size, in bounded batches.
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import type { Log } from "../../log.ts";
import { findSurplus, type MediaSum, type MediaUsage } from "./media-shares.ts";

export type Sweeper = {
  /** One pass; resolves with the number of media deleted. Passes never overlap: a second caller waits for the one under way. */
  sweep(): Promise<number>;
  /** Deletes the oldest media of one owner, at least `bytes` of them where there are as many; resolves with the bytes that went. */
  deleteOldest(surplus: MediaSum): Promise<number>;
  start(): void;
  stop(): Promise<void>;
};

const BATCH = 200;
const MEBIBYTE = 1024 * 1024;

/** Age up to which an input may belong to a request or a job that is under way: it is not deleted for its size, ms. */
export function inputUseMs({ generation }: Pick<Settings, "generation">): number {
  return 1000 * Math.max(generation.image_timeout, generation.video_timeout);
}

/** `erase` deletes file and row of each medium and resolves with those that it could. */
export function createSweeper(deps: {
  store: Pick<Store, "listExpiredMedia" | "listOldestMedia">;
  usage: MediaUsage;
  clock: Clock;
  settings: () => Settings;
  log: Log;
  erase: (media: Media[]) => Promise<Media[]>;
}): Sweeper {
  const { store, usage, clock, settings, log, erase } = deps;
  let underWay: Promise<number> | null = null;
  let cancelTimer = () => {};
  let running = false;
  let stopping = false;

  async function sweepExpired(): Promise<number> {
    let deleted = 0;
    while (!stopping) {
      const batch = await store.listExpiredMedia(clock.now(), BATCH);
      const gone = batch.length === 0 ? 0 : (await erase(batch)).length;
      deleted += gone;
      // Files that cannot be deleted stay at the head of the list: without progress there is no next batch.
      if (gone === 0 || batch.length < BATCH) break;
    }
    return deleted;
  }

  async function deleteOwned({ keyId, origin, bytes }: MediaSum): Promise<Media[]> {
    const before = origin === "input" ? clock.now() - inputUseMs(settings()) : Number.MAX_SAFE_INTEGER;
    const deleted: Media[] = [];
    let left = bytes;
    while (!stopping && left > 0) {
      const batch = await store.listOldestMedia({ keyId, origin, before, limit: BATCH });
      const wanted = batch.filter((media) => {
        const isWanted = left > 0;
        left -= media.bytes;
        return isWanted;
      });
      const gone = wanted.length === 0 ? [] : await erase(wanted);
      deleted.push(...gone);
      if (gone.length === 0 || batch.length < BATCH) break;
    }
    return deleted;
  }

  async function pass(): Promise<number> {
    let deleted = await sweepExpired();
    const { max_total_mb } = settings().media;
    if (max_total_mb === 0) return deleted;
    for (const surplus of findSurplus(usage.sums(), max_total_mb * MEBIBYTE)) deleted += (await deleteOwned(surplus)).length;
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
      if (deleted > 0) log.info("Old media were deleted", { count: deleted });
    } catch (error) {
      log.error("Media could not be swept", { error });
    }
    if (running) schedule();
  }

  function schedule(): void {
    cancelTimer = clock.after(settings().media.sweep_interval * 1000, () => void sweepAndSchedule());
  }

  return {
    sweep,
    deleteOldest: async (surplus) => (await deleteOwned(surplus)).reduce((sum, { bytes }) => sum + bytes, 0),
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
