// Resident memory of another process, now and at its highest while something runs.
import { readFileSync } from "node:fs";

/** Resident memory in MB, children included in nothing: one process is one figure. */
export function memoryOf(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** The highest resident memory seen, in MB, while `work` runs; read every 5 ms. */
export async function peakWhile(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = memoryOf(pid);
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(pid));
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(watch);
  }
  return peak;
}
