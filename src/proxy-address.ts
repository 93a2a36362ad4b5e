// Addresses of outgoing proxies: what is one, and which need the SOCKS bridge. Pure.

/** Header of a response that a SOCKS bridge itself made; its value is the bridge's credential, which no upstream can send. */
export const BRIDGE_HEADER = "x-flow2api-bridge";

/** A token's word for no proxy, where there is one for all. */
export const DIRECT = "direct";

/** The proxy of a token's calls: its own, or the one for all; null: none. */
export const proxyOf = (own: string | null, shared: string): string | null => (own === DIRECT ? null : own || shared || null);

/** `http:`, `https:` and SOCKS5; the host's name is resolved by the proxy whichever of the three SOCKS words is written. */
const SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "socks5:", "socks5h:", "socks:"]);

/** The parser checks hosts of http alone. */
const HOST = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])$/i;

/** Bytes of a user name or a password (RFC 1929). */
const MAX_LOGIN = 255;

export const isSocks = (address: string): boolean => /^socks/i.test(address);

/** What is wrong with the address of a proxy, to follow its name ("is …" or "expected …"); null: nothing. It may hold a password and is never quoted. */
export function proxyFault(address: string): string | null {
  if (/^socks4a?:/i.test(address)) return "is SOCKS4, which is not supported: give a socks5:// or http(s) proxy";
  const url = URL.canParse(address) ? new URL(address) : null;
  const isPlain =
    url !== null &&
    SCHEMES.has(url.protocol) &&
    HOST.test(url.hostname) &&
    /^\/?$/.test(url.pathname) &&
    url.search === "" &&
    url.hash === "";
  if (!isPlain) return EXPECTED;
  if (!isSocks(address)) return null;
  const login = loginOf(url);
  if (login === null) return EXPECTED;
  if (url.username === "" && url.password !== "") return "has a password without a user";
  return [login.user, login.password].some((text) => Buffer.byteLength(text) > MAX_LOGIN)
    ? `has a user or a password over ${MAX_LOGIN} bytes, which SOCKS5 cannot carry`
    : null;
}

const EXPECTED = "expected an address like http://proxy.example:3128 or socks5://proxy.example:1080";

export type SocksServer = { host: string; port: number; user: string; password: string };

/** @throws {TypeError} for what {@link proxyFault} finds fault with */
export function readSocksServer(address: string): SocksServer {
  const url = new URL(address);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const login = loginOf(url);
  if (host === "" || login === null) throw new TypeError("Not the address of a SOCKS proxy");
  return { host, port: Number(url.port) || 1080, ...login };
}

function loginOf({ username, password }: URL): Pick<SocksServer, "user" | "password"> | null {
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return null;
  }
}
