// Paths of the admin out of texts that browsers send: where a form goes back to, the page that htmx is on.

const ADMIN = /^\/admin(\/|$)/;
const MAX_LENGTH = 2000;
/** Stands for our own address, whatever that is. */
const OWN = "http://own.invalid";

type Options = {
  /** Pages that are meant, by their path. */
  within?: RegExp;
  otherwise?: string;
};

/**
 * A path with query and mark that leads to a page of ours, as a header may hold it: nothing of another site, no line break, other letters
 * encoded. `otherwise` where it is not one.
 */
export function ownPath(text: string | null, { within = ADMIN, otherwise = "/admin" }: Options = {}): string {
  if (text === null || !text.startsWith("/") || text.length > MAX_LENGTH) return otherwise;
  const url = URL.parse(text, OWN);
  if (!url || url.origin !== OWN || !ADMIN.test(url.pathname) || !within.test(url.pathname)) return otherwise;
  return url.pathname + url.search + url.hash;
}

/** Path and query of the page of ours that a whole URL shows, whatever its host; null: it is none. */
export function pathOfUrl(text: string | null): string | null {
  const url = URL.parse(text ?? "");
  return url && /^https?:$/.test(url.protocol) && ADMIN.test(url.pathname) ? url.pathname + url.search : null;
}
