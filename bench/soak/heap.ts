// Live objects of a running server after a full collection, and which types grew between two samples: a leak, or garbage.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

export type LiveHeap = { heapSize: number; extraMemorySize: number; objectTypeCounts: Record<string, number> };

/** Environment under which a server answers {@link readHeap}. */
export const probeEnv = (file: string): Record<string, string> => ({
  BUN_OPTIONS: `--preload=${join(import.meta.dir, "heap-probe.ts")}`,
  SOAK_HEAP_FILE: file,
});

/** @throws when the server does not answer within 30 s */
export async function readHeap(pid: number, file: string): Promise<LiveHeap> {
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (let tries = 0; tries < 600; tries++) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as LiveHeap;
    await Bun.sleep(50);
  }
  throw new Error("The server did not write its heap");
}

export type Grown = { type: string; before: number; after: number };

/** Types of which more live than before, most first; of `least` at least. */
export function grownTypes(before: LiveHeap, after: LiveHeap, least: number): Grown[] {
  return Object.entries(after.objectTypeCounts)
    .map(([type, count]) => ({ type, before: before.objectTypeCounts[type] ?? 0, after: count }))
    .filter((one) => one.after - one.before >= least)
    .sort((a, b) => b.after - b.before - (a.after - a.before));
}
