// Retry policy: after a failed call, fail or try again, when, and on which token. Pure.
import type { Random } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Kind } from "../../domain/generation.ts";
import type { AppError, ErrorKind } from "../../errors.ts";

export type FailedCall = {
  kind: Kind;
  /** Calls made for this request so far, the failed one included. */
  attempts: number;
  /** How often the token of the failed call has failed without fault of its own for this request, this time included. */
  tokenFailures: number;
  /** Whether a token that has not failed in this round could be leased at once. */
  isOtherFree: () => boolean;
  /** What was begun belongs to its token: no other can go on. */
  isPinned?: boolean;
  error: AppError;
  /** By the same clock as the deadline. */
  now: number;
  /** When the request must be answered, ms. */
  deadline: number;
};

/**
 * What becomes of the token of the failed call: `excluded` for this request, `avoided` while another is free, or chosen as any.
 * `delayMs` comes before the next lease.
 */
export type NextStep = { action: "fail" | "try_again"; delayMs: number; token: "excluded" | "avoided" | "any" };

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
  request_timeout: "final",
  unsupported_media_type: "final",
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
/** After so many failures of this kind a token has refused the request for good. */
const MAX_TOKEN_FAILURES = 3;
/** So many times another free token is asked without a pause; then the upstream itself seems to be in trouble. */
const FREE_SWITCHES = 3;
const FAIL: NextStep = { action: "fail", delayMs: 0, token: "any" };

/**
 * Decides after a failed call. A call that may have been charged is never repeated, save an image whose outcome is unknown
 * when `retry_unknown_images` says so. Attempts end with the time, or when every token that could serve is excluded.
 */
export function nextStep(
  call: FailedCall,
  settings: Pick<Settings["generation"], "max_attempts" | "retry_unknown_images">,
  random: Random,
): NextStep {
  const { kind, attempts, error, now, deadline } = call;
  const rule: Rule = RULES[error.kind];
  const isCapped = settings.max_attempts > 0 && attempts >= settings.max_attempts;
  if (rule === "final" || isCapped || now >= deadline) return FAIL;
  if (rule === "unknown") return kind === "image" && settings.retry_unknown_images ? again(0, "excluded") : FAIL;
  if (error.charged) return FAIL;
  if (rule === "once") return attempts === 1 ? again(0, "any") : FAIL;
  if (isSharedCapacity(error)) return afterSharedCapacity(call);
  if (rule === "other_token") return again(0, "excluded");
  const step = afterTrouble(call, random);
  return now + step.delayMs < deadline ? step : FAIL;
}

/** Another free token is asked at once, the same one only after a pause; and each a few times at most. */
function afterTrouble({ attempts, tokenFailures, isOtherFree, isPinned, error }: FailedCall, random: Random): NextStep {
  const isSpent = !isPinned && tokenFailures >= MAX_TOKEN_FAILURES;
  const token = isSpent ? "excluded" : "avoided";
  if (!isPinned && isOtherFree()) return again(attempts <= FREE_SWITCHES ? 0 : pauseAfter(attempts - FREE_SWITCHES, random), token);
  if (isSpent) return again(0, token);
  return again(Math.max(pauseAfter(tokenFailures, random), error.retryAfterMs ?? 0), token);
}

const isSharedCapacity = ({ detail }: AppError): boolean => detail?.reason === "shared_capacity";

/** The token is not at fault: its location cools, so that the next lease is another's at once, or waits for the location. */
function afterSharedCapacity({ tokenFailures }: FailedCall): NextStep {
  return again(0, tokenFailures >= MAX_TOKEN_FAILURES ? "excluded" : "any");
}

const again = (delayMs: number, token: NextStep["token"]): NextStep => ({ action: "try_again", delayMs, token });

/** Half to all of 0.5 s doubled by every failure, at most 8 s. */
function pauseAfter(failures: number, random: Random): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.round(full * (0.5 + random() / 2));
}
