// Customer messages: waits, whether it was charged, and no internals of the server.
import { describe, expect, test } from "bun:test";
import { AppError, type ErrorKind } from "../../errors.ts";
import { customerMessage, formatWait, formatWaitUntil } from "./customer-message.ts";

describe("waits", () => {
  test.each([
    [400, "1 s"],
    [39_500, "40 s"],
    [61_000, "2 min"],
    [39_075_000, "10 h 51 min"],
    [7_200_000, "2 h"],
    [3 * 86_400_000 + 4 * 3_600_000, "3 d 4 h"],
  ])("%p ms is %s", (ms, words) => expect(formatWait(ms)).toBe(words));

  test("a long one has its time in UTC, with the day where it is not within one", () => {
    const now = Date.UTC(2026, 10, 29, 21, 9);
    expect(formatWaitUntil(Date.UTC(2026, 10, 30, 8), now)).toBe("10 h 51 min (08:00 UTC)");
    expect(formatWaitUntil(Date.UTC(2026, 11, 1), now)).toBe("26 h 51 min (2026-12-01 00:00 UTC)");
    expect(formatWaitUntil(now + 20_000, now)).toBe("20 s");
  });
});

const INSIDE: readonly ErrorKind[] = [
  "no_token",
  "busy",
  "network",
  "upstream_rate_limited",
  "upstream_quota",
  "upstream_unauthorized",
  "upstream_model_denied",
  "upstream_verification",
  "upstream_invalid",
  "upstream_unavailable",
  "upstream_timeout",
  "upstream_unknown_outcome",
  "cancelled",
];
const WORDS = /token|project|pool|upstream|account|proxy|ECONN|alpha/i;

describe("words of the inside", () => {
  test.each(INSIDE)("%s has none of them", (kind) => {
    for (const message of [
      "Token alpha of project p-1 failed: ECONNRESET",
      "All tokens of the pool are out of quota",
      "The upstream reset the proxy's socket of account x",
    ])
      expect(customerMessage(new AppError(kind, message, { retryAfterMs: 90_000 }))).not.toMatch(WORDS);
  });

  test("what the model says of the request stays", () => {
    expect(customerMessage(new AppError("upstream_invalid", "The input token count exceeds the maximum (32768)."))).toContain("32768");
    expect(customerMessage(new AppError("no_result", "I cannot draw tokens."))).toBe("I cannot draw tokens.");
    expect(customerMessage(new AppError("invalid_request", "max_tokens: expected a number."))).toBe("max_tokens: expected a number.");
  });

  test("the words for clients go before the message", () => {
    const error = new AppError("upstream_quota", "All tokens are out of quota.", {
      customer: "It is back in 2 h (08:00 UTC).",
      retryAfterMs: 7_200_000,
    });
    expect(customerMessage(error)).toBe("It is back in 2 h (08:00 UTC). Nothing was charged.");
  });
});

test("it says whether it was charged, and that it was not repeated", () => {
  expect(customerMessage(new AppError("upstream_timeout", "late", { charged: true }))).toEndWith(
    "It may have been charged and was not repeated.",
  );
  expect(customerMessage(new AppError("network", "ECONNREFUSED"))).toEndWith("Nothing was charged.");
  expect(customerMessage(new AppError("upstream_rate_limited", "Rate", { retryAfterMs: 5_000 }))).toEndWith(
    "Try again in 5 s. Nothing was charged.",
  );
});
