// Customer message of an error: what happened, when to retry, whether it was charged; no internals of the server. Pure.
import type { AppError, ErrorKind } from "../../errors.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "40 s", "12 min", "10 h 51 min", "3 d 4 h". Under an hour it is rounded up, so that a retry then is not too early. */
export function formatWait(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = seconds < 3600 ? Math.ceil(seconds / 60) : Math.round(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return `${minutes} min`;
  if (hours < 48) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  const [days, left] = [Math.floor(hours / 24), hours % 24];
  return left === 0 ? `${days} d` : `${days} d ${left} h`;
}

/** "10 h 51 min (08:00 UTC)"; with the day where it is not within one. `until` and `now` are epoch ms. */
export function formatWaitUntil(until: number, now: number): string {
  const wait = until - now;
  if (!Number.isFinite(until) || wait < MINUTE_MS) return formatWait(wait);
  const at = new Date(Math.ceil(until / MINUTE_MS) * MINUTE_MS).toISOString();
  return `${formatWait(wait)} (${wait < DAY_MS ? at.slice(11, 16) : `${at.slice(0, 10)} ${at.slice(11, 16)}`} UTC)`;
}

/** Kinds whose message is for the operator, with the message for customers. */
const MESSAGES: Partial<Record<ErrorKind, string>> = {
  network: "The service that makes the results could not be reached.",
  no_token: "This server cannot serve this model at present.",
  busy: "This server is busy with other requests.",
  upstream_rate_limited: "There are too many requests for this model at the moment.",
  upstream_quota: "What this server may make with this model is used up for now.",
  upstream_unauthorized: "This server's access to the model does not work at present; its operator has to act.",
  upstream_model_denied: "This model is not available on this server.",
  upstream_verification: "This server's access to the model does not work at present; its operator has to act.",
  upstream_unavailable: "The model is overloaded or not available at the moment.",
  upstream_timeout: "The model did not finish in time.",
  upstream_unknown_outcome: "The request was sent to the model and its result never arrived; the operator decides what becomes of it.",
};

const BY_REASON: Readonly<Record<string, string>> = {
  no_tokens: "This server is not set up to make anything yet; its operator has to act.",
  needs_operator: "This server cannot serve this model until its operator acts; tell the operator of this server.",
  caps: "The limits that this server's operator set do not allow this request.",
  model_not_served: "This model is not available on this server at present; GET /v1/models lists those that are.",
  token_gone: "What this request goes on from cannot be used here any more.",
  all_tried: "This request could not be served, although every way was tried.",
};

/** Internal terms. A message of another kind that holds one is replaced. */
const INTERNAL = /\b(?:tokens?|projects?|pool|upstreams?|accounts?|prox(?:y|ies)|sockets?|sessions?|cookies?|credentials?)\b/i;
/** Node's names of network failures, e.g. ECONNRESET. */
const ERRNO = /\bE[A-Z]{4,}\b/;
/** Kinds whose messages are about the caller's own request, or are the model's own text. */
const SHOWN_AS_IS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  "invalid_request",
  "not_found",
  "conflict",
  "payload_too_large",
  "unauthorized",
  "forbidden",
  "limit_exceeded",
  "content_policy",
  "no_result",
]);
/** The message of a refused request says what is wrong with it, unless it is about the account. */
const OF_ACCOUNT = /\b(?:projects?|api keys?|accounts?|credentials?|pool|prox(?:y|ies)|upstreams?)\b/i;

const isInternal = (message: string) => INTERNAL.test(message) || ERRNO.test(message);
const NOT_REPEATED = "It may have been charged and was not repeated.";

/** Added when an identical request gets the outcome of an earlier one. */
const REPEATED_OUTCOME =
  "This is how the same request ended before: for ten minutes it is returned again. For a new call change the request, or";

/** The message that a client receives. @param again how its dialect asks for a new call */
export function customerMessage(error: AppError, again = "send the header x-flow2api-retry: 1"): string {
  const words = baseMessage(error);
  return error.joined ? `${words} ${REPEATED_OUTCOME} ${again}.` : words;
}

function baseMessage(error: AppError): string {
  const { kind, message } = error;
  if (error.customer) return withChargeNote(error, error.customer);
  if (SHOWN_AS_IS.has(kind)) return message;
  if (kind === "upstream_invalid") return OF_ACCOUNT.test(message) || ERRNO.test(message) ? "The model refused the request." : message;
  // Always the same text: it says what the operator of a new installation has to do.
  if (/billing/i.test(message)) return message;
  const words = MESSAGES[kind];
  if (!words) return isInternal(message) ? "The server could not complete the request." : withChargeNote(error, message);
  if (kind === "busy" && !isInternal(message)) return message;
  const what = (error.reason && BY_REASON[error.reason]) ?? words;
  const when = error.retryAfterMs === undefined || error.charged ? "" : ` Try again in ${formatWait(error.retryAfterMs)}.`;
  return withChargeNote(error, what + when);
}

function withChargeNote({ charged, kind }: AppError, words: string): string {
  if (charged || kind === "upstream_unknown_outcome") return `${words} ${NOT_REPEATED}`;
  return MESSAGES[kind] && kind !== "upstream_timeout" ? `${words} Nothing was charged.` : words;
}
