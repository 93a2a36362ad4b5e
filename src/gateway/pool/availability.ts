// Availability of a candidate set: earliest time a token returns, and the AppError when none does in time. Pure.

import { AppError, BILLING_MESSAGE, NO_QUOTA_MESSAGE, serverFailure } from "../../errors.ts";
import { formatWaitUntil } from "./customer-message.ts";
import { type Cause, HEALTH_REASONS, type HealthReason } from "./health/reasons.ts";
import { BUSY, capEnd, isTierPending, longestCooldown, type PoolToken, READY, type Want } from "./pool-token.ts";

/** A cap that ends later than this is a quota to the client, one that ends sooner a rate limit. */
const QUOTA_MS = 120_000;

/** Availability of the tokens of a candidate set that lack more than a slot. */
export type Availability = {
  /** Epoch ms at which the first of them returns; Infinity: none without the operator. */
  soonest: number;
  /** How many tokens are not available for each cause. */
  causes: Record<Cause, number>;
  /** All tokens of the set, those that lack only a slot included. */
  tokens: number;
  /** The reason that all of them share; null: there are several, or one of them lacks only a slot. */
  shared: HealthReason | null;
};

/** Whether a token in this state serves as soon as it has a free slot. */
export const lacksOnlySlot = (state: number): boolean => state === BUSY || state === READY;

function causeOf(token: PoolToken, want: Want, now: number): Cause {
  const cooldown = longestCooldown(token, want.family, now);
  if (cooldown) return cooldown.until === null ? "operator" : HEALTH_REASONS[cooldown.reason].cause;
  const end = capEnd(token, want, now);
  if (end === 0 && isTierPending(token, want)) return "plan";
  return end - now > QUOTA_MS ? "quota" : "rate";
}

/** Of the entries whose token is not in `exclude`; `state` as from `readiness`. */
export function computeAvailability(
  entries: Iterable<{ token: PoolToken; state: number }>,
  want: Want,
  exclude: ReadonlySet<number>,
  now: number,
): Availability {
  const found: Availability = {
    soonest: Number.POSITIVE_INFINITY,
    causes: { operator: 0, rate: 0, failing: 0, quota: 0, model: 0, plan: 0 },
    tokens: 0,
    shared: null,
  };
  const reasons = new Set<HealthReason | null>();
  for (const { token, state } of entries) {
    if (exclude.has(token.row.id)) continue;
    found.tokens++;
    reasons.add(lacksOnlySlot(state) ? null : (longestCooldown(token, want.family, now)?.reason ?? null));
    if (lacksOnlySlot(state)) continue;
    found.soonest = Math.min(found.soonest, state);
    found.causes[causeOf(token, want, now)]++;
  }
  if (reasons.size === 1) found.shared = [...reasons][0]!;
  return found;
}

/** The error for the client when every token has refused the request: what only the operator can end is `no_token`. */
export function asExhausted(last: AppError): AppError {
  const { detail, message, usage, upstreamStatus } = last;
  if (detail?.reason !== "billing" && detail?.reason !== "restricted") return last;
  return new AppError("no_token", message, { reason: "needs_operator", detail, usage, upstreamStatus, cause: last });
}

type Refused = { want: Want; now: number; availability: Availability; hasTried: boolean; poolIsEmpty: boolean };

const noToken = (message: string, reason: string) => new AppError("no_token", message, { reason });

/** The error of a request that no token can serve before its wait is over. Names no token and no secret. */
export function refusal({ want, now, availability, hasTried, poolIsEmpty }: Refused): AppError {
  const { family, pinned } = want;
  const { causes, soonest, tokens, shared } = availability;
  if (poolIsEmpty) return noToken("The pool has no enabled token.", "no_tokens");
  if (tokens === 0) {
    if (pinned !== undefined) return noToken("The token that this request belongs to cannot serve it any more.", "token_gone");
    if (hasTried) return noToken(`Every token that can serve ${family} was tried for this request.`, "all_tried");
    return noToken(`No token of the pool can serve ${want.kind}s with ${family}.`, "model_not_served");
  }
  if (shared === "billing") return noToken(BILLING_MESSAGE, "needs_operator");
  if (shared === "limit_zero") return new AppError("upstream_model_denied", NO_QUOTA_MESSAGE);
  if (soonest === Number.POSITIVE_INFINITY) {
    if (causes.operator === 0) return noToken(`The caps set for the tokens that can serve ${family} do not allow this request.`, "caps");
    const which = pinned !== undefined ? "The token that this request belongs to needs" : `All tokens that can serve ${family} need`;
    return noToken(`${which} the operator's attention.`, "needs_operator");
  }
  return temporaryRefusal(family, availability, now);
}

/** The error while some token returns by itself, with `retryAfterMs`; the most useful cause wins. */
function temporaryRefusal(family: string, { causes, soonest }: Availability, now: number): AppError {
  const retryAfterMs = soonest - now;
  const wait = formatWaitUntil(soonest, now);
  const all = `All tokens that can serve ${family} are`;
  if (causes.rate > 0) {
    return new AppError("upstream_rate_limited", `${all} rate limited; the first comes back in ${wait}.`, {
      retryAfterMs,
      customer: `There are too many requests for ${family} at the moment. It is back in ${wait}.`,
    });
  }
  if (causes.failing > 0) {
    return new AppError("upstream_unavailable", `${all} paused after repeated failures; the first is tried again in ${wait}.`, {
      retryAfterMs,
      customer: `${family} fails at the moment; it is tried again in ${wait}.`,
    });
  }
  if (causes.quota > 0) {
    return new AppError("upstream_quota", `${all} out of quota; the first comes back in ${wait}.`, {
      retryAfterMs,
      customer: `What this server may make with ${family} is used up for now. It is back in ${wait}.`,
    });
  }
  if (causes.plan > 0) {
    const message = `The plans of the tokens that may serve ${family} are not known yet: their first check has not ended.`;
    return serverFailure(message, "plan_unknown", { retryAfterMs });
  }
  return noToken(`No token of the pool is allowed ${family} by its upstream at present.`, "model_not_served");
}
