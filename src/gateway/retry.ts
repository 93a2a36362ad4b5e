// What follows a failed call: told to the client, or tried again, when, and on which token. Pure.
import type { Random } from "../clock.ts";
import type { AppError, ErrorKind } from "../errors.ts";
import type { Settings } from "../settings-schema.ts";
import type { Kind } from "./types.ts";

export type FailedCall = {
  kind: Kind;
  /** Calls made for this request so far, the failed one included. */
  attempts: number;
  error: AppError;
  /** Epoch ms. */
  now: number;
  /** Epoch ms at which the request must be answered. */
  deadline: number;
};

/** `sameToken`: the token is not at fault and may be chosen again; else it is to be excluded. `delayMs` comes before the next lease. */
export type NextStep = { action: "fail" | "try_again"; delayMs: number; sameToken: boolean };

/**
 * `final`: nothing changes by trying again. `other_token`: refused for this token's sake, free of charge.
 * `later`: the upstream or the way to it is in trouble, free of charge. `once`: chance decides, once more.
 * `unknown`: it may have been charged.
 */
type Rule = "final" | "other_token" | "later" | "once" | "unknown";

const RULES = {
  invalid_request: "final",
  not_found: "final",
  conflict: "final",
  payload_too_large: "final",
  unauthorized: "final",
  forbidden: "final",
  limit_exceeded: "final",
  content_policy: "final",
  no_result: "once",
  // Said of a call, it means that its token was deleted a moment ago.
  no_token: "other_token",
  busy: "final",
  unavailable: "final",
  network: "later",
  upstream_rate_limited: "other_token",
  upstream_quota: "other_token",
  upstream_unauthorized: "other_token",
  upstream_model_denied: "other_token",
  upstream_verification: "other_token",
  upstream_invalid: "final",
  upstream_unavailable: "later",
  upstream_timeout: "unknown",
  upstream_unknown_outcome: "unknown",
  cancelled: "final",
} as const satisfies Record<ErrorKind, Rule>;

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
const FAIL: NextStep = { action: "fail", delayMs: 0, sameToken: false };

/**
 * Decides after a failed call. A call that may have been charged is never repeated, save an image whose outcome is unknown
 * when `retry_unknown_images` says so.
 */
export function nextStep(
  call: FailedCall,
  settings: Pick<Settings["generation"], "max_attempts" | "retry_unknown_images">,
  random: Random,
): NextStep {
  const { kind, attempts, error, now, deadline } = call;
  const rule: Rule = RULES[error.kind];
  if (rule === "final" || attempts >= settings.max_attempts || now >= deadline) return FAIL;
  if (rule === "unknown") return kind === "image" && settings.retry_unknown_images ? again(0, false) : FAIL;
  if (error.charged) return FAIL;
  if (rule === "once") return attempts === 1 ? again(0, true) : FAIL;
  if (rule === "other_token") return again(0, false);
  const delayMs = pauseAfter(attempts, error, random);
  return now + delayMs < deadline ? again(delayMs, true) : FAIL;
}

const again = (delayMs: number, sameToken: boolean): NextStep => ({ action: "try_again", delayMs, sameToken });

/** Half to all of 0.5 s doubled by every call, at most 8 s; longer only when the upstream itself named a time. */
function pauseAfter(attempts: number, error: AppError, random: Random): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS);
  return Math.max(Math.round(full * (0.5 + random() / 2)), error.retryAfterMs ?? 0);
}
