// What follows a failed call, for every kind of failure.
import { describe, expect, test } from "bun:test";
import type { Kind } from "../../domain/generation.ts";
import { AppError, type AppErrorOptions, type ErrorKind } from "../../errors.ts";
import { nextStep } from "./retry.ts";

const NOW = 1_000_000;
const half = () => 0.5;

function step(
  kind: ErrorKind,
  change: {
    attempts?: number;
    tokenFailures?: number;
    otherFree?: boolean;
    pinned?: boolean;
    options?: AppErrorOptions;
    request?: Kind;
    left?: number;
    max?: number;
    retryUnknown?: boolean;
  } = {},
) {
  const { attempts = 1, tokenFailures = 1, otherFree = false, pinned, options, request = "image", left = 60_000, max = 0 } = change;
  const error = new AppError(kind, "…", options);
  const call = {
    kind: request,
    attempts,
    tokenFailures,
    isOtherFree: () => otherFree,
    isPinned: pinned,
    error,
    now: NOW,
    deadline: NOW + left,
  };
  const { retryUnknown = false } = change;
  return nextStep(call, { max_attempts: max, retry_unknown_images: retryUnknown }, half);
}

const fail = { action: "fail", delayMs: 0, token: "any" } as const;
const elsewhere = { action: "try_again", delayMs: 0, token: "excluded" } as const;
const anywhere = { action: "try_again", delayMs: 0, token: "any" } as const;
const rather = (delayMs: number, token: "avoided" | "excluded" = "avoided") => ({ action: "try_again", delayMs, token }) as const;

const FINAL: ErrorKind[] = [
  "invalid_request",
  "not_found",
  "conflict",
  "payload_too_large",
  "unauthorized",
  "forbidden",
  "limit_exceeded",
  "content_policy",
  "busy",
  "unavailable",
  "upstream_invalid",
  "cancelled",
];
test.each(FINAL)("%s is returned to the client at once", (kind) => expect(step(kind)).toEqual(fail));

const REFUSED: ErrorKind[] = [
  "no_token",
  "upstream_rate_limited",
  "upstream_quota",
  "upstream_unauthorized",
  "upstream_model_denied",
  "upstream_verification",
];
test.each(REFUSED)("%s goes on with another token without a pause", (kind) => {
  expect(step(kind)).toEqual(elsewhere);
  expect(step(kind, { options: { charged: true } })).toEqual(fail);
});

describe.each(["network", "upstream_unavailable"] as const)("%s", (kind) => {
  test("goes to another token at once while one is free; after three such turns with a growing pause", () => {
    const delays = [1, 2, 3, 4, 5, 6, 12].map((attempts) => step(kind, { attempts, otherFree: true }));
    expect(delays).toEqual([0, 0, 0, 375, 750, 1500, 6000].map((ms) => rather(ms)));
  });

  test("comes back to the same token after a growing pause while no other is free, and gives it up after three failures", () => {
    expect([1, 2].map((tokenFailures) => step(kind, { tokenFailures }))).toEqual([rather(375), rather(750)]);
    expect(step(kind, { tokenFailures: 3 })).toEqual(rather(0, "excluded"));
    expect(step(kind, { tokenFailures: 3, otherFree: true })).toEqual(rather(0, "excluded"));
  });

  test("stays with the token that what was begun belongs to, for as long as there is time", () => {
    expect([3, 30].map((tokenFailures) => step(kind, { tokenFailures, pinned: true, otherFree: true }))).toEqual([
      rather(1500),
      rather(6000),
    ]);
  });

  test("is reported at once when it may have been charged", () => expect(step(kind, { options: { charged: true } })).toEqual(fail));
});

test("a pause that the upstream asks for is waited for, unless the deadline comes first or another token is free", () => {
  expect(step("upstream_unavailable", { options: { retryAfterMs: 20_000 } })).toEqual(rather(20_000));
  expect(step("upstream_unavailable", { options: { retryAfterMs: 20_000 }, otherFree: true })).toEqual(rather(0));
  expect(step("upstream_unavailable", { options: { retryAfterMs: 60_000 } })).toEqual(fail);
});

test.each(["upstream_timeout", "upstream_unknown_outcome"] as const)("%s is repeated for images only, and only when set so", (kind) => {
  const options = { charged: true };
  expect(step(kind, { options })).toEqual(fail);
  expect(step(kind, { options, retryUnknown: true })).toEqual(elsewhere);
  expect(step(kind, { options, retryUnknown: true, request: "video" })).toEqual(fail);
  expect(step(kind, { options: { charged: false }, request: "video" })).toEqual(fail);
});

test("a response without an image gets one more chance", () => {
  expect(step("no_result")).toEqual(anywhere);
  expect(step("no_result", { attempts: 2 })).toEqual(fail);
  expect(step("no_result", { options: { charged: true } })).toEqual(fail);
});

test("attempts are not counted unless the operator caps them, and none is made after the deadline", () => {
  expect(step("upstream_quota", { attempts: 500 })).toEqual(elsewhere);
  expect(step("upstream_quota", { attempts: 2, max: 3 })).toEqual(elsewhere);
  expect(step("upstream_quota", { attempts: 3, max: 3 })).toEqual(fail);
  expect(step("upstream_quota", { left: 0 })).toEqual(fail);
});
