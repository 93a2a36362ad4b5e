// Cooldowns: the time for which a token, a model or a group is out of use, when it ends, and what a set clock does to it. Pure.

import type { Outcome } from "../lease-contract.ts";
import { nextPacificMidnight } from "../pacific-time.ts";
import type { CooldownEffect, HealthReason } from "./reasons.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** Times in epoch ms. `until` is when it ends by itself; null: only the operator ends it. */
export type Cooldown = { state: "cooling" | "blocked"; reason: HealthReason; since: number; until: number | null };

/** Health of one token, one model of a token, one group, one model of a group, or one model in a location. */
export type Health = {
  readonly cooldown: Cooldown | null;
  /** Cooldowns of growing length in a row, since the last success. */
  readonly consecutiveFailures: number;
  /** Epoch ms of failures in a row, for the breaker. */
  readonly failures: readonly number[];
};

export const HEALTHY: Health = Object.freeze({ cooldown: null, consecutiveFailures: 0, failures: Object.freeze([]) as readonly number[] });

export type Failure = Extract<Outcome, { ok: false }>;

/** Epoch ms at which the upstream said to come back, clamped to 1 s to 24 h from now so that a strange value cannot lose a token. */
export function retryEnd(failure: Failure, now: number): number | undefined {
  const end = failure.detail?.until ?? (failure.retryAfterMs === undefined ? undefined : now + failure.retryAfterMs);
  return end === undefined ? undefined : Math.min(Math.max(end, now + SECOND), now + 24 * HOUR);
}

/** Epoch ms at which a cooldown that begins now ends; null: only the operator ends it. */
export function endOf({ end, usesRetryAfter }: CooldownEffect, failure: Failure, now: number): number | null {
  if (end === null) return null;
  if (end === "pacific_midnight") return nextPacificMidnight(now);
  return (usesRetryAfter ? retryEnd(failure, now) : undefined) ?? now + end;
}

/** Epoch ms at which the cooldown ends: 0 when there is none now, Infinity when only the operator ends it. */
export function cooldownEnd(health: Health, now: number): number {
  const { cooldown } = health;
  if (!cooldown) return 0;
  if (cooldown.until === null) return Number.POSITIVE_INFINITY;
  return cooldown.until > now ? cooldown.until : 0;
}

/** Whether one call is to probe that the token works again: after an open breaker, or an hour without money. */
export function isHalfOpen(health: Health, now: number): boolean {
  return health.cooldown !== null && ENDED_BY_SUCCESS.has(health.cooldown.reason) && cooldownEnd(health, now) === 0;
}

/** Cooldowns whose end is no proof: they show until one call has succeeded. */
const ENDED_BY_SUCCESS: ReadonlySet<HealthReason> = new Set(["failing", "billing"]);

/** The one of the present cooldown and another that ends later. */
export function laterOf(health: Health, next: Cooldown, now: number): Cooldown {
  return cooldownEnd(health, now) >= (next.until ?? Number.POSITIVE_INFINITY) ? health.cooldown! : next;
}

/**
 * The same health after the clock was set back, from `before` where that is known: a cooldown keeps its length, and one that was over
 * stays over.
 */
export function reanchored(health: Health, now: number, before = now): Health {
  const { cooldown } = health;
  if (!cooldown) return health;
  const { until, since, reason } = cooldown;
  if (before > now && until !== null && until <= before) {
    return { ...health, cooldown: ENDED_BY_SUCCESS.has(reason) ? { ...cooldown, since: now, until: now } : null };
  }
  if (since <= now) return health;
  return { ...health, cooldown: { ...cooldown, since: now, until: until === null ? null : now + Math.max(0, until - since) } };
}
