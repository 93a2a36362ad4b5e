// What follows a failed call, for every kind of failure.
import { expect, test } from "bun:test";
import { AppError, type AppErrorOptions, type ErrorKind } from "../errors.ts";
import { nextStep } from "./retry.ts";
import type { Kind } from "./types.ts";

const NOW = 1_000_000;
const half = () => 0.5;

function step(
  kind: ErrorKind,
  change: { attempts?: number; options?: AppErrorOptions; request?: Kind; left?: number; max?: number; retryUnknown?: boolean } = {},
) {
  const { attempts = 1, options, request = "image", left = 60_000, max = 3, retryUnknown = false } = change;
  const call = { kind: request, attempts, error: new AppError(kind, "…", options), now: NOW, deadline: NOW + left };
  return nextStep(call, { max_attempts: max, retry_unknown_images: retryUnknown }, half);
}

const fail = { action: "fail", delayMs: 0, sameToken: false } as const;
const elsewhere = { action: "try_again", delayMs: 0, sameToken: false } as const;
const anywhere = (delayMs: number) => ({ action: "try_again", delayMs, sameToken: true }) as const;

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
  "upstream_invalid",
  "cancelled",
];
test.each(FINAL)("%s is told to the client at once", (kind) => expect(step(kind)).toEqual(fail));

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

test.each(["network", "upstream_unavailable"] as const)("%s is tried again after a growing pause", (kind) => {
  expect([1, 2, 3, 9].map((attempts) => step(kind, { attempts, max: 20 }))).toEqual([
    anywhere(375),
    anywhere(750),
    anywhere(1500),
    anywhere(6000),
  ]);
  expect(step(kind, { options: { charged: true } })).toEqual(fail);
});

test("a pause that the upstream asks for is kept, unless the deadline comes first", () => {
  expect(step("upstream_unavailable", { options: { retryAfterMs: 20_000 } })).toEqual(anywhere(20_000));
  expect(step("upstream_unavailable", { options: { retryAfterMs: 60_000 } })).toEqual(fail);
});

test.each(["upstream_timeout", "upstream_unknown_outcome"] as const)("%s is repeated for images only, and only when set so", (kind) => {
  const options = { charged: true };
  expect(step(kind, { options })).toEqual(fail);
  expect(step(kind, { options, retryUnknown: true })).toEqual(elsewhere);
  expect(step(kind, { options, retryUnknown: true, request: "video" })).toEqual(fail);
  expect(step(kind, { options: { charged: false }, request: "video" })).toEqual(fail);
});

test("an answer without an image gets one more chance", () => {
  expect(step("no_result")).toEqual(anywhere(0));
  expect(step("no_result", { attempts: 2 })).toEqual(fail);
  expect(step("no_result", { options: { charged: true } })).toEqual(fail);
});

test("there are at most max_attempts calls, and none after the deadline", () => {
  expect(step("upstream_quota", { attempts: 2 })).toEqual(elsewhere);
  expect(step("upstream_quota", { attempts: 3 })).toEqual(fail);
  expect(step("upstream_quota", { left: 0 })).toEqual(fail);
});
