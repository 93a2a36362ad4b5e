// Usage: time spans, sums from the rollups (cached by key and token), CSV.
import type { LedgerStore, UsageRow } from "../../db/ledger.ts";
import type { Kind } from "../../domain/generation.ts";
import { BYTE_ORDER_MARK, csvLine } from "./csv.ts";

const DAY_MS = 86_400_000;
/** Rollups are stored about so long; a longer span shows nothing more. */
const MAX_DAYS = 400;

export const USAGE_SPANS = ["today", "7", "30", "custom"] as const;
export type UsageSpan = (typeof USAGE_SPANS)[number];

/** [from, to), epoch ms, both at the start of a UTC day. `step` is what a plot of it shows. */
export type UsageRange = { span: UsageSpan; from: number; to: number; step: "hour" | "day" };

export const USAGE_GROUPS = ["day", "model", "key", "token"] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Only generations under this key, calls with this token, or of this model. A key and a token exclude each other. */
export type UsageFilter = { key?: number; token?: number; model?: string };

/** Reads a span as its address has it, `from` and `to` as days like `2026-11-23`; nonsense becomes the last 30 days. Days are UTC, the last one included. Pure. */
export function parseUsageRange(
  { span, from, to }: { span: string | null; from?: string | null; to?: string | null },
  now: number,
): UsageRange {
  const today = now - (now % DAY_MS);
  const days = (count: number, name: UsageSpan): UsageRange => {
    const step = count <= 2 ? "hour" : "day";
    return { span: name, from: today - (count - 1) * DAY_MS, to: today + DAY_MS, step };
  };
  if (span === "today") return days(1, "today");
  if (span === "7") return days(7, "7");
  const first = readDay(from);
  const last = readDay(to) ?? today;
  if (span !== "custom" || first === null || first > last) return days(30, "30");
  const start = Math.max(first, last - (MAX_DAYS - 1) * DAY_MS);
  return { span: "custom", from: start, to: last + DAY_MS, step: last - start < 2 * DAY_MS ? "hour" : "day" };
}

/** `2026-11-23` as the start of that UTC day; null: it is none. */
function readDay(text: string | null | undefined): number | null {
  if (!text || !/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const time = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(text) ? time : null;
}

type Rollups = Pick<LedgerStore, "readUsage">;

/** Ids read at once: about 7 ms of the event loop where each has a month of days, then others have their turn. */
const SLICE = 100;
/** Lines written at once. */
const LINES = 250;

/** Sums of a span by one of {@link USAGE_GROUPS}; by key and by token only a model narrows. */
export async function readUsageBy(store: Rollups, by: UsageGroup, { from, to }: UsageRange, only: UsageFilter): Promise<UsageRow[]> {
  const { model } = only;
  if (by !== "key" && by !== "token") return store.readUsage({ by, from, to, model, of: scopeOf(only) });
  const rows: UsageRow[] = [];
  for (let page: UsageRow[] | null = null; page === null || page.length === SLICE; await Bun.sleep(0)) {
    page = await store.readUsage({ by, from, to, model, limit: SLICE, after: Number(rows.at(-1)?.group ?? 0) });
    rows.push(...page);
  }
  return rows;
}

/** Sums over time, by hour for short spans. */
export const readUsageAlong = (store: Rollups, { from, to, step }: UsageRange, only: UsageFilter): Promise<UsageRow[]> =>
  store.readUsage({ by: step, from, to, model: only.model, of: scopeOf(only) });

/** Sums over time of all families, and of each kind: an image and a video take different times. */
export type UsageByKind = Record<"all" | Kind, UsageRow[]>;

/** @param families ids by kind */
export async function readUsageByKind(
  store: Rollups,
  range: UsageRange,
  only: UsageFilter,
  families: Record<Kind, readonly string[]>,
): Promise<UsageByKind> {
  const of = (models: readonly string[]) =>
    store.readUsage({ by: range.step, from: range.from, to: range.to, model: only.model, models, of: scopeOf(only) });
  const [all, image, video] = await Promise.all([readUsageAlong(store, range, only), of(families.image), of(families.video)]);
  return { all, image, video };
}

const scopeOf = ({ key, token }: UsageFilter): { key: number } | { token: number } | undefined =>
  key !== undefined ? { key } : token !== undefined ? { token } : undefined;

export type UsageTotal = Omit<UsageRow, "group" | "meanMs" | "maxMs">;

/** Sums of everything in the span. */
export async function readUsageTotal(store: Rollups, { from, to }: UsageRange, only: UsageFilter): Promise<UsageTotal> {
  const [row] = await store.readUsage({ by: "span", from, to, model: only.model, of: scopeOf(only) });
  return row ?? NOTHING;
}

const NOTHING: UsageTotal = {
  requests: 0,
  errors: 0,
  images: 0,
  videoSeconds: 0,
  usd: 0,
  inputTokens: 0,
  outputTokens: 0,
  p50Ms: null,
  p95Ms: null,
};

export const USAGE_SORTS = ["group", "requests", "errors", "images", "videoSeconds", "usd", "outputTokens", "p50Ms", "p95Ms"] as const;
export type UsageSort = (typeof USAGE_SORTS)[number];

/** A copy in order; rows without a value last. Pure. */
export function sortUsage(rows: readonly UsageRow[], by: UsageSort, descending: boolean): UsageRow[] {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [left, right] = [a[by], b[by]];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (typeof left === "string" || typeof right === "string" ? `${left}`.localeCompare(`${right}`) : left - right);
  });
}

const CSV_COLUMNS = ["requests", "errors", "images", "videoSeconds", "usd", "inputTokens", "outputTokens", "p50Ms", "p95Ms"] as const;
const CSV_NAMES = ["requests", "errors", "images", "video_seconds", "usd", "input_tokens", "output_tokens", "p50_ms", "p95_ms"];

/**
 * RFC 4180 lines with a head, in slices, after the byte order mark that spreadsheets need for other than Latin letters.
 * @param nameOf how a group is called; of a key or token its id stands in a column of its own
 */
export function* usageCsv(by: UsageGroup, rows: readonly UsageRow[], nameOf: (group: UsageRow["group"]) => string): Generator<string> {
  const hasId = by === "key" || by === "token";
  yield BYTE_ORDER_MARK + csvLine([by, ...(hasId ? ["id"] : []), ...CSV_NAMES]);
  for (let from = 0; from < rows.length; from += LINES) {
    const lines = rows.slice(from, from + LINES).map((row) => {
      return csvLine([nameOf(row.group), ...(hasId ? [row.group] : []), ...CSV_COLUMNS.map((name) => row[name])]);
    });
    yield lines.join("");
  }
}

/** Age up to which cached sums are returned without renewal, ms. */
const FRESH_MS = 5_000;
/** Age up to which cached sums are returned while a renewal runs, ms. */
const MAX_AGE_MS = 10 * 60_000;
/** Cached results, least recently used evicted first; one of the largest pool takes some megabytes. */
const MAX_CACHED = 4;

type CachedSums = { at: number; rows: Promise<UsageRow[]> };

/** Caches sums by key and by token: a month of ten thousand tokens takes half a second to add up. */
export class UsageCache {
  readonly #store: Rollups;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #cached = new Map<string, CachedSums>();
  readonly #reading = new Set<string>();

  constructor({ store, now }: { store: Rollups; now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  /** As {@link readUsageBy}; sums by key and by token may be up to {@link MAX_AGE_MS} old. */
  async by(group: UsageGroup, range: UsageRange, only: UsageFilter): Promise<UsageRow[]> {
    const read = () => readUsageBy(this.#store, group, range, only);
    if (group !== "key" && group !== "token") return read();
    const name = JSON.stringify([group, range.from, range.to, only.model ?? null]);
    const known = this.#cached.get(name);
    const age = known ? this.#now() - known.at : MAX_AGE_MS;
    if (!known || age < 0 || age >= MAX_AGE_MS) return this.#put(name, { at: this.#now(), rows: this.#read(name, read) }).rows;
    if (age >= FRESH_MS && !this.#reading.has(name)) void this.#renew(name, read);
    return this.#put(name, known).rows;
  }

  #put(name: string, sums: CachedSums): CachedSums {
    this.#cached.delete(name);
    this.#cached.set(name, sums);
    for (const oldest of this.#cached.keys()) if (this.#cached.size > MAX_CACHED) this.#cached.delete(oldest);
    return sums;
  }

  /** One reading of the same sums at a time; a failure is not cached. */
  async #read(name: string, read: () => Promise<UsageRow[]>): Promise<UsageRow[]> {
    this.#reading.add(name);
    try {
      return await read();
    } catch (error) {
      this.#cached.delete(name);
      throw error;
    } finally {
      this.#reading.delete(name);
    }
  }

  async #renew(name: string, read: () => Promise<UsageRow[]>): Promise<void> {
    const rows = await this.#read(name, read).catch(() => null);
    if (rows) this.#put(name, { at: this.#now(), rows: Promise.resolve(rows) });
  }
}
