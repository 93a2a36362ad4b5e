// Client address and called origin; forwarded headers count only behind a trusted proxy.
import ipaddr from "ipaddr.js";
import { withoutEndSlashes } from "../http.ts";

/** Whether `address` lies in one of the CIDR ranges; mapped IPv4 counts as IPv4. Malformed input lies in none. */
export function inRanges(cidrs: readonly string[], address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return cidrs.some((cidr) => {
    try {
      const range = ipaddr.parseCIDR(cidr.includes("/") ? cidr : `${cidr}/${ipaddr.parse(cidr).kind() === "ipv4" ? 32 : 128}`);
      return parsed.kind() === range[0].kind() && parsed.match(range);
    } catch {
      return false;
    }
  });
}

/** The peer's address, or behind trusted proxies the last forwarded address that is not one of them. */
export function clientAddress(peer: string | null, headers: Headers, trusted: readonly string[]): string | null {
  if (peer === null || trusted.length === 0 || !inRanges(trusted, peer)) return peer;
  const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
  for (const hop of hops.reverse()) if (ipaddr.isValid(hop) && !inRanges(trusted, hop)) return hop;
  return peer;
}

type OriginSettings = { public_url: string; trust_proxy: readonly string[] };

/** Headers that a proxy adds. */
const PROXY_HEADERS = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-real-ip", "via"];

/**
 * Scheme and host by which a program called, for links that it follows itself with its key. The configured address where it has the same host
 * (only that has the scheme), or where an untrusted proxy hides the called one. Never ends with a slash.
 */
export function calledOrigin(request: Request, peer: string | null, settings: OriginSettings): string {
  const called = publicOrigin(request, peer, { ...settings, public_url: "" });
  if (!settings.public_url) return called;
  const isHidden = !isTrusted(peer, settings.trust_proxy) && PROXY_HEADERS.some((name) => request.headers.has(name));
  return isHidden || hostOf(settings.public_url) === hostOf(called) ? publicOrigin(request, peer, settings) : called;
}

const hostOf = (url: string): string | null => (URL.canParse(url) ? new URL(url).hostname : null);

/** Whether the other end of a connection is a trusted proxy. */
export const isTrusted = (peer: string | null, trusted: readonly string[]) =>
  peer !== null && trusted.length > 0 && inRanges(trusted, peer);

/** Scheme and host for links that people follow: the configured address, else the one the client used. Never ends with a slash. */
export function publicOrigin(request: Request, peer: string | null, settings: OriginSettings): string {
  if (settings.public_url) return withoutEndSlashes(settings.public_url);
  const forwarded = isTrusted(peer, settings.trust_proxy);
  const scheme = forwarded ? lastOf(request.headers.get("x-forwarded-proto")) : null;
  const host = (forwarded ? lastOf(request.headers.get("x-forwarded-host")) : null) ?? request.headers.get("host");
  const valid = host !== null && /^[\w.-]+(:\d{1,5})?$|^\[[\da-fA-F:.]+\](:\d{1,5})?$/.test(host) ? host : "localhost";
  return `${scheme === "https" ? "https" : "http"}://${valid}`;
}

/** Host that the client sent to a trusted proxy, or null. */
export function forwardedHost(peer: string | null, headers: Headers, trusted: readonly string[]): string | null {
  return isTrusted(peer, trusted) ? lastOf(headers.get("x-forwarded-host")) : null;
}

const lastOf = (list: string | null): string | null => list?.split(",").at(-1)?.trim() || null;
