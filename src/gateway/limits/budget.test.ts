// Budget: what fits a key's limits, which limit is reported first, and exact sums.

import { describe, expect, test } from "bun:test";
import { type KeyLimits, NO_LIMITS } from "../../domain/key.ts";
import { type Account, createAccount, findShortfall, holdAt, reserve, settle, toAmounts, toCost, undoReserve } from "./budget.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const DAY = 86_400_000;
const cost = (images: number, usd = 0, videoSeconds = 0) => toAmounts({ images, videoSeconds, usd });
const limits = (change: Partial<KeyLimits>): KeyLimits => ({ ...NO_LIMITS, ...change });
const per = (day: number | null, month: number | null = null, total: number | null = null) => ({ day, month, total });

/** An account that used so much at a time, all of it ended. */
function used(...spent: { at: number; images?: number; usd?: number; videoSeconds?: number }[]): Account {
  const account = createAccount();
  for (const { at, images = 0, usd = 0, videoSeconds = 0 } of spent)
    settle(holdAt(account, cost(0), at), toAmounts({ images, usd, videoSeconds }));
  return account;
}

describe("limits", () => {
  const today = { at: NOW - 3_600_000, images: 6, usd: 3, videoSeconds: 8 };
  const yesterday = { at: NOW - DAY, images: 6, usd: 3, videoSeconds: 8 };
  const lastMonth = { at: NOW - 30 * DAY, images: 6, usd: 3, videoSeconds: 8 };
  const CASES: [string, Account, Partial<KeyLimits>, ReturnType<typeof cost>, string | null][] = [
    ["none: everything fits", used(today), {}, cost(1000, 1000, 1000), null],
    ["just enough is left of a day", used(today, yesterday), { images: per(10) }, cost(4), null],
    ["one too many of a day", used(today, yesterday), { images: per(10) }, cost(5), "images/day"],
    ["yesterday does not count today", used(yesterday), { images: per(10) }, cost(10), null],
    ["it counts in the month", used(today, yesterday), { images: per(null, 15) }, cost(4), "images/month"],
    ["last month does not count in this", used(lastMonth), { images: per(null, 6) }, cost(6), null],
    ["everything counts in the total", used(today, yesterday, lastMonth), { images: per(null, null, 20) }, cost(3), "images/total"],
    ["seconds of video have their own", used(today), { videoSeconds: per(10) }, cost(0, 0, 3), "videoSeconds/day"],
    ["so has money, to the cent", used(today), { usd: per(3.04) }, cost(1, 0.04), null],
    ["and beyond it", used(today), { usd: per(3.04) }, cost(1, 0.040001), "usd/day"],
    ["nothing asked of what is used up is allowed", used(today), { videoSeconds: per(1) }, cost(1), null],
    ["a limit of zero allows none", used(), { images: per(0) }, cost(1), "images/day"],
    ["the shorter period is reported first", used(today), { images: per(1, 1, 1) }, cost(1), "images/day"],
    ["images are reported before money", used(today), { images: per(null, null, 1), usd: per(1) }, cost(1, 1), "images/total"],
    ["concurrency is reported before images", { ...used(today), inFlight: 2 }, { concurrency: 2, images: per(1) }, cost(1), "concurrency"],
    ["the minute is reported before concurrency", { ...used(), recent: [NOW], inFlight: 1 }, { rpm: 1, concurrency: 1 }, cost(1), "rpm"],
    ["a free slot is enough", { ...used(), inFlight: 1 }, { concurrency: 2 }, cost(1), null],
  ];
  test.each(CASES)("%s", (_, account, change, wanted, expected) => {
    const found = findShortfall(account, limits(change), wanted, NOW);
    expect(found && ("period" in found ? `${found.of}/${found.period}` : found.of)).toBe(expected);
  });

  test("what runs counts like what has ended", () => {
    const account = createAccount();
    const hold = reserve(account, cost(10), NOW);
    const tight = limits({ images: per(null, null, 10) });
    expect(findShortfall(account, tight, cost(1), NOW)).toMatchObject({ used: 10, wanted: 1, limit: 10, until: null });
    settle(hold, cost(9));
    expect(findShortfall(account, tight, cost(1), NOW)).toBeNull();
    expect(findShortfall(account, tight, cost(2), NOW)).not.toBeNull();
  });

  test("a generation that ends tomorrow counts in the day it was admitted", () => {
    const account = createAccount();
    const hold = reserve(account, cost(1), NOW);
    settle(hold, cost(5));
    expect(findShortfall(account, limits({ images: per(5) }), cost(5), NOW + DAY)).toBeNull();
    expect(findShortfall(account, limits({ images: per(5) }), cost(1), NOW)).not.toBeNull();
  });

  test("a clock that is set back over midnight finds the day it left", () => {
    const account = used({ at: NOW, images: 5 }, { at: NOW + DAY, images: 5 });
    expect(findShortfall(account, limits({ images: per(5) }), cost(1), NOW)).toMatchObject({ of: "images" });
  });

  test("of many days few are stored, and the running month is not forgotten for them", () => {
    const account = createAccount();
    for (let day = 0; day < 400; day++) settle(holdAt(account, cost(0), NOW + day * DAY), cost(1));
    expect(account.balances.size).toBeLessThanOrEqual(7);
    const last = NOW + 399 * DAY;
    expect(findShortfall(account, limits({ images: per(1) }), cost(1), last)).not.toBeNull();
    expect(findShortfall(account, limits({ images: per(null, 27) }), cost(1), last)).toMatchObject({ period: "month", used: 27 });
    expect(findShortfall(account, limits({ images: per(null, null, 400) }), cost(1), last)).toMatchObject({ used: 400 });
  });
});

describe("the minute", () => {
  const three = limits({ rpm: 3 });
  const after = (...recent: number[]): Account => ({ ...createAccount(), recent: recent.map((ms) => NOW - ms) });

  test("lets in again exactly when the oldest of its requests is 60 seconds old", () => {
    expect(findShortfall(after(59_999, 1, 1), three, cost(1), NOW)).toEqual({ of: "rpm", limit: 3, until: NOW + 1 });
    expect(findShortfall(after(60_000, 1, 1), three, cost(1), NOW)).toBeNull();
  });

  test("waits for as many as a lowered limit needs", () => {
    expect(findShortfall(after(50_000, 40_000, 30_000, 20_000), limits({ rpm: 2 }), cost(1), NOW)).toMatchObject({ until: NOW + 30_000 });
  });
});

describe("sums", () => {
  test("of tenths come out exact", () => {
    const account = createAccount();
    for (let count = 0; count < 1000; count++) settle(reserve(account, cost(1, 0.1), NOW), cost(1, 0.1));
    expect(toCost(account.balances.get("total")!.spent)).toEqual({ images: 1000, videoSeconds: 0, usd: 100 });
    expect(account.balances.get("total")!.reserved).toEqual(cost(0));
  });

  test.each([[Number.NaN], [-1], [Number.NEGATIVE_INFINITY]])("a cost of %p is none", (value) => {
    expect(toAmounts({ images: value, videoSeconds: value, usd: value })).toEqual(cost(0));
  });

  test("an admission taken back leaves no trace", () => {
    const account = used({ at: NOW, images: 2 });
    account.recent.push(NOW - 5, NOW);
    const before = structuredClone(account);
    undoReserve(account, reserve(account, cost(3, 1), NOW), NOW);
    expect(account).toEqual(before);
  });
});
