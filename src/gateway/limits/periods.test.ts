// Periods: days and months end at midnight UTC; the minute slides.
import { expect, test } from "bun:test";
import { dropOld, hourStart, MINUTE_MS, type Period, periodEnd, periodsAt } from "./periods.ts";

const at = (text: string) => Date.parse(text);

const ENDS: [string, Period, string | null][] = [
  ["2026-11-23T12:00:00.000Z", "day", "2026-11-24T00:00:00.000Z"],
  ["2026-11-23T00:00:00.000Z", "day", "2026-11-24T00:00:00.000Z"],
  ["2026-11-30T23:59:59.999Z", "day", "2026-12-01T00:00:00.000Z"],
  ["2028-02-28T01:00:00.000Z", "day", "2028-02-29T00:00:00.000Z"],
  ["2026-11-23T12:00:00.000Z", "month", "2026-12-01T00:00:00.000Z"],
  ["2026-12-31T23:59:59.999Z", "month", "2027-01-01T00:00:00.000Z"],
  ["2026-12-31T23:59:59.999Z", "total", null],
];

test.each(ENDS)("at %s the %s ends at %p", (time, period, end) => {
  expect(periodEnd(period, at(time))).toBe(end === null ? null : at(end));
});

test("a period has one name from its first to its last millisecond", () => {
  expect(periodsAt(at("2026-11-30T23:59:59.999Z"))).toEqual({ day: "2026-11-30", month: "2026-11", total: "total" });
  expect(periodsAt(at("2026-12-01T00:00:00.000Z"))).toEqual({ day: "2026-12-01", month: "2026-12", total: "total" });
});

test("an hour starts at its first millisecond", () => {
  expect(hourStart(at("2026-11-23T12:59:59.999Z"))).toBe(at("2026-11-23T12:00:00Z"));
  expect(hourStart(at("2026-11-23T12:00:00Z"))).toBe(at("2026-11-23T12:00:00Z"));
});

test("a minute holds what is younger than 60 seconds, and nothing from a future that a corrected clock left behind", () => {
  const now = 10 * MINUTE_MS;
  const times = [now - MINUTE_MS - 1, now - MINUTE_MS, now - MINUTE_MS + 1, now, now + 1];
  dropOld(times, now);
  expect(times).toEqual([now - MINUTE_MS + 1, now]);
});
