// Own caps: parsing, when they allow a call, and reservations that are released once.
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../testing.ts";
import { nextPacificMidnight } from "./pacific-time.ts";
import { availableAt, type Cap, dumpDays, newCounter, parseCaps, release, reserve, restoreDays, settle, stricter } from "./token-quota.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const none: Cap = { requestsPerMinute: null, requestsPerDay: null, imagesPerMinute: null, usdPerDay: null };
const cap = (change: Partial<Cap>): Cap => ({ ...none, ...change });
const cost = { images: 1, usd: 0.1 };

describe("reading", () => {
  test.each([
    [null],
    [undefined],
    [5],
    ["x"],
    [[]],
    [{}],
    [{ requestsPerMinute: -1 }],
    [{ requestsPerDay: "7" }],
    [{ group: {}, models: 3 }],
    [{ usdPerDay: Number.NaN }],
  ])("%p caps nothing", (value: unknown) => expect(parseCaps(value)).toBeNull());

  test("token, models, group and the group's models are separate", () => {
    const caps = parseCaps({
      requestsPerMinute: 0,
      models: { a: { usdPerDay: 2 } },
      group: { requestsPerDay: 9, models: { b: { imagesPerMinute: 1 } } },
    });
    expect(caps).toEqual({
      token: cap({ requestsPerMinute: 0 }),
      models: new Map([["a", cap({ usdPerDay: 2 })]]),
      group: cap({ requestsPerDay: 9 }),
      groupModels: new Map([["b", cap({ imagesPerMinute: 1 })]]),
    });
  });

  test("of two caps the stricter field counts", () => {
    expect(stricter(cap({ requestsPerDay: 5, usdPerDay: 1 }), cap({ requestsPerDay: 3, imagesPerMinute: 2 }))).toEqual(
      cap({ requestsPerDay: 3, usdPerDay: 1, imagesPerMinute: 2 }),
    );
    expect(stricter(null, cap({ usdPerDay: 1 }))).toEqual(cap({ usdPerDay: 1 }));
  });
});

describe("capacity", () => {
  test("requests per minute slide: a call counts for exactly 60 s", () => {
    const counter = newCounter();
    const limit = cap({ requestsPerMinute: 2 });
    reserve(counter, cost, NOW);
    reserve(counter, cost, NOW + 10_000);
    expect(availableAt(counter, limit, cost, NOW + 20_000)).toBe(NOW + 60_000);
    expect(availableAt(counter, limit, cost, NOW + 59_999)).toBe(NOW + 60_000);
    expect(availableAt(counter, limit, cost, NOW + 60_000)).toBe(0);
  });

  test("images per minute wait until enough images have passed", () => {
    const counter = newCounter();
    const limit = cap({ imagesPerMinute: 4 });
    reserve(counter, { images: 1, usd: 0 }, NOW);
    reserve(counter, { images: 3, usd: 0 }, NOW + 5_000);
    expect(availableAt(counter, limit, { images: 1, usd: 0 }, NOW + 6_000)).toBe(NOW + 60_000);
    expect(availableAt(counter, limit, { images: 2, usd: 0 }, NOW + 6_000)).toBe(NOW + 65_000);
    expect(availableAt(counter, limit, { images: 5, usd: 0 }, NOW + 6_000)).toBe(Number.POSITIVE_INFINITY);
  });

  test("days end at midnight in Los Angeles", () => {
    const counter = newCounter();
    const limit = cap({ requestsPerDay: 1 });
    reserve(counter, cost, NOW);
    const midnight = nextPacificMidnight(NOW);
    expect(availableAt(counter, limit, cost, midnight - 1)).toBe(midnight);
    expect(availableAt(counter, limit, cost, midnight)).toBe(0);
  });

  test("ten times ten cents fit into one dollar, eleven do not", () => {
    const counter = newCounter();
    const limit = cap({ usdPerDay: 1 });
    for (let i = 0; i < 10; i++) {
      expect(availableAt(counter, limit, cost, NOW)).toBe(0);
      reserve(counter, cost, NOW);
    }
    expect(availableAt(counter, limit, cost, NOW)).toBe(nextPacificMidnight(NOW));
    expect(availableAt(counter, limit, { images: 1, usd: 1.01 }, NOW)).toBe(Number.POSITIVE_INFINITY);
  });

  test("a clock that is set back does not keep the day or the minute closed", () => {
    const counter = newCounter();
    reserve(counter, cost, NOW);
    expect(availableAt(counter, cap({ requestsPerMinute: 1, requestsPerDay: 1 }), cost, NOW - 3 * 86_400_000)).toBe(0);
  });
});

test("a clock that goes back by a moment, as it does when it is corrected, opens no minute", () => {
  const counter = newCounter();
  reserve(counter, cost, NOW);
  expect(availableAt(counter, cap({ requestsPerMinute: 1 }), cost, NOW - 500)).toBe(NOW + 60_000);
});

describe("giving back", () => {
  test("a settled call costs what it really cost and still counts as a call", () => {
    const counter = newCounter();
    const spend = reserve(counter, { images: 1, usd: 0.24 }, NOW);
    settle(counter, spend, { images: 0, usd: 0.04 });
    expect(counter.day).toMatchObject({ requests: 1, usd: 0.04 });
    expect(availableAt(counter, cap({ imagesPerMinute: 1 }), cost, NOW)).toBe(0);
    expect(availableAt(counter, cap({ requestsPerMinute: 1 }), cost, NOW)).toBe(NOW + 60_000);
  });

  test("a released call leaves no trace", () => {
    const counter = newCounter();
    release(counter, reserve(counter, cost, NOW));
    expect(counter).toMatchObject({ recent: [], day: { requests: 0, usd: 0 } });
  });

  test("a call of yesterday does not change today", () => {
    const counter = newCounter();
    const old = reserve(counter, cost, NOW);
    const later = nextPacificMidnight(NOW) + 1;
    reserve(counter, cost, later);
    settle(counter, old, { images: 1, usd: 5 });
    release(counter, old);
    expect(counter.day).toMatchObject({ requests: 1, usd: 0.1 });
  });

  test.each([1, 2, 3])("under random calls a cap is never exceeded and sums never drift (seed %d)", (seed) => {
    const random = seededRandom(seed);
    const counter = newCounter();
    const limit = cap({ requestsPerMinute: 5, requestsPerDay: 200, imagesPerMinute: 8, usdPerDay: 12 });
    let open: ReturnType<typeof reserve>[] = [];
    let now = NOW;
    for (let round = 0; round < 4000; round++) {
      now += Math.floor(random() * 40_000);
      const wanted = { images: 1 + Math.floor(random() * 3), usd: random() };
      if (availableAt(counter, limit, wanted, now) === 0) open.push(reserve(counter, wanted, now));
      if (open.length > 0 && random() < 0.5) {
        const spend = open.shift()!;
        if (random() < 0.3) release(counter, spend);
        else settle(counter, spend, { images: spend.images, usd: spend.usd * random() });
      }
      open = open.filter((spend) => now - spend.at < 3_600_000);
      const minute = counter.recent.filter((spend) => now - spend.at < 60_000);
      expect(minute.length).toBeLessThanOrEqual(5);
      expect(minute.reduce((sum, spend) => sum + spend.images, 0)).toBeLessThanOrEqual(8);
      expect(counter.day.requests).toBeLessThanOrEqual(200);
      expect(counter.day.usd).toBeLessThanOrEqual(12.000_001);
      expect(counter.day.usd).toBeGreaterThanOrEqual(0);
    }
  });
});

test("days survive a restart, those that are over do not", () => {
  const counters = new Map([["", newCounter()]]);
  reserve(counters.get("")!, cost, NOW);
  const saved = JSON.parse(JSON.stringify(dumpDays(counters, NOW)));
  expect(restoreDays(saved, NOW + 1000).get("")?.day).toMatchObject({ requests: 1, usd: 0.1 });
  expect(restoreDays(saved, nextPacificMidnight(NOW)).size).toBe(0);
  expect(restoreDays({ a: null, b: { until: "x" }, c: 4 }, NOW).size).toBe(0);
});
