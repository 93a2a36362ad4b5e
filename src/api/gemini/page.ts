// Pagination of Google's lists: pageSize, and a pageToken that names the last element of the previous page.

import { mustBe } from "../body/invalid.ts";
import { splitUrl } from "../dialect.ts";

export type Page = { size: number; after: string | null };

/**
 * @param url of the request, with `pageSize` (or `page_size`) and `pageToken`
 * @throws {AppError} `invalid_request` for a size that is no number
 */
export function pageOf(url: string, { usual, largest }: { usual: number; largest: number }): Page {
  const query = new URLSearchParams(splitUrl(url).query);
  const asked = query.get("pageSize") || query.get("page_size");
  const size = Number(asked || usual);
  if (!Number.isInteger(size) || size < 0) throw mustBe("pageSize", "a whole number of at least 0", asked);
  const token = query.get("pageToken") || query.get("page_token");
  return { size: size === 0 ? usual : Math.min(size, largest), after: token ? Buffer.from(token, "base64url").toString() : null };
}

/** The token of the page that begins after the element `last`. */
export const pageToken = (last: string): string => Buffer.from(last).toString("base64url");
