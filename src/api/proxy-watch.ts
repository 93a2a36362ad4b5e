// Detects an untrusted reverse proxy: without server.trust_proxy all clients share its address and throttles.

import { inRanges } from "./address.ts";
import { splitUrl } from "./dialect.ts";

/** Ranges in which an operator's own proxy lies. */
const PRIVATE = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "100.64.0.0/10",
  "::1/128",
  "fc00::/7",
  "fe80::/10",
];
/** Forwarded requests in a row from one such address after which it counts as a proxy. */
const ENOUGH = 10;
/** Paths that monitors and the container's health check request without a proxy. */
const OWN_PATHS = /^\/(health|ready|metrics)$/;

export type ProxyWatch = {
  observe(request: Request, peer: string | null): void;
  /** Address of the untrusted proxy that all traffic passes; null: none. */
  untrusted(): string | null;
};

/** @param found called once for each proxy */
export function createProxyWatch({ trustProxy, found }: { trustProxy: readonly string[]; found: (address: string) => void }): ProxyWatch {
  let peerSoFar: string | null = null;
  let inRow = 0;
  const reported = new Set<string>();
  return {
    observe(request, peer) {
      if (peer === null) return;
      const isForwarded = request.headers.has("x-forwarded-for");
      if (!isForwarded && OWN_PATHS.test(splitUrl(request.url).path)) return;
      if (!isForwarded || peer !== peerSoFar) {
        inRow = isForwarded ? 1 : 0;
        peerSoFar = peer;
        return;
      }
      if (++inRow !== ENOUGH || reported.has(peer) || inRanges(trustProxy, peer) || !inRanges(PRIVATE, peer)) return;
      reported.add(peer);
      found(peer);
    },
    untrusted: () => (inRow >= ENOUGH && peerSoFar !== null && reported.has(peerSoFar) ? peerSoFar : null),
  };
}

/** Message for the operator, with the missing setting. */
export const trustProxyHint = (address: string): string =>
  `All requests come through ${address}, forwarded for others: until server.trust_proxy names it, all clients share one address and its limits. Set server.trust_proxy = ["${address}"].`;
