// What a refusal of the Gemini API means: (status, body, now) to AppError. Pure.
// Sources: google.rpc.Status with error_details.proto, Gemini API troubleshooting guide and Interactions reference (read 2026-11-23),
// recorded cases in fixtures/.
import { AppError, type AppErrorOptions, type ErrorKind, type FailureDetail, type FailureReason } from "../../errors.ts";
import { redactText } from "../../log.ts";
import { arrayOf, isRecord, type JsonRecord, stringOf } from "./json.ts";

type Upstream = { status: string; message: string; details: JsonRecord[] };
type Violation = { quotaId: string; perModel: boolean; zero: boolean };

const UNIT = "type.googleapis.com/google.rpc.";
const DEFAULT_MINUTE_MS = 60_000;
const MAX_EXCERPT = 300;

/** ErrorInfo reasons by which a key is unusable, whatever the status. */
const KEY_REASONS: Readonly<Record<string, FailureReason>> = {
  API_KEY_INVALID: "key_invalid",
  API_KEY_SERVICE_BLOCKED: "key_forbidden",
  API_KEY_HTTP_REFERRER_BLOCKED: "key_forbidden",
  API_KEY_IP_ADDRESS_BLOCKED: "key_forbidden",
  API_KEY_ANDROID_APP_BLOCKED: "key_forbidden",
  API_KEY_IOS_APP_BLOCKED: "key_forbidden",
  SERVICE_DISABLED: "key_forbidden",
  CONSUMER_SUSPENDED: "key_forbidden",
  CONSUMER_INVALID: "key_forbidden",
  BILLING_DISABLED: "billing",
};

const KEY_MESSAGES: Partial<Record<FailureReason, string>> = {
  key_invalid: "The Gemini API does not accept this token.",
  key_leaked: "The Gemini API has locked this token: it was reported as leaked.",
  key_forbidden: "The Gemini API does not let this token in.",
  billing: "The Gemini API asks for billing to be enabled on the token's project.",
  location: "The Gemini API does not serve the location that this token is used from.",
};

/**
 * Classifies an answer that is no success.
 * @param status HTTP status, or that of an error inside a stream ({@link statusInside})
 * @param body the parsed JSON (`{error}`, or `[{error}]`, with a number or a word as code), or null when it was none (an HTML page, nothing)
 * @param now epoch ms, for `detail.until`. Daily quotas have no `until`: it is the upstream's next midnight, which the gateway knows
 */
export function toAppError(status: number, body: unknown, now: number): AppError {
  const upstream = readUpstream(body);
  const fail = (kind: ErrorKind, message: string, detail?: FailureDetail, options: AppErrorOptions = {}) =>
    new AppError(kind, message, { upstreamStatus: status, ...(detail ? { detail } : {}), ...options });

  const key = upstream && keyFailure(status, upstream);
  if (key) return fail("upstream_unauthorized", KEY_MESSAGES[key]!, { scope: "token", reason: key });
  if (status === 400 && POLICY_WORDS.has(upstream?.status ?? "")) {
    const detail: FailureDetail = { scope: "request", reason: "policy_input" };
    return fail("content_policy", excerpt(upstream?.message || "The Gemini API refused the request by its policy."), detail);
  }
  if (status === 429) return quotaFailure(upstream, now, fail);
  if (status === 503) return unavailable("overloaded", "The Gemini API is overloaded.", status);
  if (status === 504) {
    const detail: FailureDetail = { scope: "upstream", reason: "internal" };
    return fail("upstream_timeout", "The Gemini API did not finish in time.", detail, { charged: true });
  }
  if (!upstream && status >= 500) {
    // A page in between: it does not say whether the API behind it did the work.
    const detail: FailureDetail = { scope: "upstream", reason: "internal" };
    return fail("upstream_unknown_outcome", `The Gemini API gave no answer of its own (HTTP ${status}).`, detail, { charged: true });
  }
  if (status >= 500 || status < 400 || status === 408) return unavailable("internal", `The Gemini API failed (HTTP ${status}).`, status);
  // Only an answer in the API's own envelope speaks about a key or a model; a page comes from something in between.
  if (!upstream && [401, 403, 404, 407].includes(status))
    return unavailable("internal", `The Gemini API was not reached (HTTP ${status}).`, status);
  if (status === 404) {
    return fail("upstream_model_denied", "The Gemini API does not have this model for this token.", {
      scope: "token_model",
      reason: "model_missing",
    });
  }
  return fail(
    "upstream_invalid",
    upstream?.message ? `The Gemini API refused the request: ${excerpt(upstream.message)}` : "The Gemini API refused the request.",
  );
}

/** Status of an error object that came inside an answer with status 200, or null when it is no error. */
export function statusInside(body: unknown): number | null {
  const value = Array.isArray(body) ? body[0] : body;
  if (!isRecord(value) || !isRecord(value.error)) return null;
  const code = Number(value.error.code);
  if (code >= 400 && code < 600) return code;
  return STATUS_CODES[wordOf(value.error)] ?? 500;
}

/** The kind of an error as an upper-case word: google.rpc's status, or the code of the Interactions API, which is a word there. */
const wordOf = (error: JsonRecord): string => (stringOf(error.status) ?? stringOf(error.code) ?? "").toUpperCase();

/**
 * What the errors of an interaction that ended as `failed` mean: `[{code, message}]`, where the first with a code that we know counts.
 * The upstream's work came to nothing and is not charged.
 */
export function toJobError(errors: readonly JsonRecord[], now: number): AppError {
  const told = errors.find((error) => statusInside({ error }) !== 500 || POLICY_WORDS.has(wordOf(error))) ?? errors[0];
  if (!told) return unavailable("internal", "The Gemini API failed to make the video.");
  const status = POLICY_WORDS.has(wordOf(told)) ? 400 : statusInside({ error: told })!;
  if (status >= 500) {
    const words = stringOf(told.message);
    return unavailable("internal", `The Gemini API failed to make the video${words ? `: ${excerpt(words)}` : "."}`);
  }
  return toAppError(status, { error: told }, now);
}

/** What a thing of a key's own project is refused with when it is not there. Interactions say 400, files 403 (read 2026-11-23). */
const GONE = { interaction: [400, 404], file: [403, 404] } as const;

/**
 * Classifies a refused look at one interaction or file: {@link toAppError} without its cost, and `not_found`. Nothing but the name was
 * asked, so a refusal in the API's own envelope that names no reason of the key speaks about the thing.
 */
export function toLookupError(thing: keyof typeof GONE, status: number, body: unknown, now: number): AppError {
  const upstream = readUpstream(body);
  if (upstream && detailsOf(upstream, "ErrorInfo").length === 0) {
    const unready = upstream.status === "FAILED_PRECONDITION";
    if (!unready && GONE[thing].some((gone) => gone === status))
      return new AppError("not_found", `The Gemini API does not have this ${thing}.`, { upstreamStatus: status });
    if (unready && thing === "file") return unavailable("internal", "The Gemini API has this file, but it is not ready.", status);
  }
  const error = toAppError(status, body, now);
  // A page in between knows nothing of the thing.
  const strange = !upstream && error.kind === "upstream_invalid";
  return strange ? unavailable("internal", `The Gemini API was not reached (HTTP ${status}).`, status) : error;
}

/** The same failure of a call that costs nothing and names no model: what would be in doubt counts as an upstream that did not answer. */
export function withoutCost(error: unknown, signal: AbortSignal): unknown {
  if (!(error instanceof AppError) || signal.aborted) return error;
  const doubtful = error.kind === "upstream_unknown_outcome" || error.kind === "upstream_timeout";
  if (!doubtful && error.detail?.reason !== "model_missing") return error;
  const { upstreamStatus, message } = error;
  return new AppError("upstream_unavailable", doubtful ? message : "The Gemini API was not reached.", {
    cause: error,
    detail: { scope: "upstream", reason: "internal" },
    upstreamStatus,
  });
}

function unavailable(reason: FailureReason, message: string, upstreamStatus?: number): AppError {
  return new AppError("upstream_unavailable", message, { detail: { scope: "upstream", reason }, upstreamStatus });
}

/** Block and finish reasons of the API, as they may stand for a code. */
const POLICY_WORDS: ReadonlySet<string> = new Set([
  "SAFETY",
  "PROHIBITED_CONTENT",
  "BLOCKLIST",
  "RECITATION",
  "SPII",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION",
]);

/** HTTP status by google.rpc.Code, and by the words of the Interactions API. */
const STATUS_CODES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_REQUEST: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  TOO_MANY_REQUESTS: 429,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** The upstream's words, short, without addresses and secrets. */
export function excerpt(message: string): string {
  const plain = redactText(message.replaceAll(/https?:\/\/\S+/g, "…"))
    .replaceAll(/\s+/g, " ")
    .trim();
  return plain.length > MAX_EXCERPT ? `${plain.slice(0, MAX_EXCERPT)}…` : plain;
}

function readUpstream(body: unknown): Upstream | null {
  const value = Array.isArray(body) ? body[0] : body;
  if (!isRecord(value) || !isRecord(value.error)) return null;
  const { message, details } = value.error;
  return { status: wordOf(value.error), message: stringOf(message) ?? "", details: arrayOf(details).filter(isRecord) };
}

const detailsOf = (upstream: Upstream, type: string) => upstream.details.filter((detail) => detail["@type"] === UNIT + type);

/** Why a key is unusable, or null. Words of the message only choose between reasons that are handled alike. */
function keyFailure(status: number, upstream: Upstream): FailureReason | null {
  const reasons = detailsOf(upstream, "ErrorInfo").map((detail) => KEY_REASONS[stringOf(detail.reason) ?? ""]);
  const known = reasons.find((reason) => reason !== undefined);
  if (known) return known;
  if (status === 401) return "key_invalid";
  if (status === 403) return /leaked/i.test(upstream.message) ? "key_leaked" : "key_forbidden";
  if (status === 400 && upstream.status === "FAILED_PRECONDITION") return /billing/i.test(upstream.message) ? "billing" : "location";
  return null;
}

type Fail = (kind: ErrorKind, message: string, detail: FailureDetail, options?: AppErrorOptions) => AppError;

function quotaFailure(upstream: Upstream | null, now: number, fail: Fail): AppError {
  const violations = upstream ? readViolations(upstream) : [];
  const delay = upstream && retryDelay(upstream);
  const scope = violations.every((violation) => violation.perModel) ? "group_model" : "group";

  const hasNone = violations.length > 0 ? violations.some((violation) => violation.zero) : /limit: 0\b/.test(upstream?.message ?? "");
  if (hasNone) {
    const detail: FailureDetail = { scope: "group_model", reason: "limit_zero" };
    return fail("upstream_model_denied", "The token's project has no quota for this model.", detail);
  }
  if (violations.some((violation) => violation.quotaId.includes("PerDay"))) {
    return fail("upstream_quota", "The daily quota of the token's project is used up.", { scope, reason: "per_day" });
  }
  const rateLimited = (detail: FailureDetail, waitMs: number | null) =>
    fail(
      "upstream_rate_limited",
      "The Gemini API limits the rate of the token's project.",
      waitMs === null ? detail : { ...detail, until: now + waitMs },
      waitMs === null ? {} : { retryAfterMs: waitMs },
    );
  if (violations.length === 0) return rateLimited({ scope: "token", reason: "no_details" }, delay);
  const perMinute = violations.some((violation) => violation.quotaId.includes("PerMinute"));
  return rateLimited({ scope, reason: perMinute ? "per_minute" : "throttled" }, delay ?? DEFAULT_MINUTE_MS);
}

/**
 * Violations of google.rpc.QuotaFailure. Proto JSON leaves a zero out: where the dimensions are told, a missing `quotaValue` is 0
 * (recorded 2025-09 for an image model on the free tier).
 */
function readViolations(upstream: Upstream): Violation[] {
  return detailsOf(upstream, "QuotaFailure").flatMap((detail) =>
    arrayOf(detail.violations)
      .filter(isRecord)
      .map((violation) => {
        const quotaId = stringOf(violation.quotaId) ?? "";
        const dimensions = isRecord(violation.quotaDimensions) ? violation.quotaDimensions : null;
        const { quotaValue } = violation;
        return {
          quotaId,
          perModel: quotaId.includes("PerModel") || stringOf(dimensions?.model) !== undefined,
          zero: quotaValue === undefined ? dimensions !== null : Number(quotaValue) === 0,
        };
      }),
  );
}

/** RetryInfo's Duration (`47s`, `3.299376739s`) in ms, rounded up; null when there is none. */
function retryDelay(upstream: Upstream): number | null {
  const delay = detailsOf(upstream, "RetryInfo").map((detail) => /^(\d+(?:\.\d+)?)s$/.exec(stringOf(detail.retryDelay) ?? "")?.[1]);
  return delay[0] === undefined ? null : Math.ceil(Number(delay[0]) * 1000);
}
