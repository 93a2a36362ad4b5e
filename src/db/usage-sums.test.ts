// Sums of usage by hour and by day: put together from hours they are what they are from shares.
import { expect, test } from "bun:test";
import { sumDays, sumShares, type UsageShare } from "./usage-sums.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIDNIGHT = Date.UTC(2026, 10, 23);

const share = (number: number): UsageShare => ({
  ...{ dimension: number % 3 === 0 ? "all" : "key", subject: number % 3, hour: MIDNIGHT + (number % 50) * HOUR, family: `f${number % 2}` },
  ...{ ok: number % 7 > 0, ms: number * 37, images: number % 4, videoMs: number * 11, microUsd: number * 13 },
  ...{ inputTokens: number, outputTokens: 2 * number },
});

const byRow = <T extends { dimension: string; subject: number; hour: number; family: string }>(rows: T[]) =>
  rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test("days of hours are the days of their shares", () => {
  const shares = Array.from({ length: 600 }, (_, number) => share(number));
  const hours = sumShares(shares, HOUR);
  const days = sumDays(hours);
  expect(byRow(days)).toEqual(byRow(sumShares(shares, DAY)));
  expect(new Set(days.map(({ hour }) => hour))).toEqual(new Set([MIDNIGHT, MIDNIGHT + DAY, MIDNIGHT + 2 * DAY]));
  expect(hours).toEqual(sumShares(shares, HOUR));
});

test("nothing sums up to nothing", () => expect(sumDays([])).toEqual([]));
