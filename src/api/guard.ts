// API guard: access to every path, decided before a body is read. Unlisted paths need a key.

import { timingSafeEqual } from "node:crypto";
import type { KeyRow } from "../domain/key.ts";
import { AppError } from "../errors.ts";
import { hashKey, type Keys, refusalOf } from "../gateway/keys/keys.ts";
import { clientAddress, inRanges } from "./address.ts";
import { type Dialect, dialectOf, splitUrl } from "./dialect.ts";
import type { PluginGuard } from "./plugin.ts";

/**
 * `open`: without a key; one that is presented is still recognised. `metrics`: loopback or the metrics token.
 * `plugin`: the connection token; while none is set, the path does not exist.
 * `admin`: `src/admin/auth/guard.ts` decides; on a listener without the admin the path does not exist.
 */
type Access = "open" | "key" | "metrics" | "plugin" | "admin";

/** The admin, the front page, and addresses that lead there. */
const ADMIN_PATHS = /^\/(admin(\/.*)?|manage|login|test)?$/;

const RULES: readonly { path: RegExp; access: Access; cors: boolean }[] = [
  { path: /^\/(health|ready)$/, access: "open", cors: false },
  { path: /^\/openapi\.json$/, access: "open", cors: true },
  { path: /^\/media\//, access: "open", cors: true },
  { path: /^\/metrics$/, access: "metrics", cors: false },
  { path: /^\/api\/plugin\/(update-token|check-tokens)$/, access: "plugin", cors: false },
  // Address of a started upload: unguessable, and some clients send no key with it.
  { path: /^\/upload\/v1(beta1?|alpha)?\/files\/[a-z2-7]{26}$/, access: "open", cors: true },
  { path: ADMIN_PATHS, access: "admin", cors: false },
  { path: /^\/(v1|v1beta1?|v1alpha|upload|models)(\/|$)/, access: "key", cors: true },
];
/** Paths of the admin's own listener beside the admin: its pages show media. */
const ADMIN_LISTENER_PATHS = /^\/(media\/.+|health)$/;
const CLOSED = { access: "key", cors: false } as const;

/** `?key=` is Google's form of a credential: accepted for the Gemini dialect and downloads only. */
const QUERY_KEY_PATHS =
  /^\/(v1beta(?!\/openai(\/|$))|v1beta1|v1alpha|upload|models|media)(\/|$)|^\/v1\/(models|files|operations|interactions|publishers|projects)(\/|$)/;

const CORS_HEADERS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "*",
} as const;

const PREFLIGHT_HEADERS = {
  ...CORS_HEADERS,
  "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
  "access-control-max-age": "86400",
  vary: "access-control-request-headers",
} as const;

/** The key and address behind a request. */
export type Caller = { key: KeyRow; address: string | null };

export type Verdict = {
  /** Envelope of a refusal. */
  dialect: Dialect | "plugin";
  /** Headers of every response to this request. */
  headers: Readonly<Record<string, string>>;
  /** A response that ends the request; `admin`: the AdminGuard decides. */
  refusal: AppError | "preflight" | "admin" | null;
};

/** What the listener of a request serves. */
export type Listener = "all" | "api" | "admin";

export type Guard = {
  /** Decides about a request and stores its caller. Does not read the body. */
  decide(request: Request, peer: string | null, listener?: Listener): Verdict;
  /** Caller of a request admitted with a key, else null. */
  callerOf(request: Request): Caller | null;
};

/** A request, its URL taken apart, and the address of its connection. */
type Arrival = { request: Request; path: string; query: string; peer: string | null };

type GuardOptions = {
  keys: Keys;
  now: () => number;
  trustProxy: readonly string[];
  metricsToken: string;
  /** Demo: the accepted `Host` names. Null: any. */
  hosts: ReadonlySet<string> | null;
  /** Absent: there are no routes for the companion extension. */
  plugin?: PluginGuard;
  /** Hint after "Unknown request URL". */
  hint?: (request: Request) => string;
};

export function createGuard({ keys, now, trustProxy, metricsToken, hosts, plugin, hint }: GuardOptions): Guard {
  const callers = new WeakMap<Request, Caller>();

  const authenticate = ({ request, path, query, peer }: Arrival): AppError | null => {
    const presented = presentedKey(request.headers, QUERY_KEY_PATHS.test(path) ? query : "");
    if (!presented) return unauthorized('Missing API key. Send it as "Authorization: Bearer YOUR_KEY".');
    const key = keys.find(presented);
    if (!key) return unauthorized(UNKNOWN_KEY);
    const address = clientAddress(peer, request.headers, trustProxy);
    const refusal = refusalOf(key, now(), address, (cidrs, from) => inRanges(cidrs as string[], from));
    if (refusal) return key.revokedAt === null && key.enabled ? new AppError("forbidden", refusal) : unauthorized(refusal);
    callers.set(request, { key, address });
    return null;
  };

  const admits = (access: Access, arrival: Arrival): AppError | null => {
    const { request, path, peer } = arrival;
    if (access === "metrics")
      return mayReadMetrics(request.headers, peer, metricsToken)
        ? null
        : unauthorized("Metrics are for this machine, or need the metrics token.");
    if (access === "plugin" && plugin?.isOpen()) return plugin.refusalOf(request.headers, clientAddress(peer, request.headers, trustProxy));
    const refusal = authenticate(arrival);
    if (access === "admin" || access === "plugin") return refusal ?? unknownUrl(request.method, path, hint?.(request));
    return access === "open" ? null : refusal;
  };

  return {
    callerOf: (request) => callers.get(request) ?? null,
    decide(request, peer, listener = "all") {
      const { path, query } = splitUrl(request.url);
      const rule = RULES.find((one) => one.path.test(path)) ?? CLOSED;
      const outside = { path, query, header: (name: string) => request.headers.get(name) };
      const dialect = rule.access === "plugin" && plugin?.isOpen() ? "plugin" : dialectOf(outside);
      if (hosts && !hosts.has(hostName(request.headers.get("host")))) {
        return { dialect, headers: {}, refusal: hostNotAllowed() };
      }
      if (rule.access === "admin" && listener !== "api") return { dialect, headers: {}, refusal: "admin" };
      if (rule.access !== "admin" && listener === "admin" && !ADMIN_LISTENER_PATHS.test(path))
        return { dialect, headers: {}, refusal: unknownUrl(request.method, path, hint?.(request)) };
      // The companion extension calls from a page of its own origin; python-flow2api allows every origin.
      const hasCors = rule.cors || dialect === "plugin";
      if (request.method === "OPTIONS" && hasCors) {
        const asked = request.headers.get("access-control-request-headers") ?? "authorization, content-type";
        return { dialect, headers: { ...PREFLIGHT_HEADERS, "access-control-allow-headers": asked }, refusal: "preflight" };
      }
      return { dialect, headers: hasCors ? CORS_HEADERS : {}, refusal: admits(rule.access, { request, path, query, peer }) };
    },
  };
}

const hostNotAllowed = () =>
  new AppError("forbidden", "The demo answers only on this machine's own names.", { reason: "host_not_allowed" });

const unauthorized = (message: string) => new AppError("unauthorized", message, { reason: "invalid_api_key" });

const UNKNOWN_KEY = "Incorrect API key provided.";

/** True when the key is unknown: another process may have stored it since the last reload. */
export const isUnknownKey = ({ refusal }: Verdict): boolean => refusal instanceof AppError && refusal.message === UNKNOWN_KEY;

/** Error for a path without a route. */
export function unknownUrl(method: string, path: string, hint = ""): AppError {
  const message = `Unknown request URL: ${method} ${path.slice(0, 200)}.${hint && ` ${hint}`}`;
  return new AppError("not_found", message, { reason: "unknown_url" });
}

const hostName = (host: string | null) => (host ?? "").replace(/:\d+$/, "").toLowerCase();

/** The key of a request, from the first carrier that has one: `x-goog-api-key`, `Authorization: Bearer`, `?key=`. */
export function presentedKey(headers: Headers, query: string): string | null {
  const google = headers.get("x-goog-api-key");
  if (google) return google;
  const bearer = /^bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (bearer) return bearer;
  return query ? new URLSearchParams(query).get("key") : null;
}

function mayReadMetrics(headers: Headers, peer: string | null, token: string): boolean {
  if (token) return timingSafeEqual(hashKey(presentedKey(headers, "") ?? ""), hashKey(token));
  return peer === null || inRanges(["127.0.0.0/8", "::1/128"], peer);
}
