// OpenAI error envelope: status, type and code of every ErrorKind.
// Source: docs/wire/openai.md.
import { type GenerateEvent, noImageText } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import { AppError, bodyRefusalHeaders, type ErrorKind, knownFailure } from "../../errors.ts";
import { failureOf } from "../../gateway/jobs/job-state.ts";
import { customerMessage } from "../../gateway/pool/customer-message.ts";
import { refusalText } from "./chat/encode.ts";

type Row = { status: number; type: string; code: string | null; retry?: false };

const TABLE = {
  invalid_request: { status: 400, type: "invalid_request_error", code: "invalid_value" },
  not_found: { status: 404, type: "invalid_request_error", code: "not_found" },
  conflict: { status: 409, type: "invalid_request_error", code: "conflict", retry: false },
  payload_too_large: { status: 413, type: "invalid_request_error", code: "request_too_large" },
  request_timeout: { status: 408, type: "invalid_request_error", code: "request_timeout" },
  unsupported_media_type: { status: 415, type: "invalid_request_error", code: "unsupported_media_type" },
  unauthorized: { status: 401, type: "invalid_request_error", code: "invalid_api_key" },
  forbidden: { status: 403, type: "invalid_request_error", code: "model_not_allowed" },
  limit_exceeded: { status: 429, type: "insufficient_quota", code: "insufficient_quota", retry: false },
  content_policy: { status: 400, type: "image_generation_user_error", code: "moderation_blocked" },
  no_result: { status: 400, type: "image_generation_user_error", code: "no_image_generated" },
  no_token: { status: 503, type: "server_error", code: "no_token", retry: false },
  busy: { status: 429, type: "requests", code: "rate_limit_exceeded" },
  unavailable: { status: 503, type: "server_error", code: "server_unavailable" },
  network: { status: 502, type: "server_error", code: "upstream_error" },
  upstream_rate_limited: { status: 429, type: "requests", code: "rate_limit_exceeded" },
  upstream_quota: { status: 429, type: "requests", code: "rate_limit_exceeded", retry: false },
  upstream_unauthorized: { status: 502, type: "server_error", code: "upstream_error" },
  upstream_model_denied: { status: 503, type: "server_error", code: "model_unavailable", retry: false },
  upstream_verification: { status: 503, type: "server_error", code: "upstream_verification", retry: false },
  upstream_invalid: { status: 400, type: "invalid_request_error", code: "upstream_invalid", retry: false },
  upstream_unavailable: { status: 503, type: "server_error", code: "overloaded" },
  upstream_timeout: { status: 504, type: "server_error", code: "timeout", retry: false },
  upstream_unknown_outcome: { status: 502, type: "server_error", code: "upstream_error", retry: false },
  cancelled: { status: 499, type: "server_error", code: "cancelled", retry: false },
} as const satisfies Record<ErrorKind, Row>;

/** An unreadable response is a bad gateway, not an overloaded upstream. */
const BAD_GATEWAY: Row = TABLE.network;

function rowOf({ kind, detail }: AppError): Row {
  const isBad = kind === "upstream_unavailable" && (detail?.reason === "malformed" || detail?.reason === "cut_off");
  return isBad ? BAD_GATEWAY : TABLE[kind];
}

/** Longest wait that clients obey, in seconds; above it they use their own. */
const MAX_RETRY_AFTER_S = 60;

export type ErrorBody = {
  error: {
    message: string;
    type: string;
    param: string | null;
    code: string | null;
    moderation_details?: { moderation_stage: "input" | "output"; categories: string[] };
  };
};

/** Body of an error. Anything but an AppError is a bug and reveals nothing. */
export function errorBody(thrown: unknown): ErrorBody {
  const error = knownFailure(thrown);
  if (!error) {
    return { error: { message: "Internal error", type: "server_error", param: null, code: "internal_error" } };
  }
  const row = rowOf(error);
  const type = error.kind === "limit_exceeded" && error.reason === "rate_limit_exceeded" ? "requests" : row.type;
  const stage = error.detail?.reason === "policy_input" ? "input" : "output";
  return {
    error: {
      message: customerMessage(error),
      type,
      param: error.param ?? null,
      code: error.reason ?? row.code,
      ...(error.kind === "content_policy" ? { moderation_details: { moderation_stage: stage, categories: [] } } : {}),
    },
  };
}

/** Status of an error; 500 for a bug. */
export function errorStatus(error: unknown): number {
  const known = knownFailure(error);
  return known ? rowOf(known).status : 500;
}

/**
 * Headers that steer a client's automatic retries: `x-should-retry: false` wherever an upstream may have charged or waiting
 * does not help, `Retry-After` (whole seconds, 1 to 60) where it does.
 */
export function errorHeaders(thrown: unknown): Record<string, string> {
  const error = knownFailure(thrown);
  if (!error) return { "x-should-retry": "false" };
  const row = rowOf(error);
  const limitedByRate = error.kind === "limit_exceeded" && error.reason === "rate_limit_exceeded";
  const headers = bodyRefusalHeaders(error);
  if (error.charged || (row.retry === false && !limitedByRate)) headers["x-should-retry"] = "false";
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.max(1, Math.min(MAX_RETRY_AFTER_S, Math.ceil(error.retryAfterMs / 1000)));
    headers["retry-after"] = String(seconds);
    headers["retry-after-ms"] = String(Math.min(seconds * 1000, Math.max(1, Math.ceil(error.retryAfterMs))));
  }
  if (error.kind === "unauthorized") headers["www-authenticate"] = "Bearer";
  if (error.joined) headers["x-flow2api-joined"] = error.joined;
  return headers;
}

/** Response for a failure before anything was sent. */
export function errorResponse(error: unknown): Response {
  return Response.json(errorBody(error), { status: errorStatus(error), headers: errorHeaders(error) });
}

export type Done = Extract<GenerateEvent, { type: "done" }>;

/** A content policy refusal, with the stage that refused. */
export function refusalOf(done: Done): AppError {
  const reason = done.finish === "policy_input" ? "policy_input" : "policy_output";
  return new AppError("content_policy", refusalText(done), { detail: { scope: "request", reason } });
}

/** A generation that ended without an image; `text`: what the model returned instead. */
export function withoutImage(done: Done, text: string): AppError {
  if (done.finish.startsWith("policy")) return refusalOf(done);
  const message = text.trim() || done.message || noImageText(done.upstreamReason);
  return new AppError("no_result", message, { detail: { scope: "request", reason: done.finish === "length" ? "cut_off" : "text_only" } });
}

/** The failure of a job that ended without a result. */
export function jobFailure(job: Pick<Job, "state" | "error">): AppError {
  const failure = failureOf(job);
  if (!failure) throw new Error(`A job in state ${job.state} has not failed`);
  return failure;
}
