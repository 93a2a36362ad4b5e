// When no token is free: what waiting promises, and the honest refusal when it promises nothing.

import { AppError, BILLING_MESSAGE, NO_QUOTA_MESSAGE, serverFailure } from "../../errors.ts";
import { waitUntil } from "./customer-message.ts";
import {
  type Availability,
  BUSY,
  type CandidateSet,
  capUntil,
  governing,
  isPlanPending,
  type PoolToken,
  READY,
  type Want,
} from "./pool-token.ts";
import { CAUSES, type Cause, type HealthReason } from "./reasons.ts";

const FAR_MS = 120_000;

function causeOf(member: PoolToken, want: Want, now: number): Cause {
  const condition = governing(member, want.family, now);
  if (condition) return condition.until === null ? "operator" : CAUSES[condition.reason];
  const capped = capUntil(member, want, now);
  if (capped === 0 && isPlanPending(member, want)) return "plan";
  return capped - now > FAR_MS ? "quota" : "rate";
}

const lacksOnlySlot = (state: number) => state === BUSY || state === READY;

/** Whether some token outside `exclude` lacks only a slot: then a call that ends helps. Never walks the lane. */
export function mayGetSlot(lane: CandidateSet, exclude: ReadonlySet<number>): boolean {
  let slots = lane.busy + lane.ready.size();
  for (const id of exclude) if (lacksOnlySlot(lane.entries.get(id)?.state ?? Number.POSITIVE_INFINITY)) slots--;
  return slots > 0;
}

/** What holds back the lane's tokens outside `exclude`. Walks the lane only when something in it has changed. */
export function availabilityOf(lane: CandidateSet, exclude: ReadonlySet<number>, now: number): Availability {
  if (exclude.size > 0) return lookThrough(lane, exclude, now);
  lane.outlook ??= lookThrough(lane, exclude, now);
  return lane.outlook;
}

function lookThrough(lane: CandidateSet, exclude: ReadonlySet<number>, now: number): Availability {
  const outlook: Availability = {
    soonest: Number.POSITIVE_INFINITY,
    causes: { operator: 0, rate: 0, failing: 0, quota: 0, model: 0, plan: 0 },
    tokens: 0,
    shared: null,
  };
  const reasons = new Set<HealthReason | null>();
  for (const { member, state } of lane.entries.values()) {
    if (exclude.has(member.row.id)) continue;
    outlook.tokens++;
    reasons.add(lacksOnlySlot(state) ? null : (governing(member, lane.want.family, now)?.reason ?? null));
    if (lacksOnlySlot(state)) continue;
    outlook.soonest = Math.min(outlook.soonest, state);
    outlook.causes[causeOf(member, lane.want, now)]++;
  }
  if (reasons.size === 1) outlook.shared = [...reasons][0]!;
  return outlook;
}

/**
 * The last refusal of a request that every token has refused, as its client is to hear it: what only the operator can end is a server
 * without a usable token.
 */
export function asExhausted(last: AppError): AppError {
  const { detail, message, usage, upstreamStatus } = last;
  if (detail?.reason !== "billing" && detail?.reason !== "restricted") return last;
  return new AppError("no_token", message, { reason: "needs_operator", detail, usage, upstreamStatus, cause: last });
}

type Words = { want: Want; now: number; outlook: Availability; hasTried: boolean; poolIsEmpty: boolean };

/** The refusal of a request that nothing can serve before its wait is over. Holds no name and no secret of a token. */
export function refusal({ want, now, outlook, hasTried, poolIsEmpty }: Words): AppError {
  const { causes, soonest, tokens } = outlook;
  const family = want.family;
  const none = (message: string, reason: string) => new AppError("no_token", message, { reason });
  if (poolIsEmpty) return none("The pool has no enabled token.", "no_tokens");
  if (tokens === 0) {
    if (want.pinned !== undefined) return none("The token that this request belongs to cannot serve it any more.", "token_gone");
    if (hasTried) return none(`Every token that can serve ${family} was tried for this request.`, "all_tried");
    return none(`No token of the pool can serve ${want.kind}s with ${family}.`, "model_not_served");
  }
  if (outlook.shared === "billing") return none(BILLING_MESSAGE, "needs_operator");
  if (outlook.shared === "limit_zero") return new AppError("upstream_model_denied", NO_QUOTA_MESSAGE);
  if (soonest === Number.POSITIVE_INFINITY) {
    if (causes.operator === 0) return none(`The caps set for the tokens that can serve ${family} do not allow this request.`, "caps");
    const which = want.pinned !== undefined ? "The token that this request belongs to needs" : `All tokens that can serve ${family} need`;
    return none(`${which} the operator's attention.`, "needs_operator");
  }
  const retryAfterMs = soonest - now;
  const back = waitUntil(soonest, now);
  const when = `in ${back}`;
  const isBack = (what: string) => `${what} It is back in ${back}.`;
  if (causes.rate > 0) {
    return new AppError("upstream_rate_limited", `All tokens that can serve ${family} are rate limited; the first comes back ${when}.`, {
      retryAfterMs,
      customer: isBack(`There are too many requests for ${family} at the moment.`),
    });
  }
  if (causes.failing > 0) {
    const message = `All tokens that can serve ${family} are paused after repeated failures; the first is tried again ${when}.`;
    const customer = `${family} fails at the moment; it is tried again in ${back}.`;
    return new AppError("upstream_unavailable", message, { retryAfterMs, customer });
  }
  if (causes.quota > 0) {
    return new AppError("upstream_quota", `All tokens that can serve ${family} are out of quota; the first comes back ${when}.`, {
      retryAfterMs,
      customer: isBack(`What this server may make with ${family} is used up for now.`),
    });
  }
  if (causes.plan > 0) {
    const message = `The plans of the tokens that may serve ${family} are not known yet: their first check has not ended.`;
    return serverFailure(message, "plan_unknown", { retryAfterMs });
  }
  return none(`No token of the pool is allowed ${family} by its upstream at present.`, "model_not_served");
}
