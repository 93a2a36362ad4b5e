// Quiet hours over midnight and in time zones.
import { expect, test } from "bun:test";
import { isQuietAt } from "./quiet-hours.ts";

const at = (hour: number, minute = 0) => Date.UTC(2026, 10, 30, hour, minute);

test.each([
  ["22:00", "07:00", "UTC", at(21, 59), false],
  ["22:00", "07:00", "UTC", at(22), true],
  ["22:00", "07:00", "UTC", at(3), true],
  ["22:00", "07:00", "UTC", at(7), false],
  ["12:00", "13:30", "UTC", at(13, 29), true],
  ["12:00", "13:30", "UTC", at(13, 30), false],
  ["22:00", "07:00", "Asia/Shanghai", at(14), true],
  ["22:00", "07:00", "Asia/Shanghai", at(23), false],
  ["", "07:00", "UTC", at(3), false],
  ["07:00", "07:00", "UTC", at(7), false],
])("from %s to %s in %s", (from, to, zone, now, expected) => {
  expect(isQuietAt({ from, to, zone }, now)).toBe(expected);
});
