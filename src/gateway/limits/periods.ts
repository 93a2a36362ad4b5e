// Periods of limits: a UTC day, a UTC month, all time, and the sliding minute. Pure.

export type Period = "day" | "month" | "total";

export const PERIODS = ["day", "month", "total"] as const satisfies readonly Period[];

export const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Names of the periods that `time` (epoch ms) lies in, e.g. `2026-11-23`, `2026-11`, `total`. */
export function periodsAt(time: number): Record<Period, string> {
  const text = new Date(time).toISOString();
  return { day: text.slice(0, 10), month: text.slice(0, 7), total: "total" };
}

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
