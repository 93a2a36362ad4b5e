// HTTP client for providers, SSRF guard and webhooks: explicit proxy, no redirects, failures as AppError.
import { systemClock } from "./clock.ts";
import { AppError } from "./errors.ts";
import { BRIDGE_HEADER, isSocks } from "./proxy-address.ts";
import { SocksBridges } from "./socks-bridges.ts";

export type HttpRequest = {
  method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | Blob | ReadableStream<Uint8Array>;
  /** Proxy of this call, HTTP or SOCKS5, or null for a direct connection. The environment's HTTP_PROXY never counts. */
  proxy: string | null;
  signal: AbortSignal;
  /** Name to verify in the certificate when the host of `url` is an IP address. */
  serverName?: string;
  /** False: return the bytes as sent, compressed or not. Default true. */
  decompress?: boolean;
};

/** Error codes of requests that were not sent. After any other failure the request may have arrived. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EPROTO",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "UnsupportedProxyProtocol",
  "ProxyConnectFailed",
  // The proxy did not open the tunnel in which the request would have been sent.
  "ERR_PROXY_TUNNEL",
]);

/** A URL without trailing slashes. */
export function withoutEndSlashes(url: string): string {
  let end = url.length;
  while (end > 0 && url[end - 1] === "/") end -= 1;
  return url.slice(0, end);
}

/** Host and port of a URL; empty when it is not one. */
export const hostAndPort = (url: string): string => URL.parse(url)?.host ?? "";

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");

/**
 * Sends one request and resolves with the response's head; the caller reads or cancels the body.
 * Redirects are not followed; 4xx and 5xx do not throw.
 * @throws {AppError} `network` (it was not sent), `upstream_unknown_outcome` (it may have arrived, without a response),
 * or the signal's own reason when that is an AppError (`cancelled`, `upstream_timeout`)
 */
export async function send(request: HttpRequest): Promise<Response> {
  try {
    return await sendRaw(request);
  } catch (error) {
    throw toNetworkError(error, request.signal);
  }
}

/** As {@link send}, with failures as they come: {@link toNetworkError} says what they mean. */
export const sendRaw = (request: HttpRequest): Promise<Response> =>
  request.proxy !== null && isSocks(request.proxy) ? sendBySocks(request, request.proxy) : sendByHttp(request);

const bridges = new SocksBridges(systemClock);

async function sendBySocks(request: HttpRequest, address: string): Promise<Response> {
  const { bridge, url } = await bridges.open(address).catch((cause) => {
    throw new AppError("network", "The upstream could not be reached: the way to the SOCKS proxy could not be opened.", { cause });
  });
  const refused = (cause?: unknown) => new AppError("network", `The upstream could not be reached: ${bridge.failure}.`, { cause });
  // Without a tunnel a connection belongs to one host.
  const response = await sendByHttp({ ...request, proxy: url }, request.url.startsWith("https:")).catch((error) => {
    throw bridge.failure !== "" && isTunnelFailure(error) ? refused(error) : error;
  });
  if (response.headers.get(BRIDGE_HEADER) !== bridge.credential) return response;
  await response.body?.cancel();
  throw refused();
}

const isTunnelFailure = (error: unknown) => codeOf(error) === "ERR_PROXY_TUNNEL";

function sendByHttp(request: HttpRequest, keepalive = true): Promise<Response> {
  return fetch(request.url, {
    keepalive,
    method: request.method ?? "GET",
    headers: request.headers,
    body: request.body,
    signal: request.signal,
    redirect: "manual",
    // `false` (unlike null or "") also disables HTTP_PROXY of the environment; missing in the types.
    proxy: (request.proxy ?? false) as string,
    decompress: request.decompress ?? true,
    tls: request.serverName ? { serverName: request.serverName } : undefined,
  } as BunFetchRequestInit);
}

/** A failure of `fetch` or of its body as AppError. Messages omit the URL, which may hold a secret. */
export function toNetworkError(error: unknown, signal: AbortSignal): AppError {
  if (error instanceof AppError) return error;
  if (signal.aborted) {
    if (signal.reason instanceof AppError) return signal.reason;
    return new AppError("cancelled", "The request was stopped.", { cause: error });
  }
  const code = codeOf(error);
  if (NEVER_SENT.has(code)) return new AppError("network", `The upstream could not be reached (${code}).`, { cause: error });
  return new AppError("upstream_unknown_outcome", `The upstream closed the connection without an answer (${code || "unknown"}).`, {
    cause: error,
    charged: true,
  });
}

/**
 * Reads a whole body of at most `maxBytes` bytes.
 * @throws {AppError} `upstream_unavailable` when it is longer, else as {@link toNetworkError}
 */
export async function readBody(response: Response, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readChunks(response, signal)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new AppError("upstream_unavailable", `The upstream's answer is longer than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes);
}

/** The body's chunks; abandoning the loop cancels the transfer. Failures as {@link toNetworkError}. */
export async function* readChunks(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  let finished = false;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
    finished = true;
  } catch (error) {
    finished = true;
    throw toNetworkError(error, signal);
  } finally {
    if (!finished) reader.cancel().catch(() => {});
  }
}
