// Periods of limits: a UTC day, a UTC month, all time, and the sliding minute. Pure.

export type Period = "day" | "month" | "total";

export const PERIODS = ["day", "month", "total"] as const satisfies readonly Period[];

export const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

type PeriodNames = Readonly<Record<Period, string>>;

/** Names of the latest day that was asked for: nearly always today. */
let latest: { start: number; names: PeriodNames; list: readonly string[] } = { start: Number.NaN, names: namesOn(0), list: [] };

function namesOn(time: number): PeriodNames {
  const text = new Date(time).toISOString();
  return { day: text.slice(0, 10), month: text.slice(0, 7), total: "total" };
}

const dayOf = (time: number) => (time >= latest.start && time < latest.start + DAY_MS ? latest : newDay(time));

function newDay(time: number): typeof latest {
  const names = namesOn(time);
  latest = { start: Math.floor(time / DAY_MS) * DAY_MS, names, list: PERIODS.map((period) => names[period]) };
  return latest;
}

/** Names of the periods that `time` (epoch ms) lies in, e.g. `2026-11-23`, `2026-11`, `total`. */
export const periodsAt = (time: number): PeriodNames => dayOf(time).names;

/** The same as a list, which is the same object for all times of a day as long as no other day is asked for. */
export const periodNames = (time: number): readonly string[] => dayOf(time).list;

/** Epoch ms at which the period that `time` lies in is over; null: never. */
export function periodEnd(period: Period, time: number): number | null {
  const date = new Date(time);
  if (period === "day") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1);
  return period === "month" ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) : null;
}

/** Start of the hour that `time` lies in, epoch ms. */
export function hourStart(time: number): number {
  return Math.floor(time / HOUR_MS) * HOUR_MS;
}

/** Removes from `times` (ascending, epoch ms) what is not within the minute before `now`; also what a clock set back left in the future. */
export function dropOld(times: number[], now: number): void {
  let over = 0;
  while (over < times.length && now - times[over]! >= MINUTE_MS) over++;
  if (over > 0) times.splice(0, over);
  while (times.length > 0 && times.at(-1)! > now) times.pop();
}
