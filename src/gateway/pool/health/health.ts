// Health rules: what the outcome of a call does to the health of its token, model and group. Pure.

import type { Random } from "../../../clock.ts";
import type { ErrorKind } from "../../../errors.ts";
import type { Outcome } from "../lease-contract.ts";
import { afterFailure } from "./breaker.ts";
import { type Cooldown, cooldownEnd, endOf, type Failure, HEALTHY, type Health, laterOf, retryEnd } from "./cooldown.ts";
import { type Effect, HEALTH_REASONS, type HealthReason, type Scope } from "./reasons.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export type HealthByScope = Readonly<Record<Scope, Health>>;

/** `reason` stands in where the provider gave none; null: the kind never touches health. `isResponse`: the upstream itself replied. */
type KindRule = { reason: HealthReason | null; isResponse: boolean };

const KINDS = {
  invalid_request: { reason: null, isResponse: false },
  not_found: { reason: null, isResponse: false },
  conflict: { reason: null, isResponse: false },
  payload_too_large: { reason: null, isResponse: false },
  request_timeout: { reason: null, isResponse: false },
  unsupported_media_type: { reason: null, isResponse: false },
  unauthorized: { reason: null, isResponse: false },
  forbidden: { reason: null, isResponse: false },
  limit_exceeded: { reason: null, isResponse: false },
  content_policy: { reason: null, isResponse: true },
  no_result: { reason: null, isResponse: true },
  no_token: { reason: null, isResponse: false },
  busy: { reason: null, isResponse: false },
  unavailable: { reason: null, isResponse: false },
  // Handled by outage.ts, which knows which other tokens fail.
  network: { reason: null, isResponse: false },
  upstream_rate_limited: { reason: "no_details", isResponse: true },
  upstream_quota: { reason: "account_quota", isResponse: true },
  upstream_unauthorized: { reason: "key_invalid", isResponse: true },
  upstream_model_denied: { reason: "model_denied", isResponse: true },
  upstream_verification: { reason: "verification", isResponse: true },
  upstream_invalid: { reason: null, isResponse: true },
  upstream_unavailable: { reason: "failing", isResponse: true },
  upstream_timeout: { reason: "failing", isResponse: false },
  upstream_unknown_outcome: { reason: "failing", isResponse: false },
  cancelled: { reason: null, isResponse: false },
} as const satisfies Record<ErrorKind, KindRule>;

/** Whether the upstream itself replied: it is reachable, whatever it said. */
export function isUpstreamResponse(outcome: Outcome): boolean {
  return outcome.ok || outcome.upstreamStatus !== undefined || KINDS[outcome.kind].isResponse;
}

/** The reason that a failure is recorded under, or null when it says nothing about the token. */
export function reasonOf(failure: Failure): HealthReason | null {
  const { reason } = KINDS[failure.kind];
  if (reason === null || failure.detail?.scope === "request") return null;
  if (failure.detail) return failure.detail.reason;
  // Without a reason but with a time to come back, that time is the best knowledge there is.
  return reason === "no_details" && failure.retryAfterMs !== undefined ? "per_minute" : reason;
}

/** By the effect of a reason. */
const BACKOFFS = { backoff: { firstMs: MINUTE, longestMs: HOUR }, surge: { firstMs: 5 * SECOND, longestMs: MINUTE } } as const;
const JITTER = 0.1;
const MAX_CONSECUTIVE = 16;

function backOff(health: Health, reason: HealthReason, failure: Failure, { now, random }: When): Health {
  // Calls that ran at the same time are one refusal.
  if (health.cooldown?.reason === reason && cooldownEnd(health, now) > 0) return health;
  const { firstMs, longestMs } = BACKOFFS[HEALTH_REASONS[reason].effect === "surge" ? "surge" : "backoff"];
  const jitter = 1 + JITTER * (2 * random() - 1);
  const { consecutiveFailures } = health;
  const backoffMs = Math.min(firstMs * 2 ** consecutiveFailures * jitter, longestMs);
  // The upstream's own time wins; only without it the cooldown is a guess that grows.
  const retryAt = retryEnd(failure, now);
  const until = retryAt ?? now + Math.round(backoffMs);
  const cooldown = laterOf(health, { state: "cooling", reason, since: now, until }, now);
  if (retryAt !== undefined) return { ...health, cooldown };
  return { ...health, cooldown, consecutiveFailures: Math.min(consecutiveFailures + 1, MAX_CONSECUTIVE) };
}

function countFailure(health: Health, now: number): Health {
  // Failures of calls that began before the breaker opened do not count.
  if (health.cooldown?.reason === "failing" && cooldownEnd(health, now) > 0) return health;
  const step = afterFailure(health.failures, health.consecutiveFailures, health.cooldown?.reason === "failing", now);
  const { failures } = step;
  if (step.openUntil === null) return { ...health, failures };
  const open: Cooldown = { state: "cooling", reason: "failing", since: now, until: step.openUntil };
  const consecutiveFailures = Math.min(step.consecutiveFailures, MAX_CONSECUTIVE);
  return { cooldown: laterOf(health, open, now), consecutiveFailures, failures };
}

function afterSuccess(health: Health, now: number): Health {
  // A call that began before a limit was hit does not lift it.
  if (health.cooldown?.reason !== "failing" && cooldownEnd(health, now) > 0) return health;
  return health.cooldown || health.consecutiveFailures || health.failures.length ? HEALTHY : health;
}

type When = { now: number; random: Random };

/** Health of any scope after a failure for this reason. */
function afterReason(health: Health, reason: HealthReason, failure: Failure, when: When): Health {
  const { now } = when;
  const effect: Effect = HEALTH_REASONS[reason].effect;
  if (effect === "none") return health;
  if (effect === "breaker") return countFailure(health, now);
  if (effect === "backoff" || effect === "surge") return backOff(health, reason, failure, when);
  const next: Cooldown = { state: effect.state, reason, since: now, until: endOf(effect, failure, now) };
  const cooldown = laterOf(health, next, now);
  return cooldown === health.cooldown ? health : { ...health, cooldown };
}

/**
 * The scopes that one outcome changes, with their next health; those left out stay as they are. `now` in epoch ms.
 * `isShared`: other tokens fail in the same way, so the upstream is at fault and no token's breaker counts it.
 */
export function nextHealth(
  health: HealthByScope,
  outcome: Outcome,
  { isShared = false, ...when }: When & { isShared?: boolean },
): Partial<Record<Scope, Health>> {
  const changes: Partial<Record<Scope, Health>> = {};
  const change = (scope: Scope, next: Health) => {
    if (next !== health[scope]) changes[scope] = next;
  };
  if (outcome.ok) {
    for (const scope of ["token", "token_model", "group", "group_model", "location_model"] as const)
      change(scope, afterSuccess(health[scope], when.now));
    return changes;
  }
  const reason = reasonOf(outcome);
  if (reason === null) return changes;
  const rule = HEALTH_REASONS[reason];
  if (rule.effect === "breaker" && isShared) return changes;
  const given = outcome.detail?.scope;
  // A breaker belongs to a token: only its calls can probe it.
  const scope = rule.effect === "breaker" || given === undefined || given === "upstream" || given === "request" ? rule.scope : given;
  change(scope, afterReason(health[scope], reason, outcome, when));
  return changes;
}

/** Health after the token's own proxy failed alone: a short cooldown. */
export function afterProxyFailure(health: Health, now: number, random: Random): Health {
  return afterReason(health, "proxy", { ok: false, kind: "network", charged: false }, { now, random });
}
