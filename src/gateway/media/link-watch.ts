// Detects media links made for a host that is not a public name and never fetched there.

/** Hosts remembered at once; more would only be a client that makes names up. */
const MAX_HOSTS = 32;

/** Private ranges and names, of RFC 1918, RFC 4193, RFC 6762 and ICANN's `.internal`. Loopback is reachable where it is used. */
const PRIVATE_HOST =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde][0-9a-f]{2}:)|\.(?:internal|local|lan|home|cluster\.local|svc)$/i;

/** True for a host that a browser elsewhere cannot reach: one label, a private name, a private address. */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, "").toLowerCase();
  if (name === "localhost" || name.startsWith("127.") || name === "[::1]") return false;
  return PRIVATE_HOST.test(name) || (!name.includes(".") && !name.startsWith("["));
}

/** Longest name that DNS has, with a port. */
const MAX_HOST = 260;

/** `unreached`: links were made for it, and none was fetched there. */
export type LinkHosts = { unreached: string[]; reached: string[] };
export const NO_LINK_HOSTS: LinkHosts = { unreached: [], reached: [] };

export class LinkWatch {
  /** By host, with its port: whether a media link was ever fetched there. */
  readonly #hosts = new Map<string, boolean>();
  #last = "";

  /** A response may hold links that begin with `origin`, as `http://host:port`. */
  made(origin: string): void {
    if (origin === this.#last) return;
    this.#last = origin;
    const host = origin.slice(origin.indexOf("//") + 2);
    if (isPrivateHost(host) && !this.#hosts.has(host) && this.#hosts.size < MAX_HOSTS) this.#hosts.set(host, false);
  }

  /** A media link was fetched at `host`, as the Host header has it. */
  fetched(host: string | null): void {
    if (host !== null && (this.#hosts.has(host) || this.#hosts.size < MAX_HOSTS)) this.#hosts.set(host, true);
  }

  /** Hosts that are no public names, in the order of their first link. */
  hosts(): LinkHosts {
    const hosts = [...this.#hosts].filter(([host]) => host.length <= MAX_HOST && isPrivateHost(host));
    const named = (wanted: boolean) => hosts.flatMap(([host, isFetched]) => (isFetched === wanted ? [host] : []));
    return { unreached: named(false), reached: named(true) };
  }
}

/** A host that links were made for by any node, and that none was ever fetched at from any; null: none. Pure. */
export function unreachedHost(nodes: readonly LinkHosts[]): string | null {
  const reached = new Set(nodes.flatMap((one) => one.reached));
  return nodes.flatMap(({ unreached }) => unreached).find((host) => !reached.has(host)) ?? null;
}
