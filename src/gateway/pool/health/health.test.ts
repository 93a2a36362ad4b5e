// Health rules: what every kind of outcome changes, in which scope, until when, and what it leaves alone.

import { describe, expect, test } from "bun:test";
import { type Failure, failure, success } from "../../../../test/pool.ts";
import type { ErrorKind, FailureDetail, FailureReason } from "../../../errors.ts";
import type { Outcome } from "../lease-contract.ts";
import { nextPacificMidnight } from "../pacific-time.ts";
import { cooldownEnd, HEALTHY, type Health, isHalfOpen, reanchored } from "./cooldown.ts";
import { afterProxyFailure, type HealthByScope, isUpstreamResponse, nextHealth } from "./health.ts";
import { HEALTH_REASONS, type HealthReason, type Scope } from "./reasons.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const half = () => 0.5;
const allHealthy: HealthByScope = { token: HEALTHY, token_model: HEALTHY, group: HEALTHY, group_model: HEALTHY, location_model: HEALTHY };
const after = (outcome: Outcome, change: Partial<Record<Scope, Health>> = {}, now = NOW, shared = false) =>
  nextHealth({ ...allHealthy, ...change }, outcome, { now, random: half, isShared: shared });
const reported = (reason: FailureReason, scope: FailureDetail["scope"] = "token", until?: number): FailureDetail => ({
  scope,
  reason,
  until,
});

describe("a failure holds back", () => {
  const CASES: [name: string, failed: Failure, scope: Scope, state: "cooling" | "blocked", ms: number | null][] = [
    [
      "the model of the group for RetryInfo",
      failure("upstream_rate_limited", reported("per_minute", "group_model", NOW + 47_000)),
      "group_model",
      "cooling",
      47_000,
    ],
    [
      "the same by retryAfterMs",
      failure("upstream_rate_limited", reported("per_minute", "group_model"), { retryAfterMs: 3_299 }),
      "group_model",
      "cooling",
      3_299,
    ],
    [
      "60 s when per-minute names no time",
      failure("upstream_rate_limited", reported("per_minute", "group_model")),
      "group_model",
      "cooling",
      MINUTE,
    ],
    [
      "at least 1 s when the upstream says at once",
      failure("upstream_rate_limited", reported("per_minute", "group_model", NOW)),
      "group_model",
      "cooling",
      1000,
    ],
    [
      "at most a day when the upstream says a year",
      failure("upstream_rate_limited", reported("per_minute", "group_model", NOW + 1e12)),
      "group_model",
      "cooling",
      24 * HOUR,
    ],
    [
      "until Pacific midnight per day, whatever RetryInfo says",
      failure("upstream_quota", reported("per_day", "group_model", NOW + 9_000)),
      "group_model",
      "cooling",
      nextPacificMidnight(NOW) - NOW,
    ],
    [
      "a model without quota for a day",
      failure("upstream_quota", reported("limit_zero", "group_model")),
      "group_model",
      "blocked",
      24 * HOUR,
    ],
    [
      "a minute for a lack of quota without details",
      failure("upstream_rate_limited", reported("no_details", "group_model")),
      "group_model",
      "cooling",
      MINUTE,
    ],
    [
      "a second for a lack of quota that names a second, and nothing else",
      failure("upstream_rate_limited", reported("no_details", "group_model", NOW + 1_000)),
      "group_model",
      "cooling",
      1_000,
    ],
    [
      "as long as RetryInfo says where quota is lacking without details",
      failure("upstream_rate_limited", reported("no_details", "token"), { retryAfterMs: 7_500 }),
      "token",
      "cooling",
      7_500,
    ],
    ["a rate limit without any detail", failure("upstream_rate_limited"), "group_model", "cooling", MINUTE],
    [
      "a rate limit with a time only",
      failure("upstream_rate_limited", undefined, { retryAfterMs: 5_000 }),
      "group_model",
      "cooling",
      5_000,
    ],
    ["a throttled account for a minute", failure("upstream_rate_limited", reported("throttled")), "token", "cooling", MINUTE],
    [
      "a throttled account for the told time",
      failure("upstream_rate_limited", reported("throttled", "token", NOW + 90_000)),
      "token",
      "cooling",
      90_000,
    ],
    ["an account out of quota for 12 hours", failure("upstream_quota", reported("account_quota")), "token", "cooling", 12 * HOUR],
    ["a quota without detail for 12 hours", failure("upstream_quota"), "token", "cooling", 12 * HOUR],
    ["an invalid key", failure("upstream_unauthorized", reported("key_invalid")), "token", "blocked", null],
    ["an unauthorized token without detail", failure("upstream_unauthorized"), "token", "blocked", null],
    ["a leaked key", failure("upstream_unauthorized", reported("key_leaked")), "token", "blocked", null],
    ["a forbidden key", failure("upstream_unauthorized", reported("key_forbidden")), "token", "blocked", null],
    ["a dead session", failure("upstream_unauthorized", reported("session_dead")), "token", "blocked", null],
    ["billing of the whole group", failure("upstream_unauthorized", reported("billing", "group")), "group", "blocked", HOUR],
    ["a refused location", failure("upstream_unauthorized", reported("location")), "token", "blocked", null],
    ["verification", failure("upstream_verification", reported("verification")), "token", "blocked", null],
    ["verification without detail", failure("upstream_verification"), "token", "blocked", null],
    [
      "a missing model for a day",
      failure("upstream_model_denied", reported("model_missing", "token_model")),
      "token_model",
      "blocked",
      24 * HOUR,
    ],
    ["a denied model for a day", failure("upstream_model_denied"), "token_model", "blocked", 24 * HOUR],
  ];
  test.each(CASES)("%s", (_, failed, scope, state, ms) => {
    const changes = after(failed);
    expect(Object.keys(changes)).toEqual([scope]);
    const { cooldown } = changes[scope]!;
    expect(cooldown).toMatchObject({ state, since: NOW, until: ms === null ? null : NOW + ms });
    expect(HEALTH_REASONS[cooldown!.reason].advice.length).toBeGreaterThan(20);
  });
});

describe("health is left alone by", () => {
  const HARMLESS: ErrorKind[] = [
    "invalid_request",
    "not_found",
    "conflict",
    "payload_too_large",
    "unauthorized",
    "forbidden",
    "limit_exceeded",
    "content_policy",
    "no_result",
    "no_token",
    "busy",
    "network",
    "upstream_invalid",
    "cancelled",
  ];
  test.each(HARMLESS)("%s, whatever its detail says", (kind) => {
    expect(after(failure(kind))).toEqual({});
    expect(after(failure(kind, reported("key_invalid")))).toEqual({});
  });
  test("whatever concerns the request only", () =>
    expect(after(failure("upstream_unavailable", reported("malformed", "request")))).toEqual({}));
});

describe("failures in a row", () => {
  const COUNTED: [ErrorKind, FailureDetail | undefined][] = [
    ["upstream_unavailable", undefined],
    ["upstream_unavailable", reported("internal", "upstream")],
    ["upstream_unavailable", reported("overloaded", "upstream")],
    ["upstream_unavailable", reported("cut_off")],
    ["upstream_timeout", undefined],
    ["upstream_unknown_outcome", undefined],
  ];
  test.each(COUNTED)("%s %p open the breaker at the fifth", (kind, detail) => {
    let token = HEALTHY;
    for (let i = 0; i < 5; i++) {
      expect(cooldownEnd(token, NOW + i)).toBe(0);
      token = after(failure(kind, detail), { token }, NOW + i).token!;
    }
    expect(token.cooldown).toEqual({ state: "cooling", reason: "failing", since: NOW + 4, until: NOW + 4 + 30_000 });
  });

  test("do not count while other tokens see the same", () =>
    expect(after(failure("upstream_unavailable", reported("overloaded", "upstream")), {}, NOW, true)).toEqual({}));

  const open: Health = {
    cooldown: { state: "cooling", reason: "failing", since: NOW, until: NOW + 30_000 },
    consecutiveFailures: 1,
    failures: [],
  };
  test("that arrive while the breaker is open change nothing", () =>
    expect(after(failure("upstream_timeout"), { token: open }, NOW + 29_999)).toEqual({}));
  test("let one through when the time is over; its failure opens it for twice as long", () => {
    expect(isHalfOpen(open, NOW + 29_999)).toBe(false);
    expect(isHalfOpen(open, NOW + 30_000)).toBe(true);
    const { token } = after(failure("upstream_timeout"), { token: open }, NOW + 31_000);
    expect(token).toMatchObject({ cooldown: { until: NOW + 91_000 }, consecutiveFailures: 2 });
  });
  test("are forgotten after a success, also the open breaker", () => {
    expect(after(success(), { token: open }, NOW + 1)).toEqual({ token: HEALTHY });
    expect(after(success(), { token: { ...HEALTHY, failures: [NOW, NOW] } }, NOW + 1)).toEqual({ token: HEALTHY });
  });
});

describe("a lack of quota without details", () => {
  const refused = failure("upstream_rate_limited", reported("no_details", "group_model"));
  test("cools 1, 2, 4 … minutes, at most an hour", () => {
    let health = HEALTHY;
    let now = NOW;
    const cooldowns = Array.from({ length: 8 }, () => {
      health = after(refused, { group_model: health }, now).group_model!;
      const cooldown = health.cooldown!.until! - now;
      now = health.cooldown!.until!;
      return cooldown / MINUTE;
    });
    expect(cooldowns).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });
  test("stays as long as the upstream says, however often it says so", () => {
    let health = HEALTHY;
    let now = NOW;
    const cooldowns = Array.from({ length: 5 }, () => {
      const again = failure("upstream_rate_limited", reported("no_details", "group_model", now + 1_000));
      health = after(again, { group_model: health }, now).group_model!;
      const cooldown = health.cooldown!.until! - now;
      now = health.cooldown!.until!;
      return cooldown;
    });
    expect(cooldowns).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
  });
  test("varies by a tenth with chance", () => {
    const cooldown = (chance: number) =>
      nextHealth(allHealthy, refused, { now: NOW, random: () => chance }).group_model!.cooldown!.until! - NOW;
    expect([cooldown(0), cooldown(0.999_999)]).toEqual([54_000, 66_000]);
  });
  test("counts once for calls that were under way together", () => {
    const { group_model } = after(refused);
    expect(after(refused, { group_model }, NOW + 10)).toEqual({});
  });
  test("begins again after a success, but not by one that began before the limit", () => {
    const { group_model } = after(refused);
    expect(after(success(), { group_model }, NOW + 10)).toEqual({});
    expect(after(success(), { group_model }, NOW + MINUTE)).toEqual({ group_model: HEALTHY });
  });
});

describe("of two conditions", () => {
  const until = (ms: number): Failure => failure("upstream_rate_limited", reported("throttled", "token", NOW + ms));
  test("the later end stays", () => {
    const { token } = after(until(50_000));
    expect(after(until(20_000), { token })).toEqual({});
    expect(after(until(80_000), { token }).token!.cooldown!.until).toBe(NOW + 80_000);
  });
  test("a block outlasts every cooldown and every success", () => {
    const { token } = after(failure("upstream_unauthorized"));
    expect(after(until(50_000), { token })).toEqual({});
    expect(after(success(), { token }, NOW + 1e9)).toEqual({});
  });
});

test("a response is what the upstream itself said, refusals included", () => {
  expect(isUpstreamResponse(success())).toBe(true);
  expect(isUpstreamResponse(failure("content_policy"))).toBe(true);
  expect(isUpstreamResponse(failure("upstream_quota"))).toBe(true);
  expect(isUpstreamResponse(failure("network"))).toBe(false);
  expect(isUpstreamResponse(failure("upstream_timeout"))).toBe(false);
  expect(isUpstreamResponse(failure("upstream_timeout", undefined, { upstreamStatus: 504 }))).toBe(true);
});

test("a proxy that fails alone cools its token for half a minute", () =>
  expect(afterProxyFailure(HEALTHY, NOW, half).cooldown).toEqual({ state: "cooling", reason: "proxy", since: NOW, until: NOW + 30_000 }));

test("a clock that is set back does not change the length of a cooldown", () => {
  const { token } = after(failure("upstream_quota"));
  expect(reanchored(token!, NOW - HOUR).cooldown).toMatchObject({ since: NOW - HOUR, until: NOW + 11 * HOUR });
  expect(reanchored(token!, NOW + HOUR)).toBe(token!);
});

test("and leaves over what was over", () => {
  const held = (reason: HealthReason): Health => ({ ...HEALTHY, cooldown: { state: "cooling", reason, since: 1_000, until: 2_000 } });
  expect(reanchored(held("throttled"), 1_500, 3_000).cooldown).toBeNull();
  const tried = reanchored(held("failing"), 1_500, 3_000);
  expect([isHalfOpen(tried, 1_500), cooldownEnd(tried, 1_500)]).toEqual([true, 0]);
});
