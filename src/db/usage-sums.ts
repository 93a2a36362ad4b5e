// Sums of usage: what shares of one row add up to, buckets of durations, percentiles. Pure; shared by the engines.
import type { Amounts, UsageQuery, UsageRow } from "./ledger.ts";

/** What one generation, or one upstream call of it, adds. */
export type UsageShare = Amounts & {
  dimension: "all" | "key" | "token";
  /** Id of the key or token; 0 of all. */
  subject: number;
  /** Its start, epoch ms. */
  hour: number;
  family: string;
  ok: boolean;
  ms: number;
  inputTokens: number;
  outputTokens: number;
};

export const BUCKETS = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10", "b11", "b12"] as const;
type Buckets = Record<(typeof BUCKETS)[number], number>;
const FIRST_BOUND_MS = 250;

/** Upper bound of a bucket, in ms; the last has none. */
const boundOf = (bucket: number) => FIRST_BOUND_MS * 2 ** bucket;
/** Index of the bucket of a duration. */
export const bucketOf = (ms: number) => Math.min(BUCKETS.length - 1, Math.max(0, Math.ceil(Math.log2(ms / FIRST_BOUND_MS))));

/** A row of sums: of one dimension, subject, start and family. */
export type Hour = Omit<UsageShare, "ok" | "ms"> & Buckets & { requests: number; errors: number; msSum: number; msMax: number };

const DAY_MS = 86_400_000;
const ADDED = ["requests", "errors", "images", "videoMs", "microUsd", "inputTokens", "outputTokens", "msSum", ...BUCKETS] as const;
const NO_BUCKETS = Object.fromEntries(BUCKETS.map((bucket) => [bucket, 0])) as Buckets;

type Place = Pick<Hour, "dimension" | "subject" | "hour" | "family">;

/** Puts shares of one row together, so that a batch costs few rows; `length` is that of the row's time, in ms. */
export const sumShares = (shares: readonly UsageShare[], length: number): Hour[] => sumBy(shares, length, addShare);

/** Puts hours together to the rows of their days. */
export const sumDays = (hours: readonly Hour[]): Hour[] => sumBy(hours, DAY_MS, addHour);

function sumBy<T extends Place>(rows: readonly T[], length: number, add: (sum: Hour, row: T) => void): Hour[] {
  const sums = new Map<string, Hour>();
  for (const row of rows) {
    const hour = row.hour - (row.hour % length);
    const name = `${row.dimension}/${row.subject}/${hour}/${row.family}`;
    const sum = sums.get(name) ?? emptyHour(row, hour);
    sums.set(name, sum);
    add(sum, row);
  }
  return [...sums.values()];
}

function emptyHour({ dimension, subject, family }: Place, hour: number): Hour {
  const nothing = { images: 0, videoMs: 0, microUsd: 0, inputTokens: 0, outputTokens: 0, msSum: 0, msMax: 0 };
  return { dimension, subject, hour, family, requests: 0, errors: 0, ...nothing, ...NO_BUCKETS };
}

function addHour(day: Hour, { msMax, ...more }: Hour): void {
  for (const name of ADDED) day[name] += more[name];
  day.msMax = Math.max(day.msMax, msMax);
}

function addShare(hour: Hour, share: UsageShare): void {
  hour.requests += 1;
  hour.images += share.images;
  hour.videoMs += share.videoMs;
  hour.microUsd += share.microUsd;
  hour.inputTokens += share.inputTokens;
  hour.outputTokens += share.outputTokens;
  if (!share.ok) hour.errors += 1;
  else {
    const ms = Math.max(0, Math.round(share.ms));
    hour.msSum += ms;
    hour.msMax = Math.max(hour.msMax, ms);
    hour[BUCKETS[bucketOf(ms)]!] += 1;
  }
}

/** Sums as they are read. */
export type RawUsage = Omit<Hour, "dimension" | "subject" | "hour" | "family"> & { grouped: number | string };

/** Which rows hold the sums; null: those of every subject. */
export function scopeOf(query: UsageQuery): { dimension: UsageShare["dimension"]; subject: number | null } {
  if (query.by === "key" || query.by === "token") return { dimension: query.by, subject: null };
  const of = "of" in query ? query.of : undefined;
  if (!of) return { dimension: "all", subject: 0 };
  return "key" in of ? { dimension: "key", subject: of.key } : { dimension: "token", subject: of.token };
}

export function toUsage(raw: RawUsage): UsageRow {
  const { grouped, requests, errors, images, inputTokens, outputTokens } = raw;
  const succeeded = requests - errors;
  return {
    group: grouped,
    requests,
    errors,
    images,
    videoSeconds: raw.videoMs / 1000,
    usd: raw.microUsd / 1e6,
    inputTokens,
    outputTokens,
    meanMs: succeeded > 0 ? Math.round(raw.msSum / succeeded) : null,
    p50Ms: percentile(raw, succeeded, 0.5),
    p95Ms: percentile(raw, succeeded, 0.95),
    maxMs: succeeded > 0 ? raw.msMax : null,
  };
}

/** Interpolated within the bucket that holds it; never over the largest seen. */
function percentile(raw: RawUsage, succeeded: number, share: number): number | null {
  if (succeeded <= 0) return null;
  let left = succeeded * share;
  for (const [index, name] of BUCKETS.entries()) {
    const count = raw[name];
    if (count >= left && count > 0) {
      const low = index === 0 ? 0 : boundOf(index - 1);
      const high = index === BUCKETS.length - 1 ? raw.msMax : Math.min(boundOf(index), raw.msMax);
      return Math.round(low + (high - low) * (left / count));
    }
    left -= count;
  }
  return raw.msMax;
}
