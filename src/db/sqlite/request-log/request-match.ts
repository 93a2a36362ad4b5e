// Request log search: the FTS5 expression of a filter. Pure.
import type { RequestFilter } from "../../../domain/request.ts";
import { askedOf } from "../../request-log/search-words.ts";

/**
 * The FTS5 expression for a filter; empty: every row matches; null: none can.
 * @param isBegun the last word of the text may be the beginning of one
 */
export function matchOf(filter: RequestFilter, options?: { isBegun?: boolean }): string | null {
  const found = askedOf(filter, options);
  if (found === null) return null;
  const { facets, words, named } = found;
  const texts = [
    words.length > 0 && `words : (${words.map(({ word, isStart }) => quoted(word) + (isStart ? "*" : "")).join(" AND ")})`,
    named.length > 0 && `facets : (${named.map(quoted).join(" OR ")})`,
  ].filter(Boolean);
  const asked = [facets.length > 0 && `facets : (${facets.map(quoted).join(" AND ")})`, texts.length > 0 && `(${texts.join(" OR ")})`];
  return asked.filter(Boolean).join(" AND ");
}

const quoted = (word: string) => `"${word}"`;
