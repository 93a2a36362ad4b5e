// MCP errors: HTTP status and JSON-RPC code of a refused request, and the isError result of a failed tool.
// Source: modelcontextprotocol.io/specification/2025-11-25, basic/transports and server/tools (read 2026-11-30); JSON-RPC 2.0, 5.1.
import { type AppError, bodyRefusalHeaders, type ErrorKind, knownFailure } from "../../errors.ts";
import { customerMessage } from "../../gateway/pool/customer-message.ts";

type Row = { status: number; code: number };

const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;
/** Of the range that JSON-RPC leaves to servers. */
const REFUSED = -32000;

/** Of requests that never reach a tool; failures of tools are results. */
const TABLE = {
  invalid_request: { status: 400, code: INVALID_REQUEST },
  not_found: { status: 404, code: REFUSED },
  conflict: { status: 409, code: REFUSED },
  payload_too_large: { status: 413, code: INVALID_REQUEST },
  request_timeout: { status: 408, code: REFUSED },
  unsupported_media_type: { status: 415, code: INVALID_REQUEST },
  unauthorized: { status: 401, code: REFUSED },
  forbidden: { status: 403, code: REFUSED },
  limit_exceeded: { status: 429, code: REFUSED },
  content_policy: { status: 400, code: REFUSED },
  no_result: { status: 400, code: REFUSED },
  no_token: { status: 503, code: REFUSED },
  busy: { status: 429, code: REFUSED },
  unavailable: { status: 503, code: REFUSED },
  network: { status: 502, code: REFUSED },
  upstream_rate_limited: { status: 429, code: REFUSED },
  upstream_quota: { status: 429, code: REFUSED },
  upstream_unauthorized: { status: 502, code: REFUSED },
  upstream_model_denied: { status: 503, code: REFUSED },
  upstream_verification: { status: 503, code: REFUSED },
  upstream_invalid: { status: 400, code: REFUSED },
  upstream_unavailable: { status: 503, code: REFUSED },
  upstream_timeout: { status: 504, code: REFUSED },
  upstream_unknown_outcome: { status: 502, code: REFUSED },
  cancelled: { status: 499, code: REFUSED },
} as const satisfies Record<ErrorKind, Row>;

/** Response for a request that reached no tool. Anything but an AppError is a bug and reveals nothing. */
export function errorResponse(thrown: unknown): Response {
  const error = knownFailure(thrown);
  const { status, code }: Row = error ? TABLE[error.kind] : { status: 500, code: INTERNAL_ERROR };
  const body = { jsonrpc: "2.0", error: { code, message: error ? wordsOf(error) : "Internal error" }, id: null };
  return Response.json(body, { status, headers: error ? headersOf(error) : {} });
}

function headersOf(error: AppError): Record<string, string> {
  const headers = bodyRefusalHeaders(error);
  if (error.kind === "unauthorized") headers["www-authenticate"] = "Bearer";
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  return headers;
}

/** The result of a tool that failed, for the model to read; programs find the machine word in `_meta`. */
export function toolError(thrown: unknown) {
  const error = knownFailure(thrown);
  const failure = error ? { code: error.reason ?? error.kind, param: error.param ?? null } : { code: "internal_error", param: null };
  const words = error ? wordsOf(error) : "Internal error";
  // The text is all that a model reads.
  const text = failure.param === null || words.includes(failure.param) ? words : `${failure.param}: ${words}`;
  return { isError: true, content: [{ type: "text" as const, text }], _meta: { "flow2api/error": failure } };
}

/** The customer's words, with the tools and arguments of this dialect in them. */
const wordsOf = (error: AppError): string =>
  customerMessage(error, 'set the argument "again" to true').replaceAll("GET /v1/models lists", "list_models lists");
