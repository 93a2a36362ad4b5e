// Notices a reverse proxy that server.trust_proxy does not name: then every client has its address, and shares its throttles.

import { inRanges } from "./address.ts";
import { splitUrl } from "./dialect.ts";

/** Addresses that a proxy of the operator's own has. */
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
/** Requests in a row from one such address, each forwarded, after which it is taken for a proxy. */
const ENOUGH = 10;
/** What monitors and the container's own check ask for, without a proxy. */
const OWN_PATHS = /^\/(health|ready|metrics)$/;

export type ProxyWatch = {
  observe(request: Request, peer: string | null): void;
  /** Address of a proxy that all traffic comes through and that is not trusted; null: there is none. */
  untrusted(): string | null;
};

/** @param found called once for each proxy */
export function createProxyWatch({ trustProxy, found }: { trustProxy: readonly string[]; found: (address: string) => void }): ProxyWatch {
  let peerSoFar: string | null = null;
  let inRow = 0;
  const told = new Set<string>();
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
      if (++inRow !== ENOUGH || told.has(peer) || inRanges(trustProxy, peer) || !inRanges(PRIVATE, peer)) return;
      told.add(peer);
      found(peer);
    },
    untrusted: () => (inRow >= ENOUGH && peerSoFar !== null && told.has(peerSoFar) ? peerSoFar : null),
  };
}

/** What the operator is told: the missing setting, ready to be copied. */
export const trustProxyHint = (address: string): string =>
  `All requests come through ${address}, forwarded for others: until server.trust_proxy names it, all clients share one address and its limits. Set server.trust_proxy = ["${address}"].`;
