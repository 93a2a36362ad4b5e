// Retention sweep: deletes media by age and total size, in bounded batches.
import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Store } from "../../db/store.ts";
import type { Media } from "../../domain/generation.ts";
import type { Log } from "../../log.ts";
import { findSurplus, type MediaSum, type MediaUsage } from "./media-shares.ts";

/** `erase` deletes file and row of each media item and resolves with those that it could. */
type SweeperOptions = {
  store: Pick<Store, "listExpiredMedia" | "listOldestMedia">;
  usage: MediaUsage;
  clock: Clock;
  settings: () => Settings;
  log: Log;
  erase: (media: Media[]) => Promise<Media[]>;
};

const BATCH = 200;
const MEBIBYTE = 1024 * 1024;

/** Age up to which an input may belong to a request or a job that is under way: it is not deleted for its size, ms. */
export function inputUseMs({ generation }: Pick<Settings, "generation">): number {
  return 1000 * Math.max(generation.image_timeout, generation.video_timeout);
}

export class Sweeper {
  private underWay: Promise<number> | null = null;
  private cancelTimer = () => {};
  private running = false;
  private stopping = false;

  constructor(private readonly options: SweeperOptions) {}

  private async sweepExpired(): Promise<number> {
    let deleted = 0;
    while (!this.stopping) {
      const batch = await this.options.store.listExpiredMedia(this.options.clock.now(), BATCH);
      const gone = batch.length === 0 ? 0 : (await this.options.erase(batch)).length;
      deleted += gone;
      // Files that cannot be deleted stay at the head of the list: without progress there is no next batch.
      if (gone === 0 || batch.length < BATCH) break;
    }
    return deleted;
  }

  private async deleteOwned({ keyId, origin, bytes }: MediaSum): Promise<Media[]> {
    const before = origin === "input" ? this.options.clock.now() - inputUseMs(this.options.settings()) : Number.MAX_SAFE_INTEGER;
    const deleted: Media[] = [];
    let left = bytes;
    while (!this.stopping && left > 0) {
      const batch = await this.options.store.listOldestMedia({ keyId, origin, before, limit: BATCH });
      const wanted = batch.filter((media) => {
        const isWanted = left > 0;
        left -= media.bytes;
        return isWanted;
      });
      const gone = wanted.length === 0 ? [] : await this.options.erase(wanted);
      deleted.push(...gone);
      if (gone.length === 0 || batch.length < BATCH) break;
    }
    return deleted;
  }

  private async pass(): Promise<number> {
    let deleted = await this.sweepExpired();
    const { max_total_mb } = this.options.settings().media;
    if (max_total_mb === 0) return deleted;
    for (const surplus of findSurplus(this.options.usage.sums(), max_total_mb * MEBIBYTE))
      deleted += (await this.deleteOwned(surplus)).length;
    return deleted;
  }

  /** One pass; resolves with the number of media deleted. Passes never overlap: a second caller waits for the one under way. */
  sweep(): Promise<number> {
    this.underWay ??= this.pass().finally(() => {
      this.underWay = null;
    });
    return this.underWay;
  }

  private async sweepAndSchedule(): Promise<void> {
    try {
      const deleted = await this.sweep();
      if (deleted > 0) this.options.log.info("Old media were deleted", { count: deleted });
    } catch (error) {
      this.options.log.error("Media could not be swept", { error });
    }
    if (this.running) this.schedule();
  }

  private schedule(): void {
    this.cancelTimer = this.options.clock.after(this.options.settings().media.sweep_interval * 1000, () => void this.sweepAndSchedule());
  }

  /** Deletes the oldest media of one owner, at least `bytes` of them where there are as many; resolves with the bytes deleted. */
  async deleteOldest(surplus: MediaSum): Promise<number> {
    return (await this.deleteOwned(surplus)).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.stopping = false;
    this.schedule();
  }

  async stop(): Promise<void> {
    this.running = false;
    this.stopping = true;
    this.cancelTimer();
    await this.underWay?.catch(() => {});
  }
}
