// Same-origin check (CSRF) of state-changing requests.

type RequestHead = { method: string; headers: Headers };

/**
 * What the browser itself says of where a request comes from: `Sec-Fetch-Site` (https and loopback only), and `Origin`, which has to
 * name the host that the request was sent to, or that of the public address. A request that says nothing is not a browser's.
 * @param publicUrl the configured address, or empty
 */
export function isOwnOrigin({ headers }: RequestHead, publicUrl: string, forwardedHost: string | null): boolean {
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  if (site !== null && site !== "same-origin") return false;
  if (origin === null) return site === "same-origin";
  const host = hostOf(origin);
  return host !== null && [headers.get("host"), forwardedHost, hostOf(publicUrl)].some((own) => own !== null && own.toLowerCase() === host);
}

const hostOf = (url: string): string | null => (URL.canParse(url) && /^https?:/.test(url) ? new URL(url).host : null);
