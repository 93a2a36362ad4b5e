// AppError, the only expected error: its kind decides status, retry, health and wording.

/** Every way a generation or an admin action can fail. Each dialect maps all of them, checked by the compiler. */
export type ErrorKind =
  | "invalid_request"
  | "not_found"
  | "conflict"
  | "payload_too_large"
  /** The body arrived too slowly; the connection is closed with the response. */
  | "request_timeout"
  | "unsupported_media_type"
  | "unauthorized"
  | "forbidden"
  | "limit_exceeded"
  | "content_policy"
  | "no_result"
  | "no_token"
  | "busy"
  /** A failure of this server itself: its disk, its store, its memory, its stop. */
  | "unavailable"
  | "network"
  | "upstream_rate_limited"
  | "upstream_quota"
  | "upstream_unauthorized"
  | "upstream_model_denied"
  | "upstream_verification"
  | "upstream_invalid"
  | "upstream_unavailable"
  | "upstream_timeout"
  | "upstream_unknown_outcome"
  | "cancelled";

/** Why an upstream refused, in one machine word; recorded with the attempt and shown to the operator. */
export type FailureReason =
  | "per_minute"
  | "per_day"
  | "limit_zero"
  | "no_details"
  | "throttled"
  | "account_quota"
  | "key_invalid"
  | "key_leaked"
  | "key_forbidden"
  | "session_dead"
  | "billing"
  | "location"
  | "verification"
  | "model_missing"
  | "model_denied"
  | "restricted"
  | "signature"
  | "overloaded"
  | "internal"
  | "policy_input"
  | "policy_output"
  | "text_only"
  | "malformed"
  | "cut_off"
  | "no_output"
  | "shared_capacity"
  | "not_in_location"
  | "iam_denied"
  | "api_disabled"
  | "project_missing";

/** What a failure concerns: token, group, model, location or request. Decides whose health it counts against. */
export type FailureDetail = {
  /** `location_model`: one model of the provider in one location, whoever asks. */
  scope: "token" | "token_model" | "group" | "group_model" | "location_model" | "upstream" | "request";
  reason: FailureReason;
  /** Epoch ms before which the upstream refuses the same call, where it names a time. */
  until?: number;
  /** The upstream's own finish reason, e.g. `NO_IMAGE`, for dialects that pass it on. */
  upstreamReason?: string;
};

/** Token counts that an upstream returned with a response that holds no result. The fields are those of the gateway's `Usage`. */
export type ReportedUsage = Readonly<Record<"inputText" | "inputImage" | "outputText" | "outputImage" | "thoughts" | "total", number>>;

export type AppErrorOptions = ErrorOptions & {
  /** The offending field in the caller's own spelling, e.g. `messages[0].content`. */
  param?: string;
  /** Milliseconds after which the caller may try again. */
  retryAfterMs?: number;
  /** True when an upstream may have charged for this request: clients must not retry it. */
  charged?: boolean;
  detail?: FailureDetail;
  /** Machine word for the dialect's `code`, where the kind alone is too coarse (e.g. `model_not_found`). */
  reason?: string;
  /** HTTP status of the upstream, for the attempt record. */
  upstreamStatus?: number;
  /** Id of the earlier identical request whose outcome this is. */
  joined?: string;
  /** What the upstream counted, where it returned counts without a result. */
  usage?: ReportedUsage;
  /** Message for clients, where `message` is for the operator. */
  customer?: string;
};

/** Kinds by which a request is turned away for what the client sent, or how often. */
const REFUSALS: ReadonlySet<ErrorKind> = new Set([
  "invalid_request",
  "not_found",
  "conflict",
  "payload_too_large",
  "request_timeout",
  "unsupported_media_type",
  "unauthorized",
  "forbidden",
  "limit_exceeded",
]);

export const isRefusal = (kind: ErrorKind): boolean => REFUSALS.has(kind);

/** Returned each time that a model has no quota at all upstream: the first refusal and those made locally while it is known. */
export const NO_QUOTA_MESSAGE =
  "This server has no quota for this model: it is not part of the free tier. Its operator has to enable billing for it. Nothing was charged.";

/** Returned each time that the upstream refuses for unpaid billing. */
export const BILLING_MESSAGE =
  "The billing of this server has to be settled before it can serve this model. Nothing was charged; tell the operator of this server.";

/**
 * An expected failure. Its message names the field and what was expected, in the words of the operator where something of the
 * server is at fault (clients get `customer` or words by kind: gateway/generation/customer-message.ts); it holds no secret, no upstream address and no stack. Whatever else is thrown is a bug.
 */
export class AppError extends Error {
  override name = "AppError";
  readonly param?: string;
  readonly retryAfterMs?: number;
  readonly charged: boolean;
  readonly detail?: FailureDetail;
  readonly reason?: string;
  readonly upstreamStatus?: number;
  readonly joined?: string;
  readonly usage?: ReportedUsage;
  readonly customer?: string;

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.charged = options.charged ?? false;
    this.detail = options.detail;
    this.reason = options.reason;
    this.upstreamStatus = options.upstreamStatus;
    this.joined = options.joined;
    this.usage = options.usage;
    this.customer = options.customer;
  }
}

/** A temporary failure of this server itself: neither the client's fault nor a limit of its key. */
export const serverFailure = (message: string, reason: string, options: Pick<AppErrorOptions, "retryAfterMs" | "cause"> = {}): AppError =>
  new AppError("unavailable", message, { retryAfterMs: 5_000, ...options, reason });

/**
 * Codes by which the store cannot be written or read now: of SQLite (https://www.sqlite.org/rescode.html, read 2026-11-29), and of the
 * system where the disk, its mount or the process's limits refuse a file.
 */
const STORE_FAILURES = /^(?:SQLITE_(?:BUSY|CANTOPEN|FULL|IOERR|LOCKED|NOMEM|READONLY)|E(?:IO|ROFS|MFILE|NFILE|NOMEM)$)/;

/** A thrown value as a failure that can be returned; null for a bug. */
export function knownFailure(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT" || code.startsWith("SQLITE_FULL")) return diskIsFull(error);
  if (!STORE_FAILURES.test(code)) return null;
  return serverFailure("This server cannot write its records at the moment.", "store_unavailable", { cause: error });
}

/** The server's disk is full; clients may retry in a minute. */
export const diskIsFull = (cause?: unknown): AppError =>
  serverFailure("The server's disk is full.", "disk_full", { cause, retryAfterMs: 60_000 });

/** The same failure, marked as possibly charged: no response says when to send it again. */
export const asCharged = (error: AppError): AppError =>
  error.charged ? error : changed(error, { charged: true, retryAfterMs: undefined });

/** The same failure with what the upstream counted. */
export const withUsage = (error: AppError, usage: ReportedUsage): AppError => changed(error, { usage });

/** The same failure with another retry time. */
export const withRetryAfter = (error: AppError, retryAfterMs: number): AppError => changed(error, { retryAfterMs });

function changed(error: AppError, change: Pick<AppErrorOptions, "charged" | "retryAfterMs" | "usage">): AppError {
  const { kind, message, param, retryAfterMs, charged, detail, reason, upstreamStatus, usage, customer, cause } = error;
  return new AppError(kind, message, { param, retryAfterMs, charged, detail, reason, upstreamStatus, usage, customer, cause, ...change });
}

/** Headers of a refused body, in every envelope: a late one closes the connection, a wrong encoding names the accepted ones. */
export function bodyRefusalHeaders(error: AppError | null): Record<string, string> {
  if (error?.kind === "request_timeout") return { connection: "close" };
  return error?.reason === "unsupported_content_encoding" ? { "accept-encoding": "gzip, deflate" } : {};
}

/** HTTP status of a failure where no client expects another one: the admin and its JSON API. Dialects have tables of their own. */
export const HTTP_STATUS = {
  invalid_request: 400,
  not_found: 404,
  conflict: 409,
  payload_too_large: 413,
  request_timeout: 408,
  unsupported_media_type: 415,
  unauthorized: 401,
  forbidden: 403,
  limit_exceeded: 429,
  content_policy: 400,
  no_result: 502,
  no_token: 503,
  busy: 503,
  unavailable: 503,
  network: 502,
  upstream_rate_limited: 502,
  upstream_quota: 502,
  upstream_unauthorized: 502,
  upstream_model_denied: 502,
  upstream_verification: 502,
  upstream_invalid: 502,
  upstream_unavailable: 502,
  upstream_timeout: 504,
  upstream_unknown_outcome: 502,
  cancelled: 409,
} as const satisfies Record<ErrorKind, number>;
