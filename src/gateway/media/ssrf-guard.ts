// SSRF guard: sends to a client-named host, public addresses only, resolved once and pinned, no proxy.
import { AppError } from "../../errors.ts";
import { type HttpRequest, send } from "../../http.ts";
import { canonicalHost, hostOf, isAddress, isPrivateName, isPublicAddress, isRefusedPort } from "./addresses.ts";

export type GuardDependencies = {
  /** Hosts, exactly as in the URL, that may be private. */
  allowPrivateHosts: readonly string[];
  /** All addresses of a name. Default: the system's resolver. */
  resolve?: (host: string) => Promise<string[]>;
  send?: typeof send;
};

/** What is wrong with the client's URL. The message may name the host, never path, query or credentials. */
export type Refuse = (message: string) => AppError;

export type GuardedRequest = Pick<HttpRequest, "method" | "headers" | "body" | "decompress" | "signal"> & { url: URL; refuse: Refuse };

/**
 * Sends to the first checked address that can be reached; redirects are not followed.
 * @throws {AppError} what `refuse` makes of a host that is not public, cannot be resolved or reached; else as `send` of http.ts
 */
export type GuardedSend = (request: GuardedRequest) => Promise<Response>;

const MAX_URL_LENGTH = 8192;
const MAX_ADDRESSES_TRIED = 3;

/** Node's module is loaded with the first name. */
async function lookUp(host: string): Promise<string[]> {
  const { lookup } = process.getBuiltinModule("node:dns/promises");
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The address that was checked is the address that is dialled. */
export function createGuardedSend(deps: GuardDependencies): GuardedSend {
  const { resolve = lookUp, send: sendRequest = send } = deps;
  const allowed = new Set(deps.allowPrivateHosts.map(canonicalHost));

  /** The addresses that may be dialled: resolved once, and refused together when one of them is not public. */
  async function addressesOf({ url, signal, refuse }: GuardedRequest): Promise<string[]> {
    const host = hostOf(url);
    const isAllowed = allowed.has(host);
    if (!isAllowed && isPrivateName(host)) throw refuse(`The URL's host ${host} is not on the public internet.`);
    const addresses = isAddress(host) ? [host] : await orAbort(resolve(host), signal).catch(() => []);
    if (addresses.length === 0) throw refuse(`The URL's host ${host} cannot be resolved.`);
    if (!isAllowed && !addresses.every(isPublicAddress)) throw refuse(`The URL's host ${host} is not on the public internet.`);
    return addresses;
  }

  return async (request) => {
    const { url, refuse, headers, ...rest } = request;
    const host = hostOf(url);
    for (const address of (await addressesOf(request)).slice(0, MAX_ADDRESSES_TRIED)) {
      try {
        return await sendRequest({
          ...rest,
          url: pinnedUrl(url, address),
          headers: { ...headers, host: url.host },
          serverName: url.protocol === "https:" && !isAddress(host) ? host : undefined,
          proxy: null,
        });
      } catch (error) {
        if (!(error instanceof AppError) || error.kind !== "network") throw error;
      }
    }
    throw refuse(`The URL's host ${host} cannot be reached, or its certificate is not valid.`);
  };
}

/** A URL as a client may name it, relative to `base` if that is given. */
export function parseGuardedUrl(text: string, base: URL | undefined, refuse: Refuse): URL {
  if (text.length > MAX_URL_LENGTH) throw refuse(`The URL is longer than ${MAX_URL_LENGTH} characters.`);
  const url = URL.parse(text, base?.href);
  if (!url) throw refuse("The URL is not valid.");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refuse("The URL must begin with http:// or https://.");
  if (url.username || url.password) throw refuse("The URL must not hold a user name or password.");
  if (isRefusedPort(url)) throw refuse(`The URL's port ${url.port} is not allowed.`);
  return url;
}

/** The same resource at a checked address. */
function pinnedUrl(url: URL, address: string): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${url.protocol}//${host}${url.port ? `:${url.port}` : ""}${url.pathname}${url.search}`;
}

/** `promise`, unless `signal` aborts first. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
