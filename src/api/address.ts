// Where a request comes from and which address it used for us; forwarded headers count only behind a trusted proxy.
import ipaddr from "ipaddr.js";

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

/** The client's address: the connection's, or behind trusted proxies the last forwarded one that is not a proxy of ours. */
export function clientAddress(peer: string | null, headers: Headers, trusted: readonly string[]): string | null {
  if (peer === null || trusted.length === 0 || !inRanges(trusted, peer)) return peer;
  const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
  for (const hop of hops.reverse()) if (ipaddr.isValid(hop) && !inRanges(trusted, hop)) return hop;
  return peer;
}

/** Scheme and host for links: the configured address, else the one the client used. Never ends with a slash. */
export function publicOrigin(
  request: Request,
  peer: string | null,
  settings: { public_url: string; trust_proxy: readonly string[] },
): string {
  if (settings.public_url) return settings.public_url.replace(/\/+$/, "");
  const forwarded = peer !== null && settings.trust_proxy.length > 0 && inRanges(settings.trust_proxy, peer);
  const scheme = forwarded ? lastOf(request.headers.get("x-forwarded-proto")) : null;
  const host = (forwarded ? lastOf(request.headers.get("x-forwarded-host")) : null) ?? request.headers.get("host");
  const valid = host !== null && /^[\w.-]+(:\d{1,5})?$|^\[[\da-fA-F:.]+\](:\d{1,5})?$/.test(host) ? host : "localhost";
  return `${scheme === "https" ? "https" : "http"}://${valid}`;
}

/** The host that a trusted proxy was asked for, or null. */
export function forwardedHost(peer: string | null, headers: Headers, trusted: readonly string[]): string | null {
  return peer !== null && trusted.length > 0 && inRanges(trusted, peer) ? lastOf(headers.get("x-forwarded-host")) : null;
}

const lastOf = (list: string | null): string | null => list?.split(",").at(-1)?.trim() || null;
