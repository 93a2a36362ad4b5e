// What a refusal of Flow means: decided from status, `error.status` and `details[].reason`, never from message text.
import { AppError, type ErrorKind, type FailureDetail } from "../../errors.ts";
import { at, listAt, textAt } from "./json.ts";

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
  /** Parsed JSON, or undefined when the answer is not JSON. */
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
    message: "Flow refused a picture of the request under its content policy",
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
const REASONS: Readonly<Record<string, VerdictName>> = {
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
const VERIFICATION_REASONS = new Set([
  "PUBLIC_ERROR_UNUSUAL_ACTIVITY",
  "PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC",
  "PUBLIC_ERROR_SOMETHING_WENT_WRONG",
]);

const UPLOAD_REASON = /^PUBLIC_ERROR_\w+_UPLOAD$/;
const FILTER_REASON = /^PUBLIC_ERROR_\w+_(FILTER|FILTERED|FILTER_FAILED)$/;

type Facts = {
  httpStatus: number;
  /** Whether it is Flow that speaks: an error object, and not a page of something in between. */
  isOwn: boolean;
  googleStatus: string;
  reasons: string[];
  retryAfterMs: number | undefined;
};

/** The error for one answer outside 200 to 299. Pure. `now` in epoch ms dates `detail.until`. */
export function classifyRefusal(operation: Operation, refusal: Refusal, now: number): AppError {
  const facts = readFacts(refusal);
  const verdict: Verdict = VERDICTS[verdictOf(operation, facts)];
  const { retryAfterMs } = facts;
  const message = verdict.kind === "content_policy" ? `${verdict.message} (${facts.reasons.join(", ")}).` : verdict.message;
  return new AppError(verdict.kind, message, {
    charged: verdict.charged,
    detail: verdict.detail && { ...verdict.detail, ...(retryAfterMs === undefined ? {} : { until: now + retryAfterMs }) },
    retryAfterMs,
    upstreamStatus: facts.httpStatus,
  });
}

/** What a failed video means without a reason, by the code of google.rpc.Code. */
const FAILURE_CODES: Readonly<Record<number, VerdictName>> = { 3: "invalid", 4: "timedOut", 8: "quota", 14: "overloaded" };

/**
 * The error for a video that Flow took and then failed. Pure. Its status carries `{code, message, details?}`; where the message is one
 * machine word, that word is the reason.
 */
export function classifyFailure(error: unknown): AppError {
  const told = [textAt(error, "message"), ...listAt(error, "details").map((detail) => textAt(detail, "reason"))];
  const reasons = told.filter(isWord);
  const known = reasons.map((reason) => verdictOfReason("video", reason, 200)).find((name) => name !== undefined);
  const verdict: Verdict = VERDICTS[known ?? FAILURE_CODES[Number(at(error, "code"))] ?? "unavailable"];
  const words = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
  return new AppError(verdict.kind, `${verdict.message.replace(/\.$/, "")}${words}.`, { charged: verdict.charged, detail: verdict.detail });
}

/** The machine words of a refusal: all of it that may be logged. Anything else in their place is left out, it may be an echo. */
export function wordsOf(body: unknown): { status: string | undefined; reasons: string[] } {
  const error = errorOf(body);
  const status = textAt(error, "status");
  const reasons = listAt(error, "details").map((detail) => textAt(detail, "reason"));
  return { status: isWord(status) ? status : undefined, reasons: reasons.filter(isWord) };
}

/** Google's front ends wrap the same error in a list now and then. */
function errorOf(body: unknown): unknown {
  return at(body, "error") ?? at(body, 0, "error");
}

function isWord(text: string | undefined): text is string {
  return text !== undefined && /^[A-Z][A-Z0-9_]{2,99}$/.test(text);
}

function verdictOf(operation: Operation, facts: Facts): VerdictName {
  const costs = COSTLY.has(operation);
  for (const reason of facts.reasons) {
    const verdict = verdictOfReason(operation, reason, facts.httpStatus);
    if (verdict) return verdict;
  }
  const { httpStatus, googleStatus } = facts;
  if (httpStatus === 401 || googleStatus === "UNAUTHENTICATED") return "unauthorized";
  if (googleStatus === "RESOURCE_EXHAUSTED") return facts.retryAfterMs === undefined ? "quota" : "throttled";
  if (httpStatus === 429) return "throttled";
  if (httpStatus === 403 && googleStatus === "PERMISSION_DENIED") {
    if (!costs) return "forbidden";
    // December 2025: the verification refusal came with a message only. Every other 403 of these calls names its reason.
    return facts.reasons.length === 0 ? "verification" : "modelDenied";
  }
  if (httpStatus === 404 && costs) return "modelMissing";
  if (httpStatus === 504 && costs) return "timedOut";
  if (httpStatus === 503) return "overloaded";
  // A page in between does not say whether Flow behind it did the work.
  if (httpStatus >= 500 && costs && !facts.isOwn) return "unknown";
  const isOurForm = httpStatus === 400 || httpStatus === 413 || httpStatus === 422;
  return isOurForm && FORMED.has(operation) ? "invalid" : "unavailable";
}

function verdictOfReason(operation: Operation, reason: string, httpStatus: number): VerdictName | undefined {
  if (VERIFICATION_REASONS.has(reason)) return httpStatus === 403 ? "verification" : undefined;
  if (UPLOAD_REASON.test(reason)) return "policyInput";
  const verdict = REASONS[reason] ?? (FILTER_REASON.test(reason) ? "policyOutput" : undefined);
  return verdict === "policyOutput" && operation === "upload" ? "policyInput" : verdict;
}

function readFacts(refusal: Refusal): Facts {
  const details = listAt(errorOf(refusal.body), "details");
  const { status = "", reasons } = wordsOf(refusal.body);
  const delays = details.map((detail) => durationMs(at(detail, "retryDelay")));
  return {
    httpStatus: refusal.status,
    isOwn: errorOf(refusal.body) !== undefined,
    googleStatus: status,
    reasons,
    retryAfterMs: delays.find((delay) => delay !== undefined) ?? durationMs(refusal.retryAfter),
  };
}

/** `"12s"`, `"1.5s"` (google.rpc.RetryInfo) or `"12"` (Retry-After) in ms. */
function durationMs(value: unknown): number | undefined {
  const seconds = typeof value === "string" ? /^(\d{1,9}(?:\.\d+)?)s?$/.exec(value.trim())?.[1] : undefined;
  return seconds === undefined ? undefined : Math.round(Number(seconds) * 1000);
}
