// Errors and x-ratelimit headers of a key's limits: what, how much, and when to retry. Pure.
import { AppError } from "../../errors.ts";
import { formatWait, formatWaitUntil } from "../pool/customer-message.ts";
import type { Account, Shortfall } from "./budget.ts";
import { dropOld, MINUTE_MS } from "./periods.ts";

/** `Retry-After` while all slots are taken; when one comes free is not known. */
const CONCURRENCY_RETRY_MS = 1000;

const NOUNS = { images: "images", videoSeconds: "seconds of video", usd: "USD" } as const;
const SPANS = { day: "per day (UTC)", month: "per month (UTC)", total: "in total" } as const;

const isOne = (count: number) => count === 1;
const number = (value: number) => String(Number(value.toFixed(6)));

/** The refusal that a shortfall means. Retrying helps soon for `rate_limit_exceeded`, not soon for `insufficient_quota`. */
export function limitError(shortfall: Shortfall, now: number): AppError {
  if (shortfall.of === "rpm") return rateError(shortfall.limit, shortfall.until - now);
  if (shortfall.of === "concurrency") return concurrencyError(shortfall.limit);
  return quotaError(shortfall, now);
}

function rateError(limit: number, retryAfterMs: number): AppError {
  const allowed = isOne(limit) ? "1 request" : `${limit} requests`;
  const message = `Rate limit reached: this API key allows ${allowed} per minute. Try again in ${formatWait(retryAfterMs)}.`;
  return new AppError("limit_exceeded", message, { reason: "rate_limit_exceeded", retryAfterMs });
}

function concurrencyError(limit: number): AppError {
  const allowed = isOne(limit) ? "1 generation at a time, which is running" : `${limit} generations at a time, all of which are running`;
  const message = `Rate limit reached: this API key allows ${allowed}. Try again when one has ended.`;
  return new AppError("limit_exceeded", message, { reason: "rate_limit_exceeded", retryAfterMs: CONCURRENCY_RETRY_MS });
}

function quotaError(shortfall: Extract<Shortfall, { period: unknown }>, now: number): AppError {
  const { of, period, limit, used, wanted, until } = shortfall;
  const allowance = `this API key allows ${number(limit)} ${NOUNS[of]} ${SPANS[period]}`;
  const asked = of === "usd" ? `an estimated ${number(wanted)}` : number(wanted);
  if (wanted > limit) {
    const message = `Quota exceeded: ${allowance}, and this request alone asks for ${asked}.`;
    return new AppError("limit_exceeded", message, { reason: "insufficient_quota" });
  }
  const resets = until === null ? "It does not reset." : `It resets in ${formatWaitUntil(until, now)}.`;
  const message = `Quota exceeded: ${allowance}; ${number(used)} are used or reserved and this request asks for ${asked}. ${resets}`;
  const retryAfterMs = until === null ? undefined : until - now;
  return new AppError("limit_exceeded", message, { reason: "insufficient_quota", retryAfterMs });
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/**
 * `x-ratelimit-*-requests` in OpenAI's spelling (API reference, Rate limits in headers, read 2026-11-23). `reset` is the time until one
 * more request is allowed than now, as of the sliding minute. Drops minutes that are over.
 */
export function rateHeaders(account: Account, limit: number | null, now: number): Readonly<Record<string, string>> {
  if (limit === null) return NO_HEADERS;
  const { recent } = account;
  dropOld(recent, now);
  return {
    "x-ratelimit-limit-requests": String(limit),
    "x-ratelimit-remaining-requests": String(Math.max(0, limit - recent.length)),
    "x-ratelimit-reset-requests": durationText(recent.length === 0 ? 0 : recent[0]! + MINUTE_MS - now),
  };
}

/** `20ms`, `1.5s`, `6m0s`. */
export function durationText(ms: number): string {
  const left = Math.max(0, Math.ceil(ms));
  if (left < 1000) return `${left}ms`;
  const minutes = Math.floor(left / 60_000);
  const seconds = (left - minutes * 60_000) / 1000;
  return minutes > 0 ? `${minutes}m${Number(seconds.toFixed(3))}s` : `${Number(seconds.toFixed(3))}s`;
}
