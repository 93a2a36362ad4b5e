// What is asked of the request log in the language of its index: filters are words of one column, texts of the other. Pure.
import type { RequestFilter } from "../store.ts";

/** More say nothing more. */
const MAX_WORDS = 8;

/**
 * The FTS5 expression for a filter; empty: every row matches; null: none can.
 * @param hasText whether the text is looked for too; it is not when it was an id
 */
export function matchOf(filter: RequestFilter, hasText: boolean): string | null {
  const { keyId, tokenId, model, outcome, failed, kind, text } = filter;
  const facets = [
    keyId !== undefined && `k${keyId}`,
    tokenId !== undefined && `t${tokenId}`,
    model !== undefined && `m${hex(model)}`,
    outcome !== undefined && `o${outcome.replaceAll("_", "")}`,
    failed && "f",
    kind !== undefined && `d${kind}`,
  ].filter((facet): facet is string => typeof facet === "string");
  const words = hasText && text !== undefined ? wordsOf(text) : [];
  if (hasText && text !== undefined && text.trim() !== "" && words.length === 0) return null;
  const asked = [
    facets.length > 0 && `facets : (${facets.map(quoted).join(" AND ")})`,
    words.length > 0 && `words : (${words.map(quoted).join(" AND ")}*)`,
  ];
  return asked.filter(Boolean).join(" AND ");
}

/** As SQLite's `hex` writes a text. */
const hex = (text: string) => Buffer.from(text, "utf8").toString("hex").toUpperCase();

const quoted = (word: string) => `"${word}"`;

/** Cut where the index cuts: at everything that is neither letter nor digit. The last one may be the beginning of a word. */
function wordsOf(text: string): string[] {
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS);
}
