// What a running server holds: memory, descriptors and write-ahead logs, read from /proc and its data folder. Linux only.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { growthPerHour, median } from "./trend.ts";

const MEBIBYTE = 1024 * 1024;

export const METRICS = ["rss_mb", "anonymous_mb", "descriptors", "threads", "wal_mb"] as const;
export type Sample = { /** Ms since the start. */ at: number } & Record<(typeof METRICS)[number], number>;

/** @throws when the process is gone */
export function takeSample(pid: number, dataDir: string, at: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
  const wal = readdirSync(dataDir)
    .filter((name) => name.endsWith("-wal"))
    .reduce((sum, name) => sum + statSync(join(dataDir, name)).size, 0);
  return {
    at,
    rss_mb: field("VmRSS") / 1024,
    anonymous_mb: field("RssAnon") / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field("Threads"),
    wal_mb: wal / MEBIBYTE,
  };
}

export type Growth = { metric: string; first: number; last: number; most: number; perHour: number };

/** Growth of every metric after the first `warmUp` of the samples (a share): caches fill and code is compiled until then. */
export function growthOf(samples: readonly Sample[], warmUp: number): Growth[] {
  const warm = samples.slice(Math.floor(samples.length * warmUp));
  const tenth = Math.max(1, Math.floor(warm.length / 10));
  return METRICS.map((metric) => {
    const values = warm.map((sample) => sample[metric]);
    const points = warm.map((sample) => ({ at: sample.at / 3_600_000, value: sample[metric] }));
    return {
      metric,
      first: median(values.slice(0, tenth)),
      last: median(values.slice(-tenth)),
      most: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
      perHour: growthPerHour(points),
    };
  });
}
