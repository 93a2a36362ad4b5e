// API guard: access to every path, decided before a body is read. Unlisted paths need a key.

import { AppError } from "../errors.ts";
import { hashKey, type Keys, refusalOf } from "../gateway/keys/keys.ts";
import { type Access, acceptsQueryKey, isOnAdminListener, ruleOf } from "./access.ts";
import { forwardedHost, inRanges } from "./address.ts";
import type { Arrival } from "./arrival.ts";
import { type Dialect, dialectOf } from "./dialect.ts";
import { type HostRules, hostRefusal } from "./host-check.ts";
import type { PluginGuard } from "./plugin.ts";

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

export type Verdict = {
  /** Envelope of a refusal. */
  dialect: Dialect | "plugin" | "admin";
  /** Headers of every response to this request. */
  headers: Readonly<Record<string, string>>;
  /** A response that ends the request; `admin`: the AdminGuard decides; `admin_api`: the admin token does. */
  refusal: AppError | "preflight" | "admin" | "admin_api" | null;
};

export type Guard = {
  /** Decides about a request and stores the key that it came with. Does not read the body. */
  decide(arrival: Arrival): Verdict;
};

type GuardOptions = {
  keys: Keys;
  now: () => number;
  metricsToken: string;
  /** Demo: the accepted `Host` names. Null: any. */
  hosts: ReadonlySet<string> | null;
  /** Proxies whose forwarded host counts. */
  trustProxy?: readonly string[];
  /** Names and pages that MCP is served to; absent: names of local networks and pages of this machine. */
  mcpHosts?: () => HostRules;
  /** Absent: there are no routes for the companion extension. */
  plugin?: PluginGuard;
  /** Hint after "Unknown request URL". */
  hint?: (arrival: Arrival) => string;
};

/** Verdicts of what is let in, made once. `dialect` is that of refusals alone. */
const ADMITTED: Verdict = { dialect: "openai", headers: {}, refusal: null };
const ADMITTED_WITH_CORS: Verdict = { dialect: "openai", headers: CORS_HEADERS, refusal: null };

/** `dialect` null: that of the request. */
function refused(
  arrival: Arrival,
  refusal: Verdict["refusal"],
  dialect: Verdict["dialect"] | null,
  headers: Verdict["headers"] = {},
): Verdict {
  return { dialect: dialect ?? dialectOf(arrival), headers, refusal };
}

const allows = (cidrs: string[], from: string) => inRanges(cidrs, from);

export function createGuard({ keys, now, metricsToken, hosts, trustProxy = [], mcpHosts, plugin, hint }: GuardOptions): Guard {
  const authenticate = (arrival: Arrival): AppError | null => {
    const { headers } = arrival.request;
    const presented = presentedKey(headers, arrival.query !== "" && acceptsQueryKey(arrival) ? arrival.query : "");
    if (!presented) return unauthorized('Missing API key. Send it as "Authorization: Bearer YOUR_KEY".');
    const key = keys.find(presented);
    if (!key) return unauthorized(UNKNOWN_KEY);
    const refusal = refusalOf(key, now(), key.addresses.length > 0 ? arrival.address : null, allows);
    if (refusal) arrival.refusedKey = key;
    if (refusal) return key.revokedAt === null && key.enabled ? new AppError("forbidden", refusal) : unauthorized(refusal);
    arrival.key = key;
    return null;
  };

  const unknown = (arrival: Arrival) => unknownUrl(arrival.request.method, arrival.path, hint?.(arrival));

  /** MCP's clients call from outside of pages, so that a page has to be a known one. */
  const strangerTo = (arrival: Arrival): AppError | null => {
    const host = forwardedHost(arrival.peer, arrival.request.headers, trustProxy) ?? arrival.header("host");
    return hostRefusal(host, arrival.header("origin"), mcpHosts?.() ?? { publicUrl: "", hosts: [] });
  };

  const admits = (access: Access, arrival: Arrival): AppError | null => {
    if (access === "metrics")
      return mayReadMetrics(arrival, metricsToken) ? null : unauthorized("Metrics are for this machine, or need the metrics token.");
    if (access === "plugin" && plugin?.isOpen()) return plugin.refusalOf(arrival.request.headers, arrival.address);
    if (access === "absent") return unknown(arrival);
    const refusal = (access === "mcp" ? strangerTo(arrival) : null) ?? authenticate(arrival);
    if (access === "admin" || access === "admin_api" || access === "plugin") return refusal ?? unknown(arrival);
    return access === "open" ? null : refusal;
  };

  return {
    decide(arrival) {
      const { group, path, request, listener } = arrival;
      const rule = ruleOf(group, path);
      const isOfAdmin = rule.access === "admin" || rule.access === "admin_api";
      const isPlugin = rule.access === "plugin" && plugin?.isOpen() === true;
      const dialect = isPlugin ? "plugin" : null;
      if (hosts && !hosts.has(hostName(request.headers.get("host")))) return refused(arrival, hostNotAllowed(), dialect);
      if (rule.access === "admin" && listener !== "api") return refused(arrival, "admin", dialect);
      if (rule.access === "admin_api" && listener !== "api") return refused(arrival, "admin_api", "admin");
      if (!isOfAdmin && listener === "admin" && !isOnAdminListener(arrival)) return refused(arrival, unknown(arrival), dialect);
      // The companion extension calls from a page of its own origin; python-flow2api allows every origin.
      const hasCors = rule.cors || isPlugin;
      if (hasCors && request.method === "OPTIONS") {
        const asked = request.headers.get("access-control-request-headers") ?? "authorization, content-type";
        return refused(arrival, "preflight", dialect, { ...PREFLIGHT_HEADERS, "access-control-allow-headers": asked });
      }
      const refusal = admits(rule.access, arrival);
      if (refusal === null) return hasCors ? ADMITTED_WITH_CORS : ADMITTED;
      return refused(arrival, refusal, dialect, hasCors ? CORS_HEADERS : undefined);
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
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const bearer = bearerOf(authorization);
    if (bearer) return bearer;
  }
  return query ? new URLSearchParams(query).get("key") : null;
}

/** The plain form needs no capture: most requests have it. */
function bearerOf(authorization: string): string | undefined {
  if (authorization.startsWith("Bearer ")) {
    const key = authorization.slice("Bearer ".length);
    if (!/\s/.test(key)) return key;
  }
  return /^bearer\s+(\S+)$/i.exec(authorization)?.[1];
}

function mayReadMetrics(arrival: Arrival, token: string): boolean {
  if (token) return crypto.timingSafeEqual(hashKey(presentedKey(arrival.request.headers, "") ?? ""), hashKey(token));
  return arrival.peer === null || inRanges(["127.0.0.0/8", "::1/128"], arrival.peer);
}
