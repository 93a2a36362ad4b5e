// Reads one error of Google's APIs, whatever form it comes in. Pure.
// Sources: google.rpc.Status, google.rpc.Code and error_details.proto (googleapis on GitHub, read 2026-11-29); public reports for the forms
// that no document shows: a list around the error, a word as code, the error once more as JSON inside its message.
import { isRecord, type JsonRecord, listOf, stringOf } from "./json-value.ts";

/** google.rpc.Code by number. */
const RPC_CODES = {
  1: "CANCELLED",
  2: "UNKNOWN",
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED",
  8: "RESOURCE_EXHAUSTED",
  9: "FAILED_PRECONDITION",
  10: "ABORTED",
  11: "OUT_OF_RANGE",
  12: "UNIMPLEMENTED",
  13: "INTERNAL",
  14: "UNAVAILABLE",
  15: "DATA_LOSS",
  16: "UNAUTHENTICATED",
} as const;

export type RpcStatus = (typeof RPC_CODES)[keyof typeof RPC_CODES];

const RPC_STATUSES: ReadonlySet<string> = new Set(Object.values(RPC_CODES));

/** Words that stand in for a status: codes of the Interactions API, reasons of the older `errors[]` list, OAuth's errors. */
const STAND_INS: Readonly<Record<string, RpcStatus>> = {
  INVALID_REQUEST: "INVALID_ARGUMENT",
  INVALID: "INVALID_ARGUMENT",
  INVALIDPARAMETER: "INVALID_ARGUMENT",
  BADREQUEST: "INVALID_ARGUMENT",
  BAD_REQUEST: "INVALID_ARGUMENT",
  NOTFOUND: "NOT_FOUND",
  FORBIDDEN: "PERMISSION_DENIED",
  BILLINGDISABLED: "PERMISSION_DENIED",
  ACCESSNOTCONFIGURED: "PERMISSION_DENIED",
  INSUFFICIENTPERMISSIONS: "PERMISSION_DENIED",
  AUTHERROR: "UNAUTHENTICATED",
  REQUIRED: "UNAUTHENTICATED",
  UNAUTHORIZED: "UNAUTHENTICATED",
  INVALID_GRANT: "UNAUTHENTICATED",
  TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
  RATE_LIMIT_EXCEEDED: "RESOURCE_EXHAUSTED",
  RATELIMITEXCEEDED: "RESOURCE_EXHAUSTED",
  USERRATELIMITEXCEEDED: "RESOURCE_EXHAUSTED",
  QUOTAEXCEEDED: "RESOURCE_EXHAUSTED",
  DAILYLIMITEXCEEDED: "RESOURCE_EXHAUSTED",
  QUOTA_EXCEEDED: "RESOURCE_EXHAUSTED",
  CONFLICT: "ABORTED",
  BACKENDERROR: "UNAVAILABLE",
  INTERNALERROR: "INTERNAL",
  INTERNAL_ERROR: "INTERNAL",
  API_ERROR: "INTERNAL",
  SERVER_ERROR: "INTERNAL",
  OVERLOADED: "UNAVAILABLE",
  SERVICE_UNAVAILABLE: "UNAVAILABLE",
  GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
  TIMEOUT: "DEADLINE_EXCEEDED",
};

export type Violation = {
  quotaId: string;
  perModel: boolean;
  zero: boolean /** False: its value is not in the details. */;
  isTold: boolean;
};

export type GoogleError = {
  /** google.rpc.Code as a word; null when the body names none that is known. */
  status: RpcStatus | null;
  /** The upper-case word in the status' place when it is none of them; empty: none. */
  unknownStatus: string;
  /** An upper-case machine word that the code or status is, known or not; empty: none. */
  word: string;
  message: string;
  /** Machine reasons of ErrorInfo, and of details without a type, in order. */
  reasons: string[];
  /** Values of ErrorInfo's metadata that speak of a quota. */
  quota: { limit: string; value: string } | null;
  violations: Violation[];
  /** RetryInfo's delay, rounded up; null: none. */
  retryMs: number | null;
};

/** The status that an HTTP number stands for, when nothing else says it. */
export function statusOfHttp(http: number): RpcStatus {
  const known: Readonly<Record<number, RpcStatus>> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "UNAVAILABLE",
    409: "ABORTED",
    410: "NOT_FOUND",
    425: "UNAVAILABLE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
  };
  return known[http] ?? (http >= 400 && http < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
}

/** HTTP number of a status, as Google's gateways map it. */
export const httpOfStatus: Readonly<Record<RpcStatus, number>> = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
};

/** A machine word: upper-case, digits and underscores. Anything else in such a place may be an echo of the request. */
export const isWord = (text: string | undefined): text is string => text !== undefined && /^[A-Z][A-Z0-9_]{1,99}$/.test(text);

const firstError = (list: readonly unknown[]) => list.find((one) => isRecord(one) && one.error !== undefined);

/** The error object of a body, or null when the body holds none: a page, nothing, a response. */
export function errorObjectOf(body: unknown): JsonRecord | null {
  const value = Array.isArray(body) ? firstError(body) : body;
  if (!isRecord(value)) return null;
  if (isRecord(value.error)) return value.error;
  // OAuth's form: the error is a word, its description stands beside it.
  if (typeof value.error === "string") return { code: value.error, message: stringOf(value.error_description) ?? "" };
  // The error without its envelope. Responses have neither field.
  if (stringOf(value.message) !== undefined && (value.code !== undefined || value.status !== undefined)) return value;
  return null;
}

/** What an error says; null when the body holds no error object. */
export function readGoogleError(body: unknown): GoogleError | null {
  const error = errorObjectOf(body);
  return error && readError(error, 0);
}

function readError(error: JsonRecord, depth: number): GoogleError {
  const message = stringOf(error.message) ?? "";
  const inner = depth < 2 ? nestedError(message) : null;
  const details = listOf(error.details).filter(isRecord);
  const errors = listOf(error.errors).filter(isRecord);
  const reported = [stringOf(error.status), stringOf(error.code), ...errors.map((one) => stringOf(one.reason))];
  const words = reported.flatMap((text) => (text === undefined ? [] : [text.toUpperCase()])).filter(isWord);
  const status = words.map(statusOfWord).find((one) => one !== null) ?? statusOfCode(error.code);
  const own: GoogleError = {
    status,
    unknownStatus: status === null ? (words[0] ?? "") : "",
    word: words[0] ?? "",
    message,
    reasons: details.filter((detail) => isType(detail, "ErrorInfo")).flatMap((detail) => stringOf(detail.reason) ?? []),
    quota: quotaOf(details),
    violations: violationsOf(details),
    retryMs: retryOf(details),
  };
  if (!inner) return own;
  const read = readError(inner, depth + 1);
  return read.status === null && own.status !== null ? { ...read, status: own.status } : read;
}

/** The error that a message is: some doors put the whole response behind them into it. */
function nestedError(message: string): JsonRecord | null {
  const start = message.trimStart();
  if (start[0] !== "{" && start[0] !== "[") return null;
  try {
    return errorObjectOf(JSON.parse(start));
  } catch {
    return null;
  }
}

function statusOfWord(word: string): RpcStatus | null {
  if (RPC_STATUSES.has(word)) return word as RpcStatus;
  return Object.hasOwn(STAND_INS, word) ? STAND_INS[word]! : null;
}

/** An HTTP number, or a google.rpc.Code: errors of operations carry that. */
function statusOfCode(code: unknown): RpcStatus | null {
  const number = typeof code === "number" || typeof code === "string" ? Number(code) : Number.NaN;
  if (Object.hasOwn(RPC_CODES, number)) return RPC_CODES[number as keyof typeof RPC_CODES];
  return number >= 400 && number < 600 ? statusOfHttp(number) : null;
}

/** Some doors leave the type of a detail out. */
const isType = (detail: JsonRecord, type: string): boolean => {
  const reported = stringOf(detail["@type"]);
  return reported === undefined ? type === "ErrorInfo" : reported.endsWith(`google.rpc.${type}`);
};

function quotaOf(details: JsonRecord[]): GoogleError["quota"] {
  for (const { metadata } of details) {
    if (!isRecord(metadata)) continue;
    const limit = stringOf(metadata.quota_limit);
    if (limit) return { limit, value: stringOf(metadata.quota_limit_value) ?? "" };
  }
  return null;
}

/**
 * Violations of google.rpc.QuotaFailure. Proto JSON leaves a zero out: where the dimensions are reported, a missing `quotaValue` is 0
 * (recorded 2025-09 for an image model on the free tier).
 */
function violationsOf(details: JsonRecord[]): Violation[] {
  return details
    .filter((detail) => isType(detail, "QuotaFailure"))
    .flatMap((detail) => listOf(detail.violations).filter(isRecord))
    .map((violation) => {
      const quotaId = stringOf(violation.quotaId) ?? "";
      const dimensions = isRecord(violation.quotaDimensions) ? violation.quotaDimensions : null;
      const { quotaValue } = violation;
      return {
        quotaId,
        perModel: quotaId.includes("PerModel") || stringOf(dimensions?.model) !== undefined,
        isTold: quotaValue !== undefined,
        zero: quotaValue === undefined ? dimensions !== null : Number(quotaValue) === 0,
      };
    });
}

function retryOf(details: JsonRecord[]): number | null {
  for (const detail of details) {
    const delay = durationMs(detail.retryDelay);
    if (delay !== null) return delay;
  }
  return null;
}

/** `47s`, `3.299376739s` (google.protobuf.Duration), `{seconds, nanos}`, or `12` (Retry-After) in ms, rounded up; null when it is none. */
export function durationMs(value: unknown): number | null {
  if (isRecord(value)) {
    const whole = Number(value.seconds ?? 0) * 1000 + Number(value.nanos ?? 0) / 1e6;
    return Number.isFinite(whole) && whole >= 0 ? Math.ceil(whole) : null;
  }
  if (typeof value !== "string") return null;
  const number = /^(\d{1,9}(?:\.\d{1,12})?)s?$/.exec(value.trim())?.[1];
  return number === undefined ? null : Math.ceil(Number(number) * 1000);
}

/** What an error means for the pool, before an adapter words it. */
export type Meaning =
  | "invalid"
  | "too_large"
  | "signature"
  | "policy_input"
  | "policy_output"
  | "key_invalid"
  | "key_leaked"
  | "key_forbidden"
  | "restricted"
  | "billing"
  | "location"
  | "model_missing"
  | "model_denied"
  | "limit_zero"
  | "per_day"
  | "per_minute"
  | "throttled"
  | "account_quota"
  | "no_details"
  | "overloaded"
  | "internal"
  | "timed_out"
  | "verification"
  | "refused";
