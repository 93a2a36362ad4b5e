// What a refusal of Flow means: decided from `error.status`, `details[].reason` and known sentences, the HTTP number last.

import { AppError, type ErrorKind, type FailureDetail } from "../../errors.ts";
import { durationMs, type GoogleError, isWord, type Meaning, type RpcStatus, readGoogleError, statusOfHttp } from "../google-error.ts";
import { meaningOf, type Reading } from "../google-meaning.ts";
import { listAt, textAt } from "./json.ts";

/** What was asked when the refusal came. Only those of `COSTLY` cost anything. */
export type Operation =
  | "session"
  | "credits"
  | "project"
  | "upload"
  | "generate"
  | "upscale"
  | "media"
  | "video"
  | "status"
  | "concatenation";

/** Calls that Flow charges for, and the ones for which it may ask for a person. */
const COSTLY: ReadonlySet<Operation> = new Set(["generate", "upscale", "video"]);
/** Calls whose 400 says that our form of them is wrong. */
const FORMED: ReadonlySet<Operation> = new Set([...COSTLY, "upload", "status", "concatenation"] as const);

export type Refusal = {
  status: number;
  /** Parsed JSON, or undefined when the response is not JSON. */
  body: unknown;
  retryAfter?: string | null;
};

type Verdict = {
  kind: ErrorKind;
  detail?: Omit<FailureDetail, "until">;
  charged?: true;
  message: string;
};

const VERDICTS = {
  verification: {
    kind: "upstream_verification",
    detail: { scope: "token", reason: "verification" },
    message:
      "Flow asked a person to verify before it generates with this account. flow2api neither solves nor imitates such checks: the token is " +
      "parked until its owner has used Flow in a browser and the operator clears it. Other tokens and the Gemini API are not affected.",
  },
  unauthorized: {
    kind: "upstream_unauthorized",
    detail: { scope: "token", reason: "session_dead" },
    message: "Flow no longer accepts this session: sign in to Flow again and give the token its new session cookie.",
  },
  forbidden: {
    kind: "upstream_unauthorized",
    detail: { scope: "token", reason: "key_forbidden" },
    message: "Flow denies this account the use of its interface.",
  },
  restricted: {
    kind: "upstream_unauthorized",
    detail: { scope: "token", reason: "restricted" },
    message: "Flow has limited this account for violations of its policies.",
  },
  location: {
    kind: "upstream_unauthorized",
    detail: { scope: "token", reason: "location" },
    message: "Flow does not serve the location that this account is used from.",
  },
  modelDenied: {
    kind: "upstream_model_denied",
    detail: { scope: "token_model", reason: "model_denied" },
    message: "The plan of this Flow account does not include the model or size.",
  },
  modelMissing: {
    kind: "upstream_model_denied",
    detail: { scope: "token_model", reason: "model_missing" },
    message: "Flow does not know the model for this account.",
  },
  quota: {
    kind: "upstream_quota",
    detail: { scope: "token", reason: "account_quota" },
    message: "The quota of this Flow account is used up.",
  },
  throttled: {
    kind: "upstream_rate_limited",
    detail: { scope: "token", reason: "throttled" },
    message: "Flow throttles this account for a short while.",
  },
  policyInput: {
    kind: "content_policy",
    detail: { scope: "request", reason: "policy_input" },
    message: "Flow refused an image of the request under its content policy",
  },
  policyOutput: {
    kind: "content_policy",
    detail: { scope: "request", reason: "policy_output" },
    message: "Flow refused the request under its content policy",
  },
  invalid: {
    kind: "upstream_invalid",
    detail: { scope: "request", reason: "malformed" },
    message: "Flow does not accept the form of the request.",
  },
  overloaded: {
    kind: "upstream_unavailable",
    detail: { scope: "upstream", reason: "overloaded" },
    message: "Flow is overloaded.",
  },
  unavailable: {
    kind: "upstream_unavailable",
    detail: { scope: "upstream", reason: "internal" },
    message: "Flow answered with a failure of its own.",
  },
  unknown: {
    kind: "upstream_unknown_outcome",
    charged: true,
    detail: { scope: "upstream", reason: "internal" },
    message: "Flow gave no answer of its own: whether it took the request is not known.",
  },
  timedOut: {
    kind: "upstream_timeout",
    charged: true,
    detail: { scope: "upstream", reason: "overloaded" },
    message: "Flow took the request and ran out of time.",
  },
} as const satisfies Record<string, Verdict>;

type VerdictName = keyof typeof VERDICTS;

/** Reasons that mean the same at every status. Names as seen in public clients and issues; the vendor documents none. */
export const FLOW_REASONS: Readonly<Record<string, VerdictName>> = {
  PUBLIC_ERROR_MODEL_ACCESS_DENIED: "modelDenied",
  MODEL_ACCESS_DENIED: "modelDenied",
  PUBLIC_ERROR_USER_QUOTA_REACHED: "quota",
  PUBLIC_ERROR_USER_REQUESTS_THROTTLED: "throttled",
  RATE_LIMIT_EXCEEDED: "throttled",
  PUBLIC_ERROR_HIGH_TRAFFIC: "overloaded",
  PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT: "timedOut",
  PUBLIC_ERROR_UNSAFE_GENERATION: "policyOutput",
  PUBLIC_ERROR_SEXUAL: "policyOutput",
  PUBLIC_ERROR_MINOR: "policyOutput",
  PUBLIC_ERROR_IP_INPUT_IMAGE: "policyInput",
};

/** These ask for a person only when they come with 403: one of them is also the text of plain trouble. */
export const VERIFICATION_REASONS: ReadonlySet<string> = new Set([
  "PUBLIC_ERROR_UNUSUAL_ACTIVITY",
  "PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC",
  "PUBLIC_ERROR_SOMETHING_WENT_WRONG",
]);

const UPLOAD_REASON = /^PUBLIC_ERROR_\w+_UPLOAD$/;
const FILTER_REASON = /^PUBLIC_ERROR_\w+_(FILTER|FILTERED|FILTER_FAILED)$/;

type Facts = {
  httpStatus: number;
  /** What Flow itself says; null: a page of something in between, or nothing. */
  google: GoogleError | null;
  /** Status word, also where only the HTTP number reports it. */
  status: RpcStatus;
  reasons: string[];
  retryAfterMs: number | undefined;
};

/** The error for one response outside 200 to 299. Pure. `now` in epoch ms dates `detail.until`. */
export function classifyRefusal(operation: Operation, refusal: Refusal, now: number): AppError {
  const facts = readFacts(refusal);
  const verdict: Verdict = VERDICTS[verdictOf(operation, facts)];
  const { retryAfterMs } = facts;
  const message = NAMED.has(verdict.kind) ? `${verdict.message.replace(/\.$/, "")}${inBrackets(facts.reasons)}.` : verdict.message;
  return new AppError(verdict.kind, message, {
    charged: verdict.charged,
    detail: verdict.detail && { ...verdict.detail, ...(retryAfterMs === undefined ? {} : { until: now + retryAfterMs }) },
    retryAfterMs,
    upstreamStatus: facts.httpStatus,
  });
}

/** Refusals of a request, in whose message Flow's own words stand. */
const NAMED: ReadonlySet<ErrorKind> = new Set(["content_policy", "upstream_invalid"]);

const inBrackets = (words: readonly string[]): string => (words.length === 0 ? "" : ` (${words.join(", ")})`);

/** What a failed video means without a reason, by the code of google.rpc.Code. */
const FAILURES: Partial<Record<RpcStatus, VerdictName>> = {
  INVALID_ARGUMENT: "invalid",
  DEADLINE_EXCEEDED: "timedOut",
  RESOURCE_EXHAUSTED: "quota",
  UNAVAILABLE: "overloaded",
};

/**
 * The error for a video that Flow took and then failed. Pure. Its status carries `{code, message, details?}`; where the message is one
 * machine word, that word is the reason.
 */
export function classifyFailure(error: unknown): AppError {
  const reported = [textAt(error, "message"), ...listAt(error, "details").map((detail) => textAt(detail, "reason"))];
  const reasons = reported.filter(isWord);
  const known = reasons.map((reason) => verdictOfReason("video", reason, 200)).find((name) => name !== undefined);
  const verdict: Verdict = VERDICTS[known ?? FAILURES[readGoogleError({ error })?.status ?? "UNKNOWN"] ?? "unavailable"];
  return new AppError(verdict.kind, `${verdict.message.replace(/\.$/, "")}${inBrackets(reasons)}.`, {
    charged: verdict.charged,
    detail: verdict.detail,
  });
}

/** Machine words of a failed video that no table knows. */
export const unknownFailureWords = (error: unknown): string[] =>
  [textAt(error, "message"), ...listAt(error, "details").map((detail) => textAt(detail, "reason"))]
    .filter(isWord)
    .filter((reason) => verdictOfReason("video", reason, 200) === undefined);

/** The machine words of a refusal: all of it that may be logged. Anything else in their place is left out, it may be an echo. */
export function wordsOf(body: unknown): { status: string | undefined; reasons: string[] } {
  const google = readGoogleError(body);
  return { status: google?.status ?? (google?.unknownStatus || undefined), reasons: (google?.reasons ?? []).filter(isWord) };
}

/** Words of a refusal that no table knows. */
export function unknownWords(operation: Operation, refusal: Refusal): Reading["unknown"] {
  const { google, httpStatus, reasons } = readFacts(refusal);
  if (!google) return [];
  const isKnown = reasons.some((reason) => verdictOfReason(operation, reason, httpStatus) !== undefined);
  return isKnown ? [] : meaningOf({ ...google, reasons }, httpStatus).unknown;
}

function verdictOf(operation: Operation, facts: Facts): VerdictName {
  const { httpStatus, google, status, reasons, retryAfterMs } = facts;
  for (const reason of reasons) {
    const verdict = verdictOfReason(operation, reason, status === "PERMISSION_DENIED" ? 403 : httpStatus);
    if (verdict) return verdict;
  }
  if (!google) return verdictOfPage(operation, httpStatus);
  const costs = COSTLY.has(operation);
  const { meaning } = meaningOf({ ...google, reasons }, httpStatus);
  // December 2025: the verification refusal came with a message only. Every other 403 of these calls names its reason.
  if (meaning === "key_forbidden" && costs) return reasons.length === 0 ? "verification" : "modelDenied";
  if (meaning === "no_details") return retryAfterMs !== undefined || google.status === null ? "throttled" : "quota";
  if (meaning === "model_missing") return costs ? "modelMissing" : "unavailable";
  if (meaning === "timed_out") return costs ? "timedOut" : "unavailable";
  if (meaning === "invalid" || meaning === "too_large" || meaning === "signature") return FORMED.has(operation) ? "invalid" : "unavailable";
  return MEANINGS[meaning] ?? "unavailable";
}

/** Where a meaning is the same whatever was asked. */
const MEANINGS: Partial<Record<Meaning, VerdictName>> = {
  key_invalid: "unauthorized",
  key_leaked: "unauthorized",
  key_forbidden: "forbidden",
  restricted: "restricted",
  location: "location",
  // An account without credits left: it has more after some hours, or its owner sees to it.
  billing: "quota",
  limit_zero: "quota",
  per_day: "quota",
  account_quota: "quota",
  per_minute: "throttled",
  throttled: "throttled",
  policy_input: "policyOutput",
  policy_output: "policyOutput",
  overloaded: "overloaded",
};

/** A response that is not Flow's own. */
function verdictOfPage(operation: Operation, httpStatus: number): VerdictName {
  const costs = COSTLY.has(operation);
  if (httpStatus === 401) return "unauthorized";
  if (httpStatus === 429) return "throttled";
  if (httpStatus === 404 && costs) return "modelMissing";
  if (httpStatus === 504 && costs) return "timedOut";
  if (httpStatus === 503) return "overloaded";
  // It does not say whether Flow behind it did the work.
  if (httpStatus >= 500 && costs) return "unknown";
  const isOurForm = httpStatus === 400 || httpStatus === 413 || httpStatus === 422;
  return isOurForm && FORMED.has(operation) ? "invalid" : "unavailable";
}

function verdictOfReason(operation: Operation, reason: string, httpStatus: number): VerdictName | undefined {
  if (VERIFICATION_REASONS.has(reason)) return httpStatus === 403 ? "verification" : undefined;
  if (UPLOAD_REASON.test(reason)) return "policyInput";
  const verdict = FLOW_REASONS[reason] ?? (FILTER_REASON.test(reason) ? "policyOutput" : undefined);
  return verdict === "policyOutput" && operation === "upload" ? "policyInput" : verdict;
}

function readFacts(refusal: Refusal): Facts {
  const google = readGoogleError(refusal.body);
  const retryMs = google?.retryMs ?? durationMs(refusal.retryAfter);
  return {
    httpStatus: refusal.status,
    google,
    status: google?.status ?? statusOfHttp(refusal.status),
    reasons: (google?.reasons ?? []).filter(isWord),
    retryAfterMs: retryMs ?? undefined,
  };
}
