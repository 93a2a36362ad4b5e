// An entry of the request log: one client request with its attempts.
import type { Json } from "./generation.ts";

/** One upstream call made for a request. */
export type AttemptRow = {
  tokenId: number;
  provider: string;
  family: string;
  startedAt: number;
  ms: number;
  /** `ok` or an ErrorKind. */
  outcome: string;
  reason: string | null;
  upstreamStatus: number | null;
};

/** What was asked for, where the operator has that recorded (`requests.record_payloads`). */
export type RequestPayload = {
  /** The latest text of the client, cut to 2,000 characters. */
  prompt: string;
  /** As decoded from the dialect; never images, URLs or secrets. */
  parameters: Record<string, Json>;
};

/** One inbound generation request, as the log stores it. Never a secret or a client's URL, and a prompt only in its payload. */
export type RequestRow = {
  id: string;
  at: number;
  ms: number;
  dialect: string;
  route: string;
  keyId: number | null;
  /** As the client wrote it, cut to 200 characters. */
  model: string;
  family: string | null;
  kind: "image" | "video" | null;
  /** `ok` or an ErrorKind. */
  outcome: string;
  message: string | null;
  images: number;
  videoSeconds: number;
  inputTokens: number;
  outputTokens: number;
  usd: number;
  stream: boolean;
  mediaIds: string[];
  attempts: AttemptRow[];
  /** Only on a single row, or where it is asked for. */
  payload?: RequestPayload;
  /** Only of a request that was turned away for what its client sent, before a token was asked for; `kind` is null where that was not known. */
  refusal?: Refusal;
};

/** Of refusals beyond a rate, one row stands for many. */
export type Refusal = {
  /** A machine word where the outcome alone is too coarse. */
  reason: string | null;
  /** Where it came from, where the operator has that recorded (`requests.record_addresses`). */
  address: string | null;
  /** Requests that this row stands for, at least 1. */
  times: number;
};

/** Why a request failed, in one machine word: that of its last call, where that failed; else of its refusal; else its outcome. */
export function failureReason({ outcome, attempts, refusal }: Pick<RequestRow, "outcome" | "attempts" | "refusal">): string {
  const last = attempts.at(-1);
  return refusal?.reason ?? (last && last.outcome !== "ok" ? callReason(last) : outcome);
}

/** Why a call failed, in one machine word. */
export const callReason = ({ reason, outcome }: Pick<AttemptRow, "reason" | "outcome">): string => reason ?? outcome;

/** A page of the request log: rows that match everything given, newest first. */
export type RequestFilter = {
  /** Id of the last row of the page before; absent: the newest page. A row that is gone by now: an empty page. */
  before?: string;
  /** Only rows newer than this one, by its id. */
  after?: string;
  limit: number;
  keyId?: number;
  /** At least one attempt was made with this token. */
  tokenId?: number;
  /** As the client wrote it. */
  model?: string;
  /** That served it, or was to. */
  family?: string;
  outcome?: string;
  /** A generation that ended with any outcome but `ok`. */
  failed?: boolean;
  /** Turned away before a generation began. */
  refused?: boolean;
  /** Failed for it (`failureReason`); with a token: a call of this token did (`callReason`). */
  reason?: string;
  /** With a token: a call of this token failed. */
  attemptFailed?: boolean;
  kind?: "image" | "video";
  /** Ended in [from, to), epoch ms. */
  from?: number;
  to?: number;
  /** Words of model, message and recorded prompt, the last one may be begun where no row has it whole; or the beginning of an id, from 6 characters on. */
  text?: string;
  /** Rows of these keys, and with a call of these tokens, match the text too: those whose names hold it. */
  textKeys?: readonly number[];
  textTokens?: readonly number[];
  /** Rows come with their payloads. */
  withPayload?: boolean;
};

/** Asks for counts of failures that ended in [from, to), epoch ms: by the hour, those of a key or a token by the UTC day. */
export type FailureQuery = {
  from: number;
  to: number;
  /** Requests of this key, or calls of this token; absent: all requests. */
  of?: { key: number } | { token: number };
  family?: string;
  outcome?: string;
  reason?: string;
};

/** Requests that failed alike; of a token, calls. */
export type FailureSum = {
  outcome: string;
  /** `failureReason` of a request, `callReason` of a call. */
  reason: string;
  /** Turned away before a generation began. */
  refused: boolean;
  count: number;
};

/** Failures of an hour or a day (its start, epoch ms), or calls of a token (its id). */
export type FailureCount = { group: number; count: number };
