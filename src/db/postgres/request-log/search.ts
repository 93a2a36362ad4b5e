// Request log search: a row as a tsvector, a filter as a tsquery. Pure.
import type { RequestFilter, RequestRow } from "../../../domain/request.ts";
import { askedOf, facetsOfRow, isRun, searchedText, splitRuns } from "../../request-log/search-words.ts";

/** Words of a row that are indexed at most, and their length: an index entry has 2,046 bytes at most, and a row's all together 1 MiB. */
const MAX_WORDS = 1000;
const MAX_LENGTH = 100;

/** No word begins with it. */
const FACET = "=";

/** As text of a tsvector: `'=k3' 'fox'`. */
export function searchOfRow(row: RequestRow): string {
  const words = (
    splitRuns(searchedText(row))
      .normalize("NFC")
      .match(/[\p{L}\p{N}]+/gu) ?? []
  ).slice(0, MAX_WORDS);
  const lexemes = new Set([...facetsOfRow(row).map((facet) => FACET + facet), ...words.map(fold)]);
  return [...lexemes].map(quoted).join(" ");
}

/**
 * As text of a tsquery; empty: every row matches; null: none can.
 * @param isBegun the last word of the text may be the beginning of one
 */
export function queryOf(filter: RequestFilter, options?: { isBegun?: boolean }): string | null {
  const text = filter.text?.normalize("NFC");
  const found = askedOf({ ...filter, text }, options);
  if (found === null) return null;
  const { facets, words, named } = found;
  const all = words.map(({ word, isStart }) => quoted(fold(word)) + (isStart ? ":*" : ""));
  const texts = [
    all.length > 0 && `(${all.join(" & ")})`,
    named.length > 0 && `(${named.map((facet) => quoted(FACET + facet)).join(" | ")})`,
  ].filter(Boolean);
  const asked = [...facets.map((facet) => quoted(FACET + facet)), texts.length > 0 && `(${texts.join(" | ")})`];
  return asked.filter(Boolean).join(" & ");
}

/** Small letters without accents. Marks of runs make other characters of them. */
function fold(word: string): string {
  const plain = isRun(word)
    ? word
    : word
        .normalize("NFD")
        .replace(/\p{Mn}/gu, "")
        .normalize("NFC");
  return plain.toLowerCase().slice(0, MAX_LENGTH);
}

const quoted = (lexeme: string) => `'${lexeme.replace(/['\\]/g, "$&$&")}'`;
