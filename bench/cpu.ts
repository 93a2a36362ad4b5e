// Processor time and memory of another process, read from /proc. Linux only.
import { readFileSync } from "node:fs";

/** `CLK_TCK`, which is 100 on every Linux that runs Bun. */
const TICK_US = 10_000;

/** Microseconds of processor that a process and its children have used, all threads. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const own = (Number(fields[11]) + Number(fields[12])) * TICK_US;
  return childrenOf(pid).reduce((sum, child) => sum + cpuOf(child), own);
}

/** Children that run: the workers of nginx. */
function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

/** Anonymous memory in MB: without files that are mapped, such as the executable itself. */
export function anonymousOf(pid: number): number {
  const kilobytes = /RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** Lets a running process and all its threads run on these cores alone. */
export async function pin(pid: number, cores: string): Promise<void> {
  await Bun.spawn(["taskset", "-a", "-p", "-c", cores, String(pid)], { stdout: "ignore", stderr: "ignore" }).exited;
}
