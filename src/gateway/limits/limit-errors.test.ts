// Limit errors: wording and x-ratelimit headers.
import { describe, expect, test } from "bun:test";
import { createAccount, type Shortfall } from "./budget.ts";
import { durationText, limitError, rateHeaders } from "./limit-errors.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MIDNIGHT = Date.UTC(2026, 10, 24);
const spent = { limit: 10, used: 10, wanted: 1 } as const;

const CASES: [Shortfall, string, number | undefined, string][] = [
  [
    { of: "rpm", limit: 60, until: NOW + 12_500 },
    "rate_limit_exceeded",
    12_500,
    "Rate limit reached: this API key allows 60 requests per minute. Try again in 13 s.",
  ],
  [
    { of: "concurrency", limit: 1 },
    "rate_limit_exceeded",
    1000,
    "Rate limit reached: this API key allows 1 generation at a time, which is running. Try again when one has ended.",
  ],
  [
    { of: "images", period: "day", ...spent, until: MIDNIGHT },
    "insufficient_quota",
    12 * 3_600_000,
    "Quota exceeded: this API key allows 10 images per day (UTC); 10 are used or reserved and this request asks for 1. It resets in 12 h (00:00 UTC).",
  ],
  [
    { of: "usd", period: "total", limit: 5, used: 4.99, wanted: 0.039, until: null },
    "insufficient_quota",
    undefined,
    "Quota exceeded: this API key allows 5 USD in total; 4.99 are used or reserved and this request asks for an estimated 0.039. It does not reset.",
  ],
  [
    { of: "videoSeconds", period: "month", limit: 5, used: 0, wanted: 8, until: MIDNIGHT },
    "insufficient_quota",
    undefined,
    "Quota exceeded: this API key allows 5 seconds of video per month (UTC), and this request alone asks for 8.",
  ],
];

test.each(CASES)("%p", (shortfall, reason, retryAfterMs, message) => {
  const error = limitError(shortfall, NOW);
  expect({ kind: error.kind, reason: error.reason, retryAfterMs: error.retryAfterMs, message: error.message }).toEqual({
    kind: "limit_exceeded",
    reason,
    retryAfterMs,
    message,
  });
});

describe("headers", () => {
  test("are absent without a limit per minute", () => expect(rateHeaders(createAccount(), null, NOW)).toEqual({}));

  test("report limit, what remains, and when the oldest request no longer counts", () => {
    const account = { ...createAccount(), recent: [NOW - 59_000, NOW] };
    expect(rateHeaders(account, 60, NOW)).toEqual({
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "58",
      "x-ratelimit-reset-requests": "1s",
    });
  });

  test("never report less than nothing, after the limit was lowered", () => {
    const account = { ...createAccount(), recent: [NOW, NOW, NOW] };
    expect(rateHeaders(account, 2, NOW)["x-ratelimit-remaining-requests"]).toBe("0");
  });

  test.each([
    [0, "0ms"],
    [20.2, "21ms"],
    [999, "999ms"],
    [1000, "1s"],
    [1500, "1.5s"],
    [59_999, "59.999s"],
    [60_000, "1m0s"],
    [360_000, "6m0s"],
    [61_250, "1m1.25s"],
  ])("%p ms are spelled %p", (ms, text) => expect(durationText(ms)).toBe(text));
});
