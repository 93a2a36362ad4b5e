// Pacific midnight, on ordinary days and when the clocks change.
import { expect, test } from "bun:test";
import { nextPacificMidnight } from "./pacific-time.ts";

const CASES: [name: string, now: string, midnight: string][] = [
  ["a winter afternoon", "2026-11-23T12:00:00Z", "2026-11-24T08:00:00Z"],
  ["a summer afternoon", "2026-07-01T20:00:00Z", "2026-07-02T07:00:00Z"],
  ["one millisecond before midnight", "2026-07-02T06:59:59.999Z", "2026-07-02T07:00:00Z"],
  ["midnight itself belongs to the next day", "2026-07-02T07:00:00Z", "2026-07-03T07:00:00Z"],
  ["the day before the clocks go forward", "2026-03-07T20:00:00Z", "2026-03-08T08:00:00Z"],
  ["the short day, before the change at 2:00", "2026-03-08T08:30:00Z", "2026-03-09T07:00:00Z"],
  ["the short day, one second before the change", "2026-03-08T09:59:59Z", "2026-03-09T07:00:00Z"],
  ["the short day, after the change", "2026-03-08T10:00:00Z", "2026-03-09T07:00:00Z"],
  ["the day before the clocks go back", "2026-10-31T20:00:00Z", "2026-11-01T07:00:00Z"],
  ["the long day, before the change", "2026-11-01T07:30:00Z", "2026-11-02T08:00:00Z"],
  ["the long day, first pass of the repeated hour", "2026-11-01T08:30:00Z", "2026-11-02T08:00:00Z"],
  ["the long day, second pass of the repeated hour", "2026-11-01T09:30:00Z", "2026-11-02T08:00:00Z"],
  ["the long day, late", "2026-11-02T07:59:59Z", "2026-11-02T08:00:00Z"],
  ["the turn of the year", "2026-12-31T23:00:00Z", "2027-01-01T08:00:00Z"],
  ["a leap day", "2028-02-29T12:00:00Z", "2028-03-01T08:00:00Z"],
];

test.each(CASES)("the Pacific day ends rightly on %s", (_, now, midnight) => {
  expect(new Date(nextPacificMidnight(Date.parse(now))).toISOString()).toBe(new Date(midnight).toISOString());
});

test("every moment of two years has its next midnight within 25 hours, and midnights follow each other", () => {
  let midnight = nextPacificMidnight(Date.UTC(2026, 0, 1));
  for (let day = 0; day < 730; day++) {
    const next = nextPacificMidnight(midnight);
    expect(next - midnight).toBeGreaterThanOrEqual(23 * 3_600_000);
    expect(next - midnight).toBeLessThanOrEqual(25 * 3_600_000);
    expect(nextPacificMidnight(next - 1)).toBe(next);
    midnight = next;
  }
});

test("the rule is that of the time zone database, every hour about each change of the clocks from 2007 to 2100", () => {
  const clock = new Intl.DateTimeFormat("en-US", { timeZone: "America/Los_Angeles", hourCycle: "h23", hour: "numeric" });
  for (let year = 2007; year <= 2100; year++) {
    for (const [month, day] of [
      [2, 8],
      [10, 1],
    ] as const) {
      for (let hour = -24; hour < 8 * 24; hour++) {
        const midnight = nextPacificMidnight(Date.UTC(year, month, day, hour));
        expect([clock.format(midnight - 1), clock.format(midnight)]).toEqual(["23", "00"]);
      }
    }
  }
});
