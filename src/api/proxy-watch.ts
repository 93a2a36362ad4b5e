// Detects an untrusted reverse proxy: without server.trust_proxy all clients share its address and throttles.

import { inRanges } from "./address.ts";
import type { Arrival } from "./arrival.ts";

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
/** Monitors and the container's health check come without a proxy. */
const isOwnPath = (path: string) => path === "/health" || path === "/ready" || path === "/metrics";

export type ProxyWatch = {
  observe(arrival: Arrival): void;
  /** Address of the untrusted proxy that all traffic passes; null: none. */
  untrusted(): string | null;
};

/** @param found called once for each proxy */
export function createProxyWatch({ trustProxy, found }: { trustProxy: readonly string[]; found: (address: string) => void }): ProxyWatch {
  let peerSoFar: string | null = null;
  let inRow = 0;
  const reported = new Set<string>();
  return {
    observe(arrival) {
      if (!arrival.request.headers.has("x-forwarded-for")) {
        if (isOwnPath(arrival.path)) return;
        inRow = 0;
        peerSoFar = null;
        return;
      }
      const { peer } = arrival;
      if (peer === null) return;
      if (peer !== peerSoFar) {
        inRow = 1;
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
