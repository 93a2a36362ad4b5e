// Refresh schedule: next check of a token by age, expiry, failures and cooldown. Pure.

import type { Random } from "../../clock.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { Cooldown } from "../pool/health/cooldown.ts";
import type { HealthReason } from "../pool/health/reasons.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The checks of one token as far as this process remembers them. Times are epoch ms. */
export type CheckHistory = {
  /** Since when the token is known here. */
  readonly seenAt: number;
  /** End of the last check; null: none yet. */
  readonly triedAt: number | null;
  /** Failed checks in a row. */
  readonly failures: number;
  /** After a failure: not before this; 0: no pause. */
  readonly retryAt: number;
  /** Number in [0, 1) that spreads the next check, so that tokens added together are not checked together. */
  readonly chance: number;
};

export type CheckFacts = {
  row: Pick<TokenRow, "enabled" | "checkedAt" | "renewBefore">;
  /** What holds the token as a whole back now. */
  condition: Cooldown | null;
  history: CheckHistory;
  /** Age at which what was learned is learned again, in ms. */
  intervalMs: number;
};

/** Not by itself. */
export const NEVER = Number.POSITIVE_INFINITY;

/** Tokens that are seen for the first time are spread over this. */
const STAGGER_MS = 500;
/** Renewal comes at most this long before the end that was reported, or a quarter of the life before it when life is short. */
const LEAD_MS = 5 * MINUTE;
const RECHECK_MS = 4 * HOUR;
const RETRY = { first: 30 * SECOND, longest: 30 * MINUTE };
/** Longest pause that an upstream may ask for. */
const LONGEST_TOLD_MS = HOUR;

/** Blocks that may turn out to be over. The others end by the operator's hand, and asking again would prove nothing. */
const RECHECKED: ReadonlySet<HealthReason> = new Set(["key_invalid", "session_dead", "iam_denied", "api_disabled"]);

/** A time that lies ahead was written before the clock was set back: it reports nothing. */
const past = (time: number | null, now: number): number | null => (time !== null && time <= now ? time : null);

/** Epoch ms at which the token is to be checked, in the past when it is overdue; {@link NEVER}: not by itself. */
export function nextCheckAt({ row, condition, history, intervalMs }: CheckFacts, now: number): number {
  if (!row.enabled) return NEVER;
  const { chance } = history;
  const triedAt = past(history.triedAt, now);
  const soonest = Math.max((past(history.seenAt, now) ?? 0) + STAGGER_MS * chance, triedAt === null ? 0 : history.retryAt);
  if (condition?.state === "blocked") {
    if (!RECHECKED.has(condition.reason)) return NEVER;
    const last = Math.max(past(condition.since, now) ?? 0, triedAt ?? 0);
    return Math.max(last + RECHECK_MS * (1 + chance / 4), soonest);
  }
  const checkedAt = past(row.checkedAt, now);
  if (checkedAt === null) return soonest;
  // An upstream that wants to be left alone is not asked for what can wait.
  const routine = Math.max(checkedAt + intervalMs * (0.9 + chance / 5), condition?.until ?? 0);
  return Math.max(Math.min(routine, renewalAt(row.renewBefore, checkedAt, chance)), soonest);
}

function renewalAt(renewBefore: number | null, checkedAt: number, chance: number): number {
  // An end before the check belongs to an access token of which a later check reported no end.
  if (renewBefore === null || renewBefore <= checkedAt) return NEVER;
  return renewBefore - Math.min(LEAD_MS, (renewBefore - checkedAt) / 4) * (1 - chance / 2);
}

/** History of a token that is seen for the first time at `now`. */
export function newHistory(now: number, random: Random): CheckHistory {
  return { seenAt: now, triedAt: null, failures: 0, retryAt: 0, chance: random() };
}

/** History after a check that succeeded. */
export function afterSuccess(history: CheckHistory, now: number, random: Random): CheckHistory {
  return { ...history, triedAt: now, failures: 0, retryAt: 0, chance: random() };
}

/** History after a check that failed: the pause doubles, with jitter, and is no shorter than `retryAfterMs` asks, up to an hour. */
export function afterFailure(history: CheckHistory, retryAfterMs: number, now: number, random: Random): CheckHistory {
  const pause = Math.min(RETRY.first * 2 ** history.failures, RETRY.longest) * (0.75 + random() / 2);
  const retryAt = now + Math.max(Math.round(pause), Math.min(retryAfterMs, LONGEST_TOLD_MS));
  return { ...history, triedAt: now, failures: Math.min(history.failures + 1, 16), retryAt, chance: random() };
}
