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
  /** Only on a single row. */
  payload?: RequestPayload;
};

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
  outcome?: string;
  /** Any outcome but `ok`. */
  failed?: boolean;
  kind?: "image" | "video";
  /** Ended in [from, to), epoch ms. */
  from?: number;
  to?: number;
  /** Words of model and message, the last one may be begun where no row has it whole; or the beginning of an id, from 6 characters on. */
  text?: string;
};
