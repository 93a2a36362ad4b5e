// What an error of Google's APIs means: its status first, then its details, then known sentences, the HTTP number last. Pure.

import type { GoogleError, RpcStatus } from "./google-error.ts";
import { type Meaning, statusOfHttp } from "./google-error.ts";
import { saysLimitZero, sentenceMeaning } from "./known-sentences.ts";

/** Level one. `refine`: details and sentences may say it more exactly; an outage is an outage whatever it says besides. */
const STATUSES: Readonly<Record<RpcStatus, { meaning: Meaning; refine: boolean }>> = {
  CANCELLED: { meaning: "internal", refine: false },
  UNKNOWN: { meaning: "internal", refine: false },
  INVALID_ARGUMENT: { meaning: "invalid", refine: true },
  DEADLINE_EXCEEDED: { meaning: "timed_out", refine: false },
  NOT_FOUND: { meaning: "model_missing", refine: true },
  ALREADY_EXISTS: { meaning: "invalid", refine: true },
  PERMISSION_DENIED: { meaning: "key_forbidden", refine: true },
  RESOURCE_EXHAUSTED: { meaning: "no_details", refine: true },
  FAILED_PRECONDITION: { meaning: "invalid", refine: true },
  ABORTED: { meaning: "internal", refine: false },
  OUT_OF_RANGE: { meaning: "invalid", refine: true },
  UNIMPLEMENTED: { meaning: "internal", refine: false },
  INTERNAL: { meaning: "internal", refine: false },
  UNAVAILABLE: { meaning: "overloaded", refine: false },
  DATA_LOSS: { meaning: "internal", refine: false },
  UNAUTHENTICATED: { meaning: "key_invalid", refine: true },
};

/** Level two: ErrorInfo. Source: google.api.ErrorReason (googleapis on GitHub, read 2026-11-29), and reasons seen in public reports. */
const REASONS: Readonly<Record<string, Meaning>> = {
  API_KEY_INVALID: "key_invalid",
  API_KEY_NOT_FOUND: "key_invalid",
  API_KEY_EXPIRED: "key_invalid",
  CREDENTIALS_MISSING: "key_invalid",
  INVALID_CREDENTIAL: "key_invalid",
  ACCESS_TOKEN_EXPIRED: "key_invalid",
  ACCESS_TOKEN_TYPE_UNSUPPORTED: "key_invalid",
  ACCOUNT_STATE_INVALID: "key_invalid",
  API_KEY_SERVICE_BLOCKED: "key_forbidden",
  API_KEY_HTTP_REFERRER_BLOCKED: "key_forbidden",
  API_KEY_IP_ADDRESS_BLOCKED: "key_forbidden",
  API_KEY_ANDROID_APP_BLOCKED: "key_forbidden",
  API_KEY_IOS_APP_BLOCKED: "key_forbidden",
  SERVICE_DISABLED: "key_forbidden",
  SERVICE_NOT_VISIBLE: "key_forbidden",
  CONSUMER_SUSPENDED: "key_forbidden",
  CONSUMER_INVALID: "key_forbidden",
  GCP_SUSPENDED: "key_forbidden",
  USER_PROJECT_DENIED: "key_forbidden",
  USER_BLOCKED_BY_ADMIN: "key_forbidden",
  IAM_PERMISSION_DENIED: "key_forbidden",
  SECURITY_POLICY_VIOLATED: "key_forbidden",
  ORG_RESTRICTION_VIOLATION: "key_forbidden",
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: "key_forbidden",
  BILLING_DISABLED: "billing",
  LOCATION_POLICY_VIOLATED: "location",
  LOCATION_ORG_POLICY_VIOLATED: "location",
  LOCATION_TAX_POLICY_VIOLATED: "location",
  PUP_LIMITED_DISABLED: "restricted",
  RATE_LIMIT_EXCEEDED: "throttled",
  RESOURCE_QUOTA_EXCEEDED: "no_details",
  QUOTA_EXHAUSTED: "account_quota",
  MODEL_CAPACITY_EXHAUSTED: "overloaded",
};

/** Block and finish reasons, as they may stand in the place of a code. */
const POLICY_WORDS: ReadonlySet<string> = new Set([
  "SAFETY",
  "PROHIBITED_CONTENT",
  "BLOCKLIST",
  "RECITATION",
  "SPII",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION",
  "MODEL_ARMOR",
  "JAILBREAK",
  "CONTENT_POLICY_VIOLATION",
  "CONTENT_BLOCKED",
]);

export type Reading = {
  meaning: Meaning;
  /** Words that stand where a known one was expected, for the record of what is new; empty: none. */
  unknown: { kind: "status" | "error_reason" | "refusal"; word: string }[];
};

/**
 * @param http status of the response, which counts when the error names no status that is known
 * @param own reasons that only one upstream has; asked before the common ones, with every status
 */
export function meaningOf(error: GoogleError, http: number, own: (reason: string) => Meaning | undefined = () => undefined): Reading {
  const unknown: Reading["unknown"] = [];
  const status = error.status ?? statusOfHttp(http);
  if (POLICY_WORDS.has(error.word)) return { meaning: "policy_input", unknown };
  if (error.unknownStatus) unknown.push({ kind: "status", word: error.unknownStatus });
  for (const reason of error.reasons) {
    const meaning = own(reason);
    if (meaning) return { meaning, unknown };
  }
  // "Payment Required" (RFC 9110): no status of google.rpc has that number.
  if (http === 402 && (error.status === null || error.status === "INVALID_ARGUMENT")) return { meaning: "billing", unknown };
  const level = STATUSES[status];
  if (!level.refine) return { meaning: level.meaning, unknown };
  if (error.violations.length > 0) return { meaning: quotaMeaning(error), unknown };
  const reasons = error.reasons.filter((reason) => Object.hasOwn(REASONS, reason)).map((reason) => REASONS[reason]!);
  for (const word of error.reasons) if (!Object.hasOwn(REASONS, word)) unknown.push({ kind: "error_reason", word });
  if (reasons[0] === "throttled" && error.quota) return { meaning: metadataMeaning(error.quota), unknown };
  // A reason that only repeats the status leaves room for words that say more.
  const vague = reasons[0] === undefined || reasons[0] === level.meaning;
  if (!vague) return { meaning: reasons[0]!, unknown };
  const said = sentenceMeaning(status, error.message);
  if (said) return { meaning: said, unknown };
  if (status === "RESOURCE_EXHAUSTED" && saysLimitZero(error.message)) return { meaning: "limit_zero", unknown };
  if (status === "RESOURCE_EXHAUSTED" && error.retryMs !== null) return { meaning: "throttled", unknown };
  if (status === "FAILED_PRECONDITION") unknown.push({ kind: "refusal", word: status });
  return { meaning: http === 413 ? "too_large" : level.meaning, unknown };
}

function quotaMeaning({ violations, message }: GoogleError): Meaning {
  if (violations.some(({ zero }) => zero)) return "limit_zero";
  // Some responses have no value in the details, and the limit in the message alone.
  if (violations.every(({ isTold }) => !isTold) && saysLimitZero(message)) return "limit_zero";
  if (violations.some(({ quotaId }) => quotaId.includes("PerDay"))) return "per_day";
  return violations.some(({ quotaId }) => quotaId.includes("PerMinute")) ? "per_minute" : "throttled";
}

/** The older way to name the quota: in ErrorInfo's metadata. */
function metadataMeaning({ limit, value }: { limit: string; value: string }): Meaning {
  if (value !== "" && Number(value) === 0) return "limit_zero";
  if (limit.includes("PerDay")) return "per_day";
  return limit.includes("PerMinute") ? "per_minute" : "throttled";
}
