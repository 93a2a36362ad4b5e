// Google error envelope: HTTP code and status of every ErrorKind.
// Source: docs/wire/gemini.md.
import { type AppError, bodyRefusalHeaders, type ErrorKind, knownFailure } from "../../errors.ts";
import { customerMessage } from "../../gateway/pool/customer-message.ts";

type Row = { code: number; status: string };

const TABLE = {
  invalid_request: { code: 400, status: "INVALID_ARGUMENT" },
  not_found: { code: 404, status: "NOT_FOUND" },
  conflict: { code: 409, status: "ABORTED" },
  payload_too_large: { code: 413, status: "INVALID_ARGUMENT" },
  request_timeout: { code: 408, status: "DEADLINE_EXCEEDED" },
  unsupported_media_type: { code: 415, status: "INVALID_ARGUMENT" },
  unauthorized: { code: 400, status: "INVALID_ARGUMENT" },
  forbidden: { code: 403, status: "PERMISSION_DENIED" },
  limit_exceeded: { code: 429, status: "RESOURCE_EXHAUSTED" },
  content_policy: { code: 400, status: "INVALID_ARGUMENT" },
  no_result: { code: 400, status: "FAILED_PRECONDITION" },
  no_token: { code: 503, status: "UNAVAILABLE" },
  busy: { code: 429, status: "RESOURCE_EXHAUSTED" },
  unavailable: { code: 503, status: "UNAVAILABLE" },
  network: { code: 503, status: "UNAVAILABLE" },
  upstream_rate_limited: { code: 429, status: "RESOURCE_EXHAUSTED" },
  upstream_quota: { code: 429, status: "RESOURCE_EXHAUSTED" },
  upstream_unauthorized: { code: 503, status: "UNAVAILABLE" },
  upstream_model_denied: { code: 503, status: "UNAVAILABLE" },
  upstream_verification: { code: 503, status: "UNAVAILABLE" },
  upstream_invalid: { code: 400, status: "INVALID_ARGUMENT" },
  upstream_unavailable: { code: 503, status: "UNAVAILABLE" },
  upstream_timeout: { code: 504, status: "DEADLINE_EXCEEDED" },
  upstream_unknown_outcome: { code: 500, status: "INTERNAL" },
  cancelled: { code: 499, status: "CANCELLED" },
} as const satisfies Record<ErrorKind, Row>;

const MAX_RETRY_AFTER_S = 60;

export type ErrorBody = { error: { code: number; message: string; status: string; details: unknown[] } };

const API_KEY_INVALID = {
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason: "API_KEY_INVALID",
  domain: "googleapis.com",
  metadata: { service: "generativelanguage.googleapis.com" },
};

function detailsOf(error: AppError): unknown[] {
  if (error.kind === "unauthorized") return [API_KEY_INVALID];
  if (error.retryAfterMs === undefined) return [];
  return [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${Math.ceil(error.retryAfterMs / 1000)}s` }];
}

/** Body of an error. Anything but an AppError is a bug and reveals nothing. */
export function errorBody(thrown: unknown): ErrorBody {
  const error = knownFailure(thrown);
  if (!error) return { error: { code: 500, message: "Internal error", status: "INTERNAL", details: [] } };
  const { code } = TABLE[error.kind];
  const status = error.reason === "file_exists" ? "ALREADY_EXISTS" : TABLE[error.kind].status;
  const message = error.kind === "unauthorized" ? "API key not valid. Please pass a valid API key." : customerMessage(error);
  return { error: { code, message, status, details: detailsOf(error) } };
}

/** google.rpc.Code by name, of those that the table has. */
const RPC_CODES = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const satisfies Record<(typeof TABLE)[ErrorKind]["status"], number>;

/** `google.rpc.Status` of an operation that failed; its code is no HTTP status. */
export function rpcStatus(error: AppError) {
  const { status } = TABLE[error.kind];
  return { code: RPC_CODES[status], message: customerMessage(error), status };
}

/** Response for a failure before anything was sent. */
export function errorResponse(thrown: unknown): Response {
  const error = knownFailure(thrown);
  const body = errorBody(error);
  const headers: Record<string, string> = bodyRefusalHeaders(error);
  if (error?.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.max(1, Math.min(MAX_RETRY_AFTER_S, Math.ceil(error.retryAfterMs / 1000))));
  }
  // As in the OpenAI dialect: some clients of both retry by themselves.
  if (error?.charged) headers["x-should-retry"] = "false";
  if (error?.joined) headers["x-flow2api-joined"] = error.joined;
  return Response.json(body, { status: body.error.code, headers });
}
