// Calls to one of Google's APIs of the models: an honest name, the credential to its own origin only, refusals classified.
import { AppError } from "../../errors.ts";
import { type HttpRequest, readBody, send, sendRaw, withoutEndSlashes } from "../../http.ts";
import type { Log } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { noNews, type ReportNews, shapeOf } from "../news.ts";
import type { CallContext, ProviderModels, ProviderToken } from "../provider.ts";
import { readRefusal, toLookupError, withoutCost } from "./errors.ts";
import { GEMINI_API, type GoogleApi } from "./google-api.ts";

export type GeminiOptions = {
  /** Origin of the API without version, e.g. `https://generativelanguage.googleapis.com`. */
  baseUrl: string;
  models: ProviderModels;
  /** Epoch ms. */
  now: () => number;
  log: Log;
  /** Records what the API says that no table knows; default: nowhere. */
  news?: ReportNews;
  /** Waits so many ms between two polls of a file; default: real time. Rejects with the signal's reason. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type GeminiRequest = {
  /** Path below the base with version and query, e.g. `v1beta/models`; or a whole address, which gets the key on the base's origin only. */
  to: string;
  /** Default: POST with a body, else GET. */
  method?: "GET" | "POST";
  /** JSON, unless `headers` say otherwise. */
  body?: Uint8Array | Blob | string;
  headers?: Record<string, string>;
  /** True where the address itself is the credential. */
  keyless?: true;
  token: ProviderToken;
  signal: AbortSignal;
  /** Where a renewed credential is stored; absent: in memory alone. */
  remember?: CallContext["remember"];
};

/** What a call is made for: whose token, until when. */
export type Caller = Pick<GeminiRequest, "token" | "signal" | "remember">;

export type Credentials = Record<string, string>;

/** How an API is reached. */
export type Endpoint = {
  api: GoogleApi;
  /** Address of the token's calls, with a slash at its end. */
  baseOf(token: ProviderToken): URL;
  /** Path below that address of `models/…` and `interactions…`. @throws {AppError} `upstream_unauthorized` for an unusable secret */
  pathOf(token: ProviderToken, resource: string): string;
  /** Headers with the credential. Free. @throws {AppError} `upstream_unauthorized`, `network`, `upstream_unavailable` */
  credentialsOf(caller: Caller): Credentials | Promise<Credentials>;
  /** Replaces credentials that were refused; resolves with others, or null where there are none. @throws as `credentialsOf` */
  renew?(caller: Caller, refused: Credentials): Promise<Credentials | null>;
  /** The credential has ended: the next call gets another. */
  forget?(token: ProviderToken): void;
  /** Whose token it is, where the secret says so. */
  identityOf?(token: ProviderToken): string | undefined;
};

type Classify = (status: number, body: unknown, now: number) => AppError;

/** The call that makes an image. `to`: path of the model's method with version and query. */
export type GenerateRequest = Required<Pick<GeminiRequest, "to" | "body" | "token" | "signal" | "remember">>;

export type Transport = {
  /** Makes the credential ready, so that what fails then has not been sent. @throws {AppError} as {@link Endpoint.credentialsOf} */
  prepare(caller: Caller): Credentials | Promise<Credentials>;
  /** Sends the call that makes an image with such a credential, and hands over the response, whatever its status. @throws as `sendRaw` */
  generate(request: GenerateRequest, credentials: Credentials): Promise<Response>;
  /** The 200 of such a call whose response was none, with a renewed credential. @throws {AppError} the refusal */
  retryRefused(response: Response, request: GenerateRequest, credentials: Credentials): Promise<Response>;
  /** Sends and hands over the response, whatever its status. @throws {AppError} as `send`, `upstream_unauthorized` for what is no key */
  exchange(request: GeminiRequest): Promise<Response>;
  /** Sends and hands over the response when it is a 200. @throws {AppError} as `exchange` and `toAppError` */
  open(request: GeminiRequest): Promise<Response>;
  /** As `open`, for a call that costs nothing. @throws {AppError} nothing that says that it may be charged: `withoutCost` */
  ask(request: GeminiRequest): Promise<Response>;
  /** As `ask`, for a read of one thing of this key's project. @throws {AppError} also `not_found`: it is not there, or not any more */
  lookUp(thing: "interaction" | "file", request: GeminiRequest): Promise<Response>;
  /** Reads a refusal that `exchange` gave and classifies it. */
  refusalOf(response: Response, request: GeminiRequest, classify?: Classify): Promise<AppError>;
  /** An address as `exchange` goes to it. */
  addressOf(token: ProviderToken, to: string): URL;
  endpoint: Endpoint;
};

const MAX_ERROR_BODY = 256 * 1024;
const MAX_KNOWN = 50;
/** Images and videos do not compress; what is not compressed need not be unpacked. */
const ACCEPT = { accept: "*/*", "accept-encoding": "identity", "user-agent": `flow2api/${VERSION}` };
const GENERATE_HEADERS = { ...ACCEPT, "content-type": "application/json" };
const KEY_TEXT = /^[\x21-\x7e]+$/;

/** The endpoint of the Gemini API: one origin, a key. */
export function geminiEndpoint(baseUrl: string): Endpoint {
  const base = new URL(`${withoutEndSlashes(baseUrl)}/`);
  /** Of the methods of models, which are few; names of files and operations are not remembered. */
  const paths = new Map<string, string>();
  const addPath = (resource: string): string => {
    const path = `v1beta/${resource}`;
    if (paths.size < MAX_KNOWN && resource.startsWith("models/")) paths.set(resource, path);
    return path;
  };
  return {
    api: GEMINI_API,
    baseOf: () => base,
    pathOf: (_, resource) => paths.get(resource) ?? addPath(resource),
    credentialsOf: ({ token }) => ({ "x-goog-api-key": usableKey(token.secret) }),
  };
}

export function createTransport(options: Pick<GeminiOptions, "now" | "log" | "news">, endpoint: Endpoint): Transport {
  const { news = noNews } = options;
  const { api } = endpoint;
  const { provider } = api;
  const addressOf = (token: ProviderToken, to: string) => new URL(to, endpoint.baseOf(token));
  const knownModels = new Map<string, string>();

  /** The address of a model's method: the same few for all calls. */
  const modelAddressOf = (token: ProviderToken, to: string): string => {
    let href = knownModels.get(to);
    if (href) return href;
    href = addressOf(token, to).href;
    if (knownModels.size < MAX_KNOWN) knownModels.set(to, href);
    return href;
  };

  /** Other credentials in place of refused ones, and the refusal dropped: nothing was done, so that the same call may be sent again. */
  const renewed = async (response: Response, caller: Caller, refused: Credentials): Promise<Credentials | null> => {
    if (response.status !== 401 || !endpoint.renew) return null;
    const credentials = await endpoint.renew(caller, refused);
    if (credentials) await response.body?.cancel();
    return credentials;
  };

  const toHttp = ({ to, body, token, signal }: GenerateRequest, credentials: Credentials): HttpRequest => ({
    method: "POST",
    url: modelAddressOf(token, to),
    headers: { ...GENERATE_HEADERS, ...credentials },
    body,
    proxy: token.proxy,
    signal,
  });

  const generate = (request: GenerateRequest, credentials: Credentials): Promise<Response> => sendRaw(toHttp(request, credentials));

  const retryRefused = async (refused: Response, request: GenerateRequest, credentials: Credentials): Promise<Response> => {
    const others = await renewed(refused, request, credentials);
    const response = others ? await send(toHttp(request, others)) : refused;
    if (response.status === 200) return response;
    throw await refusalOf(response, request);
  };

  const exchange = async (request: GeminiRequest): Promise<Response> => {
    const { token, keyless } = request;
    const url = addressOf(token, request.to);
    if (keyless || url.origin !== endpoint.baseOf(token).origin) return exchangeWith(request, url, {});
    const credentials = await endpoint.credentialsOf(request);
    const response = await exchangeWith(request, url, credentials);
    const others = await renewed(response, request, credentials);
    return others ? exchangeWith(request, url, others) : response;
  };

  const refusalOf = async (response: Response, { token, signal }: GeminiRequest, classify?: Classify): Promise<AppError> => {
    const { status } = response;
    const body = await readErrorBody(response, signal);
    const now = options.now();
    const read = readRefusal(status, body, now, api);
    const error = classify ? classify(status, body, now) : read.error;
    if (body === null) news({ provider, kind: "unreadable", word: `HTTP ${status}`, shape: typeOf(response) });
    for (const { kind, word } of read.unknown) news({ provider, kind, word, shape: shapeOf(body) });
    const { kind, detail } = error;
    options.log.debug(`${provider} refused a call`, { tokenId: token.id, status: response.status, kind, detail });
    return error;
  };

  const openAs = async (request: GeminiRequest, classify?: Classify): Promise<Response> => {
    const response = await exchange(request);
    if (response.status === 200) return response;
    throw await refusalOf(response, request, classify);
  };

  const free = async (request: GeminiRequest, classify?: Classify): Promise<Response> => {
    try {
      return await openAs(request, classify);
    } catch (error) {
      throw withoutCost(error, request.signal);
    }
  };

  return {
    prepare: endpoint.credentialsOf,
    generate,
    retryRefused,
    exchange,
    open: (request) => openAs(request),
    ask: (request) => free(request),
    lookUp: (thing, request) => free(request, (status, body, now) => toLookupError(thing, { status, body, now, api })),
    refusalOf,
    addressOf,
    endpoint,
  };
}

function exchangeWith({ method, body, headers, token, signal }: GeminiRequest, url: URL, credentials: Credentials): Promise<Response> {
  return send({
    method: method ?? (body === undefined ? "GET" : "POST"),
    url: url.href,
    headers: {
      ...ACCEPT,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
      ...credentials,
    },
    body,
    proxy: token.proxy,
    signal,
  });
}

/** The body of a refusal as JSON, or null when it is none or cannot be read: the status says enough. */
async function readErrorBody(response: Response, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse(withoutGuard(Buffer.from(await readBody(response, MAX_ERROR_BODY, signal)).toString()));
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

/** Google's front ends put these characters before JSON now and then, so that no page runs it as a script. */
const withoutGuard = (text: string): string => (text.startsWith(")]}'") ? text.slice(4) : text);

/** What a body that is no JSON claims to be. */
const typeOf = (response: Response): string => (response.headers.get("content-type") ?? "nothing").split(";")[0]!.slice(0, 60);

/**
 * A key that can stand in a header; `fetch` would fail on others as if the network were broken.
 * @throws {AppError} `upstream_unauthorized`
 */
export function usableKey(secret: string): string {
  if (KEY_TEXT.test(secret)) return secret;
  throw new AppError("upstream_unauthorized", "This token is no key of the Gemini API.", {
    detail: { scope: "token", reason: "key_invalid" },
  });
}
