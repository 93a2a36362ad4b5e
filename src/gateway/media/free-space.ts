// Free space of the disk that media are on, read every few seconds at most.
import { statfsSync } from "node:fs";
import { type Clock, monotonicNow } from "../../clock.ts";

const AGE_MS = 3_000;

/** Free bytes of the disk, read every few seconds at most. */
export function createFreeSpace(folder: string, clock: Clock): () => number {
  let freeBytes = Number.POSITIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = monotonicNow(clock);
    if (now - askedAt >= AGE_MS) {
      const { bavail, bsize } = statfsSync(folder);
      freeBytes = bavail * bsize;
      askedAt = now;
    }
    return freeBytes;
  };
}
