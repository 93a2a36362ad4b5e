// Public addresses: which hosts, IP addresses and ports a client-named URL may lead to. Pure.
import ipaddr from "ipaddr.js";

/** All that is handed out as global unicast IPv6 today (IANA, read 2026-11-23); the forms that embed an IPv4 address lie outside, 6to4 and Teredo aside. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** Public by number, private by use: Azure answers its virtual machines here. */
const PRIVATE_BY_USE = new Set(["168.63.129.16"]);

/**
 * Whether `text`, an address in its usual spelling, can be reached by everyone on the internet: not loopback, private, link-local,
 * shared, translated (NAT64, 6to4, Teredo, mapped, ISATAP), multicast, reserved, for documentation or for benchmarks.
 * What is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).range() === "unicast" && !PRIVATE_BY_USE.has(text);
  if (text.includes("%") || !ipaddr.IPv6.isValid(text)) return false;
  const address = ipaddr.IPv6.parse(text);
  return address.range() === "unicast" && address.match(GLOBAL_UNICAST) && !isIsatap(address.parts);
}

/** RFC 5214: the interface part `[02]00:5efe:a.b.c.d` names an IPv4 address, behind any prefix. */
const isIsatap = (parts: number[]): boolean => (parts[4] === 0 || parts[4] === 0x200) && parts[5] === 0x5efe;

/** Whether `host` is an address rather than a name. IPv6 without brackets. */
export function isAddress(host: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host);
}

/** Names that never belong to the public internet (RFC 6761, 6762, 8375; `.internal` by ICANN): not even asked for. */
export function isPrivateName(host: string): boolean {
  return /(^|\.)(localhost|local|internal|home\.arpa)$/.test(host);
}

/** A host as {@link hostOf} gives it, so that hosts from the configuration can be compared. Accepts IPv6 with and without brackets. */
export function canonicalHost(host: string): string {
  const spelled = ipaddr.IPv6.isValid(host) ? `[${host}]` : host;
  return URL.canParse(`http://${spelled}/`) ? hostOf(new URL(`http://${spelled}/`)) : host.toLowerCase();
}

/** Host of a URL: lower case, without brackets and without the dot that may end a name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** "Bad ports" of the Fetch standard (read 2026-11-23), and databases that answer to lines of text. */
const REFUSED_PORTS = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117,
  119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636,
  989, 990, 993, 995, 1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669,
  6679, 6697, 10080, 11211, 27017,
]);

/** Whether something other than HTTP is known to listen at the URL's port. */
export function isRefusedPort(url: URL): boolean {
  return url.port !== "" && (url.port === "0" || REFUSED_PORTS.has(Number(url.port)));
}
