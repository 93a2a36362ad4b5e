// Calls to Flow: an honest name, credentials to their own origin only, refusals classified.
import { AppError } from "../../errors.ts";
import { readChunks, send, toNetworkError, withoutEndSlashes } from "../../http.ts";
import type { Log } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { readJson } from "../json-stream.ts";
import { noNews, type ReportNews, shapeOf } from "../news.ts";
import type { ProviderModels } from "../provider.ts";
import { SESSION_COOKIE } from "./convert.ts";
import { classifyRefusal, type Operation, unknownWords, wordsOf } from "./errors.ts";

export type FlowOptions = {
  /** Session, projects and links, e.g. `https://labs.google/fx/api`; gets the session cookie and nothing else. */
  labsBaseUrl: string;
  /** Generation, e.g. `https://aisandbox-pa.googleapis.com/v1`; gets the access token and nothing else. */
  apiBaseUrl: string;
  models: ProviderModels;
  /** Epoch ms. */
  now: () => number;
  /** A number in [0, 1). */
  random: () => number;
  log: Log;
  /** Records what Flow says that no table knows; default: nowhere. */
  news?: ReportNews;
};

export type FlowRequest = {
  operation: Operation;
  /** Path below the base of its origin, query included; one that begins with a colon follows the base without a slash. */
  path: string;
  /** A cookie goes to Labs, an access token to the API. */
  auth: { cookie: string } | { accessToken: string };
  /** Present: POST of this JSON, or of these bytes that are JSON already. */
  body?: object | Uint8Array;
  /** Sends the body as `text/plain;charset=UTF-8`: what Flow's page does for videos. */
  asText?: true;
  proxy: string | null;
  signal: AbortSignal;
};

export type Transport = {
  /** Sends and hands over the response, whatever its status. @throws {AppError} as `send` */
  exchange(request: FlowRequest): Promise<Response>;
  /** Sends and hands over the response's unread body when it is a success. @throws {AppError} as `send` and `classifyRefusal` */
  open(request: FlowRequest): Promise<Response>;
  /**
   * A call that costs nothing and may be repeated: within `limitMs`, response parsed.
   * @throws {AppError} `network` for every way of getting no response, `upstream_unavailable` for one that is not JSON, else as `open`
   */
  ask(request: FlowRequest & { limitMs: number }): Promise<{ body: unknown; headers: Headers }>;
};

/** Longest response that is not media. */
const MAX_ANSWER = 8 * 1024 * 1024;
const MAX_REFUSAL = 256 * 1024;
/** Who we are, said plainly to every server. */
export const USER_AGENT = `flow2api/${VERSION}`;

/** Flow's two origins behind one door. */
export function createTransport(options: Pick<FlowOptions, "labsBaseUrl" | "apiBaseUrl" | "now" | "log" | "news">): Transport {
  const { news = noNews } = options;
  const exchange = (request: FlowRequest): Promise<Response> => {
    const { auth, body } = request;
    const base = "cookie" in auth ? options.labsBaseUrl : options.apiBaseUrl;
    const credential: Record<string, string> =
      "cookie" in auth ? { cookie: `${SESSION_COOKIE}=${auth.cookie}` } : { authorization: `Bearer ${auth.accessToken}` };
    return send({
      method: body ? "POST" : "GET",
      url: `${withoutEndSlashes(base)}${request.path.startsWith(":") ? "" : "/"}${request.path}`,
      headers: {
        accept: "application/json",
        "user-agent": USER_AGENT,
        ...credential,
        ...(body ? { "content-type": request.asText ? "text/plain;charset=UTF-8" : "application/json" } : {}),
      },
      body: body instanceof Uint8Array ? body : body && JSON.stringify(body),
      proxy: request.proxy,
      signal: request.signal,
    });
  };

  const open = async (request: FlowRequest): Promise<Response> => {
    const response = await exchange(request);
    if (response.ok) return response;
    const body = await readRefusal(response, request.signal);
    const refusal = { status: response.status, body, retryAfter: response.headers.get("retry-after") };
    const error = classifyRefusal(request.operation, refusal, options.now());
    for (const { kind, word } of unknownWords(request.operation, refusal)) news({ provider: "flow", kind, word, shape: shapeOf(body) });
    if (body === undefined) news({ provider: "flow", kind: "unreadable", word: `HTTP ${response.status}`, shape: request.operation });
    // A form that Flow does not take is the first sign of a changed wire: the operator should see it.
    const level = error.kind === "upstream_invalid" ? "warn" : "debug";
    options.log[level]("flow refused a call", {
      operation: request.operation,
      status: response.status,
      words: wordsOf(body),
      kind: error.kind,
    });
    throw error;
  };

  return {
    exchange,
    open,
    async ask({ limitMs, ...request }) {
      using limit = withLimit(request.signal, limitMs);
      try {
        const response = await open({ ...request, signal: limit.signal });
        return { body: await readResponse(response, limit.signal), headers: response.headers };
      } catch (error) {
        throw withoutCost(error);
      }
    },
  };
}

/** `signal`, or its own end after `limitMs` with `reason`, else one of kind `network`. Dispose it when the work is done. */
export function withLimit(signal: AbortSignal, limitMs: number, reason?: AppError): Disposable & { signal: AbortSignal } {
  const limit = new AbortController();
  const end = () => limit.abort(reason ?? new AppError("network", `Flow did not answer within ${limitMs / 1000} s.`));
  const timer = setTimeout(end, limitMs);
  return { signal: AbortSignal.any([signal, limit.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Reads a response that is JSON. @throws {AppError} as `readJson` and `toNetworkError` */
export function readResponse(response: Response, signal: AbortSignal): Promise<unknown> {
  return readJson(readChunks(response, signal), MAX_ANSWER);
}

/** The body of a refusal as far as it is JSON; the status alone decides when it is not. */
async function readRefusal(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return await readJson(readChunks(response, signal), MAX_REFUSAL);
  } catch (error) {
    if (signal.aborted) throw toNetworkError(error, signal);
    return undefined;
  }
}

/** Nothing is at stake when a call that costs nothing got no response: it counts as not made. */
export function withoutCost(error: unknown): unknown {
  if (!(error instanceof AppError) || error.kind !== "upstream_unknown_outcome") return error;
  return new AppError("network", error.message, { cause: error });
}
