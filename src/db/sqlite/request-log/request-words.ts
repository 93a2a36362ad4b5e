// Request log search: the FTS5 expression of a filter. Pure.
import type { RequestFilter } from "../../../domain/request.ts";

/** More say nothing more. */
const MAX_WORDS = 8;

/** Shorter beginnings are those of half the words there are. */
const MIN_BEGUN = 2;

/**
 * The FTS5 expression for a filter; empty: every row matches; null: none can.
 * @param isBegun the last word of the text may be the beginning of one
 */
export function matchOf(filter: RequestFilter, { isBegun = false } = {}): string | null {
  const { keyId, tokenId, model, outcome, failed, kind, text } = filter;
  const facets = [
    keyId !== undefined && `k${keyId}`,
    tokenId !== undefined && `t${tokenId}`,
    model !== undefined && `m${hex(model)}`,
    outcome !== undefined && `o${outcome.replaceAll("_", "")}`,
    failed && "f",
    kind !== undefined && `d${kind}`,
  ].filter((facet): facet is string => typeof facet === "string");
  const words = wordsOf(text ?? "");
  if (words.length === 0 && (text ?? "").trim() !== "") return null;
  const end = isBegun && words.at(-1)!.length >= MIN_BEGUN ? "*" : "";
  const asked = [
    facets.length > 0 && `facets : (${facets.map(quoted).join(" AND ")})`,
    words.length > 0 && `words : (${words.map(quoted).join(" AND ")}${end})`,
  ];
  return asked.filter(Boolean).join(" AND ");
}

/** As SQLite's `hex` writes a text. */
const hex = (text: string) => Buffer.from(text, "utf8").toString("hex").toUpperCase();

const quoted = (word: string) => `"${word}"`;

/** Cut where the index cuts: at everything that is neither letter nor digit. */
function wordsOf(text: string): string[] {
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS);
}
