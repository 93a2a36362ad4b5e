// Token quota: the operator's own caps per token, group and model; reserved before a call, settled or released once.
import { isRecord } from "../../domain/is-record.ts";
import { NONE } from "./own-map.ts";
import { nextPacificMidnight } from "./pacific-time.ts";
import { SET_BACK_MS } from "./wall-clock.ts";

const MINUTE_MS = 60_000;
const LONGEST_DAY_MS = 25 * 3_600_000;

/** Null: no cap. Days end at midnight in America/Los_Angeles; minutes slide. */
export type Cap = {
  requestsPerMinute: number | null;
  requestsPerDay: number | null;
  imagesPerMinute: number | null;
  usdPerDay: number | null;
};

/** Caps of a token and of its group, each as a whole and by public family id. */
export type Caps = { token: Cap | null; models: ReadonlyMap<string, Cap>; group: Cap | null; groupModels: ReadonlyMap<string, Cap> };

export type Spend = { at: number; images: number; usd: number; dayUntil: number };

/** What was spent: calls of the last minute one by one, and sums of the Pacific day that ends at `until`. */
export type Counter = { recent: Spend[]; day: DayCount };
export type DayCount = { until: number; requests: number; usd: number };

const FIELDS = ["requestsPerMinute", "requestsPerDay", "imagesPerMinute", "usdPerDay"] as const;

const asObject = (value: unknown): Record<string, unknown> | null => (isRecord(value) ? value : null);
const asAmount = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null);

function parseCap(value: unknown): Cap | null {
  const source = asObject(value);
  if (!source) return null;
  const cap = Object.fromEntries(FIELDS.map((field) => [field, asAmount(source[field])])) as Cap;
  return FIELDS.some((field) => cap[field] !== null) ? cap : null;
}

function parseModels(value: unknown): Map<string, Cap> {
  const models = new Map<string, Cap>();
  for (const [family, one] of Object.entries(asObject(value) ?? {})) {
    const cap = parseCap(one);
    if (cap) models.set(family, cap);
  }
  return models;
}

/**
 * Reads `TokenRow.caps`: `{ requestsPerMinute?, requestsPerDay?, imagesPerMinute?, usdPerDay?, models?: { [family]: same },
 * group?: same with models }`. Ignores what is not understood; null when nothing is capped.
 */
export function parseCaps(value: unknown): Caps | null {
  const source = asObject(value);
  if (!source) return null;
  const group = asObject(source.group);
  const caps: Caps = {
    token: parseCap(source),
    models: parseModels(source.models),
    group: parseCap(group),
    groupModels: parseModels(group?.models),
  };
  return caps.token || caps.models.size || caps.group || caps.groupModels.size ? caps : null;
}

/** The stricter of two caps, field by field. */
export function stricter(a: Cap | null, b: Cap | null): Cap | null {
  if (!a || !b) return a ?? b;
  return Object.fromEntries(
    FIELDS.map((field) => [field, a[field] === null ? b[field] : b[field] === null ? a[field] : Math.min(a[field], b[field])]),
  ) as Cap;
}

/** `until` 0: a day that is over. */
export function newCounter(day: DayCount = { until: 0, requests: 0, usd: 0 }): Counter {
  return { recent: [], day };
}

/** Drops minutes and days that are over at `now`, also after the clock was set back; not when it was corrected by a moment. Changes `counter`. */
function roll(counter: Counter, now: number): void {
  const { recent, day } = counter;
  let over = 0;
  while (over < recent.length && (now - recent[over]!.at >= MINUTE_MS || recent[over]!.at - now > SET_BACK_MS)) over++;
  if (over > 0) recent.splice(0, over);
  if (now >= day.until || day.until - now > LONGEST_DAY_MS) counter.day = { until: nextPacificMidnight(now), requests: 0, usd: 0 };
}

/** Epoch ms at which enough of the last minute's `amounts` has passed for `wanted` more under `limit`; 0: now, Infinity: never. */
function minuteAvailableAt(recent: readonly Spend[], amount: (spend: Spend) => number, wanted: number, limit: number): number {
  if (wanted > limit) return Number.POSITIVE_INFINITY;
  let excess = recent.reduce((sum, spend) => sum + amount(spend), 0) + wanted - limit;
  let until = 0;
  for (let i = 0; excess > 0 && i < recent.length; i++) {
    excess -= amount(recent[i]!);
    until = recent[i]!.at + MINUTE_MS;
  }
  return until;
}

/** Rounds to the millionth of a dollar: binary fractions do not add up exactly. */
const money = (usd: number) => Math.max(0, Math.round(usd * 1e6) / 1e6);
const exceeds = (sum: number, limit: number) => sum > limit + 5e-7;

/** Epoch ms at which the cap allows one more call of this cost: 0 is now, Infinity never. */
export function availableAt(counter: Counter, cap: Cap, cost: { images: number; usd: number }, now: number): number {
  roll(counter, now);
  const { recent, day } = counter;
  let at = 0;
  if (cap.requestsPerMinute !== null) at = minuteAvailableAt(recent, () => 1, 1, cap.requestsPerMinute);
  if (cap.imagesPerMinute !== null)
    at = Math.max(
      at,
      minuteAvailableAt(recent, (spend) => spend.images, cost.images, cap.imagesPerMinute),
    );
  const perDay = (used: number, wanted: number, limit: number) => {
    if (exceeds(wanted, limit)) at = Number.POSITIVE_INFINITY;
    else if (exceeds(used + wanted, limit)) at = Math.max(at, day.until);
  };
  if (cap.requestsPerDay !== null) perDay(day.requests, 1, cap.requestsPerDay);
  if (cap.usdPerDay !== null) perDay(day.usd, cost.usd, cap.usdPerDay);
  return at;
}

/** Counts one call before it is made. Changes `counter`. The result is settled or released once. */
export function reserve(counter: Counter, cost: { images: number; usd: number }, now: number): Spend {
  roll(counter, now);
  const spend: Spend = { at: now, images: cost.images, usd: cost.usd, dayUntil: counter.day.until };
  counter.recent.push(spend);
  counter.day.requests += 1;
  counter.day.usd = money(counter.day.usd + cost.usd);
  return spend;
}

/** Replaces the reserved cost by the real one. The call itself stays counted. Changes `counter`. */
export function settle(counter: Counter, spend: Spend, used: { images: number; usd: number }): void {
  if (counter.day.until === spend.dayUntil) counter.day.usd = money(counter.day.usd + used.usd - spend.usd);
  spend.images = used.images;
  spend.usd = used.usd;
}

/** Calls of the running day. */
export const dayUsed = ({ day }: Counter, now: number): number => (day.until > now ? day.requests : 0);

/** Undoes {@link reserve}: the call was never made. Changes `counter`. */
export function release(counter: Counter, spend: Spend): void {
  const at = counter.recent.indexOf(spend);
  if (at >= 0) counter.recent.splice(at, 1);
  if (counter.day.until !== spend.dayUntil) return;
  counter.day.requests = Math.max(0, counter.day.requests - 1);
  counter.day.usd = money(counter.day.usd - spend.usd);
}

/** Days that are not over, for saving: they survive a restart, minutes need not. */
export function dumpDays(counters: ReadonlyMap<string, Counter>, now: number): Record<string, DayCount> {
  const days: Record<string, DayCount> = {};
  for (const [name, { day }] of counters) if (day.until > now && (day.requests > 0 || day.usd > 0)) days[name] = { ...day };
  return days;
}

/** Counters as {@link dumpDays} saved them; what is not understood or over is left out. */
export function restoreDays(value: unknown, now: number): ReadonlyMap<string, Counter> {
  if (value === undefined) return NONE;
  const counters = new Map<string, Counter>();
  for (const [name, one] of Object.entries(asObject(value) ?? {})) {
    const day = asObject(one);
    const [until, requests, usd] = [asAmount(day?.until), asAmount(day?.requests), asAmount(day?.usd)];
    if (until !== null && requests !== null && usd !== null && until > now && until - now <= LONGEST_DAY_MS) {
      counters.set(name, newCounter({ until, requests, usd }));
    }
  }
  return counters;
}
