// What an outcome does to health: one table from ErrorKind and reason to the next state of token, model and group. Pure.

import type { Random } from "../../clock.ts";
import type { ErrorKind } from "../../errors.ts";
import { afterFailure } from "./breaker.ts";
import type { Outcome } from "./lease-contract.ts";
import { nextPacificMidnight } from "./pacific-time.ts";
import type { HealthReason } from "./reasons.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** `until` is when it ends by itself (epoch ms); null: only the operator ends it. */
export type Cooldown = { state: "cooling" | "blocked"; reason: HealthReason; since: number; until: number | null };

/** Health of one token, one model of a token, one group, or one model of a group. */
export type Health = {
  readonly condition: Cooldown | null;
  /** Cooldowns of growing length in a row, since the last success. */
  readonly strikes: number;
  /** Epoch ms of failures in a row, for the breaker. */
  readonly failures: readonly number[];
};

export type Scope = "token" | "token_model" | "group" | "group_model";
export type HealthByScope = Readonly<Record<Scope, Health>>;

export const HEALTHY: Health = Object.freeze({ condition: null, strikes: 0, failures: Object.freeze([]) as readonly number[] });

/** `usual` stands in for a missing reason; null: the kind never touches health. `answered`: the upstream itself replied. */
type KindRule = { usual: HealthReason | null; answered: boolean };

const KINDS = {
  invalid_request: { usual: null, answered: false },
  not_found: { usual: null, answered: false },
  conflict: { usual: null, answered: false },
  payload_too_large: { usual: null, answered: false },
  request_timeout: { usual: null, answered: false },
  unsupported_media_type: { usual: null, answered: false },
  unauthorized: { usual: null, answered: false },
  forbidden: { usual: null, answered: false },
  limit_exceeded: { usual: null, answered: false },
  content_policy: { usual: null, answered: true },
  no_result: { usual: null, answered: true },
  no_token: { usual: null, answered: false },
  busy: { usual: null, answered: false },
  unavailable: { usual: null, answered: false },
  // Judged by outage.ts, which knows who else fails.
  network: { usual: null, answered: false },
  upstream_rate_limited: { usual: "no_details", answered: true },
  upstream_quota: { usual: "account_quota", answered: true },
  upstream_unauthorized: { usual: "key_invalid", answered: true },
  upstream_model_denied: { usual: "model_denied", answered: true },
  upstream_verification: { usual: "verification", answered: true },
  upstream_invalid: { usual: null, answered: true },
  upstream_unavailable: { usual: "failing", answered: true },
  upstream_timeout: { usual: "failing", answered: false },
  upstream_unknown_outcome: { usual: "failing", answered: false },
  cancelled: { usual: null, answered: false },
} as const satisfies Record<ErrorKind, KindRule>;

type Failure = Extract<Outcome, { ok: false }>;
type Effect = "nothing" | "count" | "grow" | { state: Cooldown["state"]; until(failure: Failure, now: number): number | null };
/** `scope` is where the effect lands when the provider did not say. */
type ReasonRule = { scope: Scope; effect: Effect };

const cool = (until: (failure: Failure, now: number) => number): Effect => ({ state: "cooling", until });
const coolFor = (ms: number) => cool((failure, now) => toldEnd(failure, now) ?? now + ms);
const blockFor = (ms: number): Effect => ({ state: "blocked", until: (_, now) => now + ms });
const block: Effect = { state: "blocked", until: () => null };

/** When the upstream said to come back, kept within 1 s and 24 h of now so that a strange answer cannot park a token. */
function toldEnd(failure: Failure, now: number): number | undefined {
  const end = failure.detail?.until ?? (failure.retryAfterMs === undefined ? undefined : now + failure.retryAfterMs);
  return end === undefined ? undefined : Math.min(Math.max(end, now + SECOND), now + 24 * HOUR);
}

const REASONS = {
  per_minute: { scope: "group_model", effect: coolFor(MINUTE) },
  // The short RetryInfo that comes along is about the minute, not the day.
  per_day: { scope: "group_model", effect: cool((_, now) => nextPacificMidnight(now)) },
  limit_zero: { scope: "group_model", effect: blockFor(24 * HOUR) },
  no_details: { scope: "group_model", effect: "grow" },
  throttled: { scope: "token", effect: coolFor(MINUTE) },
  account_quota: { scope: "token", effect: cool((_, now) => now + 12 * HOUR) },
  key_invalid: { scope: "token", effect: block },
  key_leaked: { scope: "token", effect: block },
  key_forbidden: { scope: "token", effect: block },
  session_dead: { scope: "token", effect: block },
  // The upstream tells nothing of money but by refusing a call, which is free: one call an hour asks.
  billing: { scope: "group", effect: blockFor(HOUR) },
  restricted: { scope: "token", effect: block },
  signature: { scope: "token", effect: "nothing" },
  location: { scope: "token", effect: block },
  verification: { scope: "token", effect: block },
  model_missing: { scope: "token_model", effect: blockFor(24 * HOUR) },
  model_denied: { scope: "token_model", effect: blockFor(24 * HOUR) },
  overloaded: { scope: "token", effect: "count" },
  internal: { scope: "token", effect: "count" },
  malformed: { scope: "token", effect: "count" },
  cut_off: { scope: "token", effect: "count" },
  failing: { scope: "token", effect: "count" },
  policy_input: { scope: "token", effect: "nothing" },
  policy_output: { scope: "token", effect: "nothing" },
  text_only: { scope: "token", effect: "nothing" },
  imported_off: { scope: "token", effect: block },
  proxy: { scope: "token", effect: coolFor(30 * SECOND) },
} as const satisfies Record<HealthReason, ReasonRule>;

/** Whether the upstream itself replied: it is reachable, whatever it said. */
export function hasAnswered(outcome: Outcome): boolean {
  return outcome.ok || outcome.upstreamStatus !== undefined || KINDS[outcome.kind].answered;
}

/** The reason that a failure is recorded under, or null when it says nothing about the token. */
export function reasonOf(failure: Failure): HealthReason | null {
  const { usual } = KINDS[failure.kind];
  if (usual === null || failure.detail?.scope === "request") return null;
  if (failure.detail) return failure.detail.reason;
  // Without a reason but with a time to come back, that time is the best knowledge there is.
  return usual === "no_details" && failure.retryAfterMs !== undefined ? "per_minute" : usual;
}

/** Epoch ms at which the condition ends: 0 when it holds nothing back, Infinity when only the operator ends it. */
export function heldUntil(health: Health, now: number): number {
  const { condition } = health;
  if (!condition) return 0;
  if (condition.until === null) return Number.POSITIVE_INFINITY;
  return condition.until > now ? condition.until : 0;
}

/** Whether one call is awaited that shows whether the token works again: after an open breaker, or an hour without money. */
export function isHalfOpen(health: Health, now: number): boolean {
  return health.condition !== null && PROBED.has(health.condition.reason) && heldUntil(health, now) === 0;
}

/** Conditions whose end is no proof: they show until one call has succeeded. */
const PROBED: ReadonlySet<HealthReason> = new Set(["failing", "billing"]);

/** The stronger of the present condition and another: a block over a pause, the later end over the earlier. */
function stronger(health: Health, next: Cooldown, now: number): Cooldown {
  const held = heldUntil(health, now);
  return held >= (next.until ?? Number.POSITIVE_INFINITY) ? health.condition! : next;
}

const GROWTH = { first: MINUTE, longest: HOUR, spread: 0.1 };

function grow(health: Health, failure: Failure, now: number, random: Random): Health {
  // Calls that were under way together are one refusal, not several.
  if (health.condition?.reason === "no_details" && heldUntil(health, now) > 0) return health;
  const jitter = 1 + GROWTH.spread * (2 * random() - 1);
  const pause = Math.min(GROWTH.first * 2 ** health.strikes * jitter, GROWTH.longest);
  // An upstream that says when to come back is believed: only without its word the pause is a guess that grows.
  const told = toldEnd(failure, now);
  const until = told ?? now + Math.round(pause);
  const condition = stronger(health, { state: "cooling", reason: "no_details", since: now, until }, now);
  return { ...health, condition, strikes: told === undefined ? Math.min(health.strikes + 1, 16) : health.strikes };
}

function count(health: Health, now: number): Health {
  // Stragglers that fail while the breaker is open tell nothing new.
  if (health.condition?.reason === "failing" && heldUntil(health, now) > 0) return health;
  const step = afterFailure(health.failures, health.strikes, health.condition?.reason === "failing", now);
  const { failures, strikes } = step;
  if (step.openUntil === null) return { ...health, failures };
  const open: Cooldown = { state: "cooling", reason: "failing", since: now, until: step.openUntil };
  return { condition: stronger(health, open, now), strikes: Math.min(strikes, 16), failures };
}

function afterSuccess(health: Health, now: number): Health {
  // A call that began before a limit was hit does not lift it.
  if (health.condition?.reason !== "failing" && heldUntil(health, now) > 0) return health;
  return health.condition || health.strikes || health.failures.length ? HEALTHY : health;
}

/** Health under one reason, wherever it lands. */
function afterReason(health: Health, reason: HealthReason, failure: Failure, now: number, random: Random): Health {
  const effect: Effect = REASONS[reason].effect;
  if (effect === "nothing") return health;
  if (effect === "count") return count(health, now);
  if (effect === "grow") return grow(health, failure, now, random);
  const next: Cooldown = { state: effect.state, reason, since: now, until: effect.until(failure, now) };
  const condition = stronger(health, next, now);
  return condition === health.condition ? health : { ...health, condition };
}

/**
 * The scopes that one outcome changes, with their next health; those left out stay as they are. Times in epoch ms.
 * `shared`: other tokens fail in the same way, so the upstream is at fault and no token's breaker counts it.
 */
export function nextHealth(
  health: HealthByScope,
  outcome: Outcome,
  now: number,
  random: Random,
  shared = false,
): Partial<Record<Scope, Health>> {
  const changes: Partial<Record<Scope, Health>> = {};
  const keep = (scope: Scope, next: Health) => {
    if (next !== health[scope]) changes[scope] = next;
  };
  if (outcome.ok) {
    for (const scope of ["token", "token_model", "group", "group_model"] as const) keep(scope, afterSuccess(health[scope], now));
    return changes;
  }
  const reason = reasonOf(outcome);
  if (reason === null) return changes;
  const rule: ReasonRule = REASONS[reason];
  if (rule.effect === "count" && shared) return changes;
  const told = outcome.detail?.scope;
  // A breaker belongs to a token: only its calls can probe it.
  const scope = rule.effect === "count" || told === undefined || told === "upstream" || told === "request" ? rule.scope : told;
  keep(scope, afterReason(health[scope], reason, outcome, now, random));
  return changes;
}

/** Health after the token's own proxy failed alone: a short pause. */
export function afterProxyFailure(health: Health, now: number, random: Random): Health {
  return afterReason(health, "proxy", { ok: false, kind: "network", charged: false }, now, random);
}

/**
 * The same health after the clock was set back, from `before` where that is known: a pause keeps its length, it does not grow by the
 * jump, and one that was over stays over.
 */
export function reanchored(health: Health, now: number, before = now): Health {
  const { condition } = health;
  if (!condition) return health;
  const { until, since, reason } = condition;
  if (before > now && until !== null && until <= before) {
    return { ...health, condition: PROBED.has(reason) ? { ...condition, since: now, until: now } : null };
  }
  if (since <= now) return health;
  return { ...health, condition: { ...condition, since: now, until: until === null ? null : now + Math.max(0, until - since) } };
}
