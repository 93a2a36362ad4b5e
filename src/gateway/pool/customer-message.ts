// An error in the words of a customer: what happened, when to come again, whether it was charged; nothing of the server's inside. Pure.
import type { AppError, ErrorKind } from "../../errors.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** "40 s", "12 min", "10 h 51 min", "3 d 4 h". What is under an hour is rounded up, so that coming back then is not too early. */
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

/** Kinds whose message is for the operator, with what a customer is told. */
const WORDS: Partial<Record<ErrorKind, string>> = {
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

/** Words of the server's inside. A message of another kind that holds one is replaced. */
const INSIDE = /\b(?:tokens?|projects?|pool|upstreams?|accounts?|prox(?:y|ies)|sockets?|sessions?|cookies?|credentials?)\b/i;
/** Node's names of network failures. */
const ERRNO = /\bE[A-Z]{4,}\b/;
/** Kinds whose messages are the caller's own business or the model's own words. */
const OWN_WORDS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
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
/** What a model refused names what is wrong with the request, unless it speaks of the account. */
const OF_ACCOUNT = /\b(?:projects?|api keys?|accounts?|credentials?|pool|prox(?:y|ies)|upstreams?)\b/i;

const isInside = (message: string) => INSIDE.test(message) || ERRNO.test(message);
const NOT_REPEATED = "It may have been charged and was not repeated.";

/** What is said when an identical request is told the outcome of the one before. */
const TOLD_AGAIN =
  "This is how the same request ended before: for ten minutes it is told again. For a new call change the request, or send the header x-flow2api-retry: 1.";

/** What a client is told. */
export function customerMessage(error: AppError): string {
  const words = messageOf(error);
  return error.joined ? `${words} ${TOLD_AGAIN}` : words;
}

function messageOf(error: AppError): string {
  const { kind, message } = error;
  if (error.customer) return withCharge(error, error.customer);
  if (OWN_WORDS.has(kind)) return message;
  if (kind === "upstream_invalid") return OF_ACCOUNT.test(message) || ERRNO.test(message) ? "The model refused the request." : message;
  // Said in the same words each time: it is what a newcomer's operator has to do.
  if (/billing/i.test(message)) return message;
  const words = WORDS[kind];
  if (!words) return isInside(message) ? "The server could not complete the request." : withCharge(error, message);
  if (kind === "busy" && !isInside(message)) return message;
  const what = (error.reason && BY_REASON[error.reason]) ?? words;
  const when = error.retryAfterMs === undefined || error.charged ? "" : ` Try again in ${formatWait(error.retryAfterMs)}.`;
  return withCharge(error, what + when);
}

function withCharge({ charged, kind }: AppError, words: string): string {
  if (charged || kind === "upstream_unknown_outcome") return `${words} ${NOT_REPEATED}`;
  return WORDS[kind] && kind !== "upstream_timeout" ? `${words} Nothing was charged.` : words;
}
