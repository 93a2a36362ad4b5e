// Error envelope of the admin's JSON API: one shape, with the field that is wrong.
import { bodyRefusalHeaders, HTTP_STATUS, knownFailure } from "../../errors.ts";

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
  return respond({ type, reason, message, field }, HTTP_STATUS[error.kind], headers);
}

const respond = (error: ErrorBody["error"], status: number, headers: Record<string, string>) =>
  Response.json({ error } satisfies ErrorBody, { status, headers: { ...headers, "cache-control": "no-store" } });
