// Limits that the store checks: every limit of the key once, in its unit, and the store's refusal worded as this program does.
import { expect, test } from "bun:test";
import { NO_LIMITS } from "../../domain/key.ts";
import { sharedChecks, shortfallOf } from "./shared-limits.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const limits = {
  ...NO_LIMITS,
  rpm: 5,
  concurrency: 2,
  images: { day: 3, month: null, total: 10 },
  usd: { day: null, month: 1.5, total: null },
};
const estimate = { images: 1, videoMs: 0, microUsd: 40_000 };

test("limits are checked by the names of their periods, in whole units", () => {
  expect(sharedChecks(limits, NOW)).toEqual({
    periods: ["2026-11-23", "2026-11", "total"],
    limits: {
      ...{ rpm: 5, concurrency: 2 },
      budgets: [
        { period: "2026-11-23", of: "images", limit: 3 },
        { period: "total", of: "images", limit: 10 },
        { period: "2026-11", of: "microUsd", limit: 1_500_000 },
      ],
    },
  });
});

test("a refusal names limit, period, use and end", () => {
  const facts = { limits, estimate, now: NOW };
  expect(shortfallOf({ of: "microUsd", period: "2026-11", used: 1_480_000 }, facts)).toEqual({
    ...{ of: "usd", period: "month", limit: 1.5, used: 1.48, wanted: 0.04 },
    until: Date.UTC(2026, 11, 1),
  });
  expect(shortfallOf({ of: "rpm", until: 9 }, facts)).toEqual({ of: "rpm", limit: 5, until: 9 });
  expect(shortfallOf({ of: "concurrency" }, facts)).toEqual({ of: "concurrency", limit: 2 });
});
