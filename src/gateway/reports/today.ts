// Today by the hour, against yesterday: images and videos apart, how long they took, and what was spent. From the rollups.

import type { LedgerStore, UsageRow } from "../../db/ledger.ts";
import type { Kind } from "../../domain/generation.ts";

const HOUR_MS = 3_600_000;
export const HOURS = 24;

/** One hour: requests that were served and failed, and how long those that were served took, ms; null: none was. */
export type HourOfKind = { served: number; failed: number; p50Ms: number | null; p95Ms: number | null };

/** Of one kind. `hours` ends with the running hour, `yesterday` has all hours of its day. */
export type DayOfKind = {
  hours: HourOfKind[];
  yesterday: number[];
  served: number;
  failed: number;
  p50Ms: number | null;
  p95Ms: number | null;
};

/** USD, summed up to the end of each hour. */
export type Spend = {
  hours: number[];
  yesterday: number[];
  today: number;
  /** More than at the same time of yesterday; below zero: less. */
  more: number;
};

export type Today = {
  /** Start of the reader's day, epoch ms. */
  from: number;
  kinds: Record<Kind, DayOfKind>;
  spend: Spend;
};

type Rollups = Pick<LedgerStore, "readUsage">;

/** @param from start of the day, epoch ms. @param families ids by kind */
export async function readToday(
  store: Rollups,
  families: Record<Kind, readonly string[]>,
  { from, now }: { from: number; now: number },
): Promise<Today> {
  const start = from - HOURS * HOUR_MS;
  const to = from + HOURS * HOUR_MS;
  const hours = (models?: readonly string[]) => store.readUsage({ by: "hour", from: floor(start), to, models });
  const sum = (models: readonly string[]) => store.readUsage({ by: "span", from: floor(from), to, models });
  const [image, video, all, imageSum, videoSum] = await Promise.all([
    hours(families.image),
    hours(families.video),
    hours(),
    sum(families.image),
    sum(families.video),
  ]);
  const passed = Math.min(HOURS, Math.floor((now - from) / HOUR_MS) + 1);
  return {
    from,
    kinds: {
      // A family that is gone was one of images: those of videos stay.
      image: dayOf(without(all, video), image, imageSum[0], { from, passed }),
      video: dayOf(video, video, videoSum[0], { from, passed }),
    },
    spend: spendOf(all, from, now),
  };
}

/** Rollups are of whole hours of UTC; a day that begins within one begins with it. */
const floor = (time: number): number => time - (time % HOUR_MS);

type Counted = Pick<UsageRow, "group" | "requests" | "errors">;

const at = <Row extends { group: number | string }>(rows: readonly Row[], from: number, hour: number): Row | undefined =>
  rows.find(({ group }) => group === floor(from) + hour * HOUR_MS);

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Counts of the rows less those of others at the same time. */
function without(rows: readonly UsageRow[], others: readonly UsageRow[]): Counted[] {
  return rows.map(({ group, requests, errors }) => {
    const other = others.find((one) => one.group === group);
    return { group, requests: requests - (other?.requests ?? 0), errors: errors - (other?.errors ?? 0) };
  });
}

/** @param counted requests by hour. @param timed how long they took by hour. @param sum of the day */
function dayOf(
  counted: readonly Counted[],
  timed: readonly UsageRow[],
  sum: UsageRow | undefined,
  day: { from: number; passed: number },
): DayOfKind {
  const { from, passed } = day;
  const hours = range(passed).map((hour) => {
    const { requests = 0, errors = 0 } = at(counted, from, hour) ?? {};
    const { p50Ms = null, p95Ms = null } = at(timed, from, hour) ?? {};
    return { served: requests - errors, failed: errors, p50Ms, p95Ms };
  });
  const total = (of: (hour: HourOfKind) => number) => hours.reduce((all, hour) => all + of(hour), 0);
  return {
    hours,
    yesterday: range(HOURS).map((hour) => at(counted, from, hour - HOURS)?.requests ?? 0),
    served: total(({ served }) => served),
    failed: total(({ failed }) => failed),
    p50Ms: sum?.p50Ms ?? null,
    p95Ms: sum?.p95Ms ?? null,
  };
}

function spendOf(rows: readonly UsageRow[], from: number, now: number): Spend {
  const summed = (first: number, count: number) => {
    let usd = 0;
    return range(count).map((hour) => (usd += at(rows, from, first + hour)?.usd ?? 0));
  };
  const passed = Math.min(HOURS, Math.max(0, (now - from) / HOUR_MS));
  const hours = summed(0, Math.min(HOURS, Math.floor(passed) + 1));
  const yesterday = summed(-HOURS, HOURS);
  const today = hours.at(-1) ?? 0;
  const whole = Math.floor(passed);
  const before = whole === 0 ? 0 : yesterday[whole - 1]!;
  const during = (yesterday[whole] ?? before) - before;
  return { hours, yesterday, today, more: today - (before + during * (passed - whole)) };
}
