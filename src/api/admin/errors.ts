// Error envelope of the admin's JSON API: one shape, with the field that is wrong.
import { bodyRefusalHeaders, type ErrorKind, knownFailure } from "../../errors.ts";

export const STATUS = {
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

export type ErrorBody = {
  error: {
    /** The kind of the failure, for programs. */
    type: string;
    /** More exactly, where there is more to say. */
    reason: string | null;
    message: string;
    /** The field of the request that is wrong, e.g. `limits.rpm`. */
    field: string | null;
  };
};

/** Anything but a known failure is a bug and reveals nothing. */
export function errorResponse(thrown: unknown): Response {
  const error = knownFailure(thrown);
  if (!error) return respond({ type: "internal_error", reason: null, message: "Internal error", field: null }, 500, {});
  const headers = bodyRefusalHeaders(error);
  if (error.kind === "unauthorized") headers["www-authenticate"] = 'Bearer realm="flow2api admin"';
  if (error.retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  const { kind: type, reason = null, message, param: field = null } = error;
  return respond({ type, reason, message, field }, STATUS[error.kind], headers);
}

const respond = (error: ErrorBody["error"], status: number, headers: Record<string, string>) =>
  Response.json({ error } satisfies ErrorBody, { status, headers: { ...headers, "cache-control": "no-store" } });
