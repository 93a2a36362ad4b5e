// Counts of the last minute: never more than allowed in any 60 s, and the time at which more fit.
import { expect, test } from "bun:test";
import { seededRandom } from "../../../testing.ts";
import { RecentMinute } from "./recent.ts";

const START = Date.UTC(2026, 10, 23, 12);

test("in no 60 seconds more are admitted than the limit, and nearly as many as it allows", () => {
  const random = seededRandom(7);
  const limit = 20;
  const admitted: number[] = [];
  let text = "[]";
  for (let now = START; now < START + 600_000; now += Math.floor(random() * 1500)) {
    const recent = new RecentMinute(text, now);
    if (recent.availableAt("requests", 1, limit) > 0) continue;
    recent.add(1, 0);
    text = recent.text;
    admitted.push(now);
  }
  const most = Math.max(...admitted.map((from) => admitted.filter((at) => at >= from && at < from + 60_000).length));
  expect(most).toBeWithin(limit - 1, limit + 1);
  expect(admitted.length).toBeGreaterThan(limit * 9);
});

test("the time that is named is the first at which it fits", () => {
  let text = "[]";
  for (const at of [0, 500, 30_000]) {
    const recent = new RecentMinute(text, START + at);
    recent.add(1, 2);
    text = recent.text;
  }
  const until = new RecentMinute(text, START + 31_000).availableAt("requests", 1, 2);
  expect(new RecentMinute(text, until - 1).availableAt("requests", 1, 2)).toBe(until);
  expect(new RecentMinute(text, until).availableAt("requests", 1, 2)).toBe(0);
  expect(until - START).toBe(61_000);
  const recent = new RecentMinute(text, START + 31_000);
  expect([recent.availableAt("images", 7, 6), recent.availableAt("images", 1, 6)]).toEqual([Number.POSITIVE_INFINITY, until]);
});

test("what is taken back no longer counts; what is past, or of the future, counts for nothing", () => {
  const first = new RecentMinute("[]", START);
  first.add(2, 3);
  const later = new RecentMinute(first.text, START + 10_000);
  later.add(-1, -3, START);
  expect(later.availableAt("requests", 1, 2)).toBe(0);
  expect(later.availableAt("images", 1, 1)).toBe(0);
  later.add(-5, 0, START - 5000);
  expect(new RecentMinute(later.text, START + 62_000).text).toBe("[]");
  expect(new RecentMinute(later.text, START - 60_000).text).toBe("[]");
});
