// Free space of the disk that media are on, read every few seconds at most.
import { statfsSync } from "node:fs";
import type { Clock } from "../../clock.ts";

const AGE_MS = 3_000;

/** Free bytes of the disk, read every few seconds at most. */
export function createFreeSpace(folder: string, clock: Clock): () => number {
  let freeBytes = Number.POSITIVE_INFINITY;
  let askedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.now() - askedAt >= AGE_MS) {
      const { bavail, bsize } = statfsSync(folder);
      freeBytes = bavail * bsize;
      askedAt = clock.now();
    }
    return freeBytes;
  };
}
