// What a refusal of the Gemini API means: (status, body, now) to AppError. Pure.
// Sources: google.rpc.Status with error_details.proto, Gemini API troubleshooting guide and Interactions reference (read 2026-11-23),
// recorded cases in fixtures/ and in test/vendor/.

import { AppError, type AppErrorOptions, BILLING_MESSAGE, type ErrorKind, type FailureReason, NO_QUOTA_MESSAGE } from "../../errors.ts";
import { redactText } from "../../log.ts";
import { errorObjectOf, type GoogleError, httpOfStatus, type Meaning, readGoogleError } from "../google-error.ts";
import { meaningOf, type Reading } from "../google-meaning.ts";
import { GEMINI_API, type GoogleApi } from "./google-api.ts";
import { isRecord, type JsonRecord, stringOf } from "./json.ts";

const DEFAULT_MINUTE_MS = 60_000;
const MAX_EXCERPT = 300;

/** A refusal that says the same whatever stands beside it. */
type Verdict = {
  kind: ErrorKind;
  scope: "token" | "token_model" | "group" | "group_model" | "request";
  reason: FailureReason;
  /** What follows the API's title; else a sentence of its own. */
  message: string;
};

const VERDICTS: Partial<Record<Meaning, Verdict>> = {
  key_invalid: {
    kind: "upstream_unauthorized",
    scope: "token",
    reason: "key_invalid",
    message: "does not accept this token.",
  },
  key_leaked: {
    kind: "upstream_unauthorized",
    scope: "token",
    reason: "key_leaked",
    message: "has locked this token: it was reported as leaked.",
  },
  key_forbidden: {
    kind: "upstream_unauthorized",
    scope: "token",
    reason: "key_forbidden",
    message: "does not let this token in.",
  },
  restricted: {
    kind: "upstream_unauthorized",
    scope: "token",
    reason: "restricted",
    message: "has limited this token's account for violations of its policies.",
  },
  billing: { kind: "upstream_unauthorized", scope: "group", reason: "billing", message: BILLING_MESSAGE },
  location: {
    kind: "upstream_unauthorized",
    scope: "token",
    reason: "location",
    message: "does not serve the location that this token is used from.",
  },
  model_missing: {
    kind: "upstream_model_denied",
    scope: "token_model",
    reason: "model_missing",
    message: "does not have this model for this token.",
  },
  model_denied: {
    kind: "upstream_model_denied",
    scope: "token_model",
    reason: "model_denied",
    message: "does not let this token use this model.",
  },
  limit_zero: { kind: "upstream_model_denied", scope: "group_model", reason: "limit_zero", message: NO_QUOTA_MESSAGE },
};

/**
 * Classifies a response that is no success: by the error's status, then its details, then sentences that are known, by the HTTP number last.
 * @param status HTTP status, or that of an error inside a stream ({@link statusInside})
 * @param body the parsed JSON (`{error}`, or `[{error}]`, with a number or a word as code), or null when it was none (an HTML page, nothing)
 * @param now epoch ms, for `detail.until`. Daily quotas have no `until`: it is the upstream's next midnight, which the gateway knows
 */
export const toAppError = (status: number, body: unknown, now: number, api: GoogleApi = GEMINI_API): AppError =>
  readRefusal(status, body, now, api).error;

/** As {@link toAppError}, with the words that no table knows. */
export function readRefusal(status: number, body: unknown, now: number, api: GoogleApi = GEMINI_API): Refusal {
  const google = readGoogleError(body);
  if (!google) return { error: pageFailure(status, api), unknown: [] };
  const { meaning, unknown } = meaningOf(google, status);
  return { error: api.refusalOf(google, status, now) ?? errorFor(meaning, { google, status, now, api }), unknown };
}

type Refusal = { error: AppError; unknown: Reading["unknown"] };

type Refused = { google: GoogleError; status: number; now: number; api: GoogleApi };

function errorFor(meaning: Meaning, refused: Refused): AppError {
  const { google, status, api } = refused;
  const { title } = api;
  const fixed = VERDICTS[meaning];
  if (fixed) {
    const { kind, scope, reason } = fixed;
    const message = /^[a-z]/.test(fixed.message) ? `${title} ${fixed.message}` : fixed.message;
    return new AppError(kind, message, { detail: { scope, reason }, upstreamStatus: status });
  }
  switch (meaning) {
    case "policy_input":
    case "policy_output": {
      const words = excerpt(google.message || `${title} refused the request by its policy.`);
      return new AppError("content_policy", words, { detail: { scope: "request", reason: meaning }, upstreamStatus: status });
    }
    case "per_day":
    case "per_minute":
    case "throttled":
    case "account_quota":
    case "no_details":
      return quotaFailure(meaning, refused);
    case "overloaded":
      return unavailable("overloaded", `${title} is overloaded.`, status);
    case "internal":
      return unavailable("internal", `${title} failed (HTTP ${status}).`, status);
    case "timed_out":
      return timedOut(status, api);
    case "too_large":
      return new AppError("upstream_invalid", `${title} refused the request: it is too large.`, { upstreamStatus: status });
    default: {
      const words = google.message ? `${title} refused the request: ${excerpt(google.message)}` : `${title} refused the request.`;
      const detail: AppErrorOptions = meaning === "signature" ? { detail: { scope: "request", reason: "signature" } } : {};
      return new AppError("upstream_invalid", words, { ...detail, upstreamStatus: status });
    }
  }
}

function quotaFailure(meaning: Meaning, { google: { violations, retryMs }, status, now, api }: Refused): AppError {
  const isNamed = violations.length > 0;
  const scope = !isNamed ? "token" : violations.every((violation) => violation.perModel) ? "group_model" : "group";
  if (meaning === "per_day" || (meaning === "account_quota" && retryMs === null)) {
    const [message, reason] =
      meaning === "per_day"
        ? (["The daily quota of the token's project is used up.", "per_day"] as const)
        : (["The quota of the token's project is used up.", "account_quota"] as const);
    return new AppError("upstream_quota", message, { detail: { scope, reason }, upstreamStatus: status });
  }
  const waitMs = retryMs ?? (meaning === "no_details" ? null : DEFAULT_MINUTE_MS);
  const reason: FailureReason = meaning === "no_details" || meaning === "per_minute" ? meaning : "throttled";
  return new AppError("upstream_rate_limited", `${api.title} limits the rate of the token's project.`, {
    detail: { scope, reason, ...(waitMs === null ? {} : { until: now + waitMs }) },
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
    upstreamStatus: status,
  });
}

/** A response that is not the API's own: a page of something in between, or nothing. It says nothing about a key or a model. */
function pageFailure(status: number, api: GoogleApi): AppError {
  const { title } = api;
  if (status === 429) {
    const detail = { scope: "token", reason: "no_details" } as const;
    return new AppError("upstream_rate_limited", `${title} limits the rate of the token's project.`, {
      detail,
      upstreamStatus: status,
    });
  }
  if (status === 503) return unavailable("overloaded", `${title} is overloaded.`, status);
  if (status === 504) return timedOut(status, api);
  if (status >= 500) {
    // It does not say whether the API behind it did the work.
    return new AppError("upstream_unknown_outcome", `${title} gave no answer of its own (HTTP ${status}).`, {
      charged: true,
      detail: { scope: "upstream", reason: "internal" },
      upstreamStatus: status,
    });
  }
  if (status === 413) return new AppError("upstream_invalid", `${title} refused the request: it is too large.`, { upstreamStatus: status });
  if (status === 400 || status === 422)
    return new AppError("upstream_invalid", `${title} refused the request.`, { upstreamStatus: status });
  return unavailable("internal", `${title} was not reached (HTTP ${status}).`, status);
}

const timedOut = (status: number, { title }: GoogleApi): AppError =>
  new AppError("upstream_timeout", `${title} did not finish in time.`, {
    charged: true,
    detail: { scope: "upstream", reason: "internal" },
    upstreamStatus: status,
  });

function unavailable(reason: FailureReason, message: string, upstreamStatus?: number): AppError {
  return new AppError("upstream_unavailable", message, { detail: { scope: "upstream", reason }, upstreamStatus });
}

/** Status of an error object that came inside an answer with status 200, or null when it is no error. */
export function statusInside(body: unknown): number | null {
  const error = errorObjectOf(body);
  // A job that has failed says why in a field of the same name.
  if (!error || isJob(body)) return null;
  const code = Number(error.code);
  if (code >= 400 && code < 600) return code;
  const { status } = readGoogleError({ error })!;
  return status ? httpOfStatus[status] : 500;
}

const isJob = (body: unknown): boolean => isRecord(body) && stringOf(body.id) !== undefined && stringOf(body.status) !== undefined;

/**
 * What the errors of an interaction that ended as `failed` mean: `[{code, message}]`, where the first that is no outage counts.
 * The upstream's work came to nothing and is not charged.
 */
export function toJobError(errors: readonly JsonRecord[], now: number, api: GoogleApi = GEMINI_API): AppError {
  const read = errors.map((reported) => ({
    reported,
    failure: toAppError(statusInside({ error: reported })!, { error: reported }, now, api),
  }));
  const { reported, failure } = read.find((one) => !OUTAGES.has(one.failure.kind)) ??
    read[0] ?? { reported: {} as JsonRecord, failure: null };
  if (failure && !OUTAGES.has(failure.kind)) return failure;
  const words = stringOf(reported.message);
  return unavailable("internal", `${api.title} failed to make the video${words ? `: ${excerpt(words)}` : "."}`);
}

const OUTAGES: ReadonlySet<ErrorKind> = new Set(["upstream_unavailable", "upstream_timeout"]);

/** What a thing of a key's own project is refused with when it is not there. Interactions say 400, files 403 (read 2026-11-23). */
const GONE = { interaction: [400, 404], file: [403, 404] } as const;

/**
 * Classifies a refused read of one interaction or file: {@link toAppError} without its cost, and `not_found`. Nothing but the name was
 * asked, so a refusal in the API's own envelope that names no reason of the key speaks about the thing.
 */
export function toLookupError(
  thing: keyof typeof GONE,
  { status, body, now, api = GEMINI_API }: { status: number; body: unknown; now: number; api?: GoogleApi },
): AppError {
  const { title } = api;
  const google = readGoogleError(body);
  const error = toAppError(status, body, now, api);
  if (google && google.reasons.length === 0 && OF_THE_THING.has(error.kind) && !HOLDS.has(error.detail?.reason)) {
    const unready = google.status === "FAILED_PRECONDITION";
    if (!unready && GONE[thing].some((gone) => gone === status))
      return new AppError("not_found", `${title} does not have this ${thing}.`, { upstreamStatus: status });
    if (unready) return unavailable("internal", `${title} has this ${thing}, but it is not ready.`, status);
  }
  // A page in between knows nothing of the thing.
  const strange = !google && error.kind === "upstream_invalid";
  return strange ? unavailable("internal", `${title} was not reached (HTTP ${status}).`, status) : error;
}

/** Refusals that speak about what was asked for, or about whose it is; an outage or a quota does not. */
const OF_THE_THING: ReadonlySet<ErrorKind> = new Set(["upstream_invalid", "upstream_model_denied", "upstream_unauthorized"]);

/** Reasons said in words that are of the token, whatever was asked for. */
const HOLDS: ReadonlySet<FailureReason | undefined> = new Set(["billing", "location", "key_leaked", "key_invalid", "restricted"] as const);

/** The same failure of a call that costs nothing and names no model: what would be in doubt counts as an upstream that did not answer. */
export function withoutCost(error: unknown, signal: AbortSignal): unknown {
  if (!(error instanceof AppError) || signal.aborted) return error;
  const doubtful = error.kind === "upstream_unknown_outcome" || error.kind === "upstream_timeout";
  if (!doubtful && error.detail?.reason !== "model_missing") return error;
  const { upstreamStatus, message } = error;
  return new AppError("upstream_unavailable", doubtful ? message : "The upstream was not reached.", {
    cause: error,
    detail: { scope: "upstream", reason: "internal" },
    upstreamStatus,
  });
}

/** The upstream's words, short, in one line, without secrets; an address is named by its host alone. */
export function excerpt(message: string): string {
  const words = redactText(message).split(/\s+/).map(withoutAddress).join(" ").trim();
  return words.length > MAX_EXCERPT ? `${words.slice(0, MAX_EXCERPT)}…` : words;
}

const MAX_WORDS = 2000;

/** The upstream's words to whoever asked, as it wrote them: addresses stay, secrets do not. */
export function wordsToClient(message: string): string {
  const words = redactText(message);
  return words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS)}…` : words;
}

/** A web address inside a word becomes an ellipsis; what follows it stays. */
function withoutAddress(word: string): string {
  const start = word.search(/https?:\/\//);
  if (start < 0) return word;
  const end = word.slice(start).search(/[)\]}>"',;]/);
  return `${word.slice(0, start)}…${end < 0 ? "" : word.slice(start + end)}`;
}
