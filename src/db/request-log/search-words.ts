// Request log search: facets and words that a filter asks for, those of a row, and where texts are cut. Pure; shared by the engines.
import { callReason, failureReason, type RequestFilter, type RequestRow } from "../../domain/request.ts";

/** More say nothing more. */
const MAX_WORDS = 8;

/** Shorter beginnings are those of half the words there are. */
const MIN_BEGUN = 2;

/** Of keys and tokens whose names hold the text. */
const MAX_NAMED = 200;

/** Writing without blanks between words: it is cut into pairs of characters, and a last one alone. */
const RUN = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]+/gu;

export const hasRuns = (text: string): boolean => text.search(RUN) >= 0;

/** The text with every such run cut, as the index has it. */
export const splitRuns = (text: string): string => text.replace(RUN, (run) => ` ${pairsOf([...run]).join(" ")} `);

const pairsOf = (run: readonly string[]): string[] => run.map((character, at) => character + (run[at + 1] ?? ""));

/** What a filter asks of the index: all facets, and all words or one of the named facets. */
export type Asked = {
  facets: string[];
  /** `isStart`: the beginning of a word. */
  words: { word: string; isStart: boolean }[];
  /** Facets of keys and tokens whose names hold the text. */
  named: string[];
};

/**
 * Nothing in it: every row matches; null: none can.
 * @param isBegun the last word of the text may be the beginning of one
 */
export function askedOf(filter: RequestFilter, { isBegun = false } = {}): Asked | null {
  const text = (filter.text ?? "").trim();
  const words = wordsOf(text, isBegun);
  const named = text === "" ? [] : namedOf(filter);
  return text !== "" && words.length === 0 && named.length === 0 ? null : { facets: facetsOf(filter), words, named };
}

/** Words of the index that a row has for each filter. */
function facetsOf({ keyId, tokenId, model, family, outcome, failed, refused, kind, reason, attemptFailed }: RequestFilter): string[] {
  const call = tokenId !== undefined;
  const facets = [
    keyId !== undefined && `k${keyId}`,
    call && `t${tokenId}`,
    model !== undefined && `m${hex(model)}`,
    family !== undefined && `y${hex(family)}`,
    outcome !== undefined && `o${plain(outcome)}`,
    failed && "f",
    refused && "g",
    kind !== undefined && `d${kind}`,
    reason !== undefined && (call ? `x${tokenId}r${plain(reason)}` : `r${plain(reason)}`),
    call && attemptFailed && `x${tokenId}`,
  ];
  return facets.filter((facet): facet is string => typeof facet === "string");
}

function namedOf({ textKeys = [], textTokens = [] }: RequestFilter): string[] {
  return [...textKeys.slice(0, MAX_NAMED).map((id) => `k${id}`), ...textTokens.slice(0, MAX_NAMED).map((id) => `t${id}`)];
}

/** As SQLite's `hex` writes a text. */
const hex = (text: string) => Buffer.from(text, "utf8").toString("hex").toUpperCase();

/** An underscore is a gap of the index. */
const plain = (word: string) => word.replaceAll("_", "");

/** Facets of a row, as filters ask for them. */
export function facetsOfRow(row: RequestRow): string[] {
  const { keyId, model, family, outcome, kind, attempts } = row;
  const isOk = outcome === "ok";
  return [
    `k${keyId ?? 0}`,
    `o${plain(outcome)}`,
    ...(isOk ? [] : [kind === null ? "g" : "f", `r${plain(failureReason(row))}`]),
    `d${kind ?? ""}`,
    `m${hex(model)}`,
    ...(family === null ? [] : [`y${hex(family)}`]),
    ...attempts.flatMap((call) => [
      `t${call.tokenId}`,
      ...(call.outcome === "ok" ? [] : [`x${call.tokenId}`, `x${call.tokenId}r${plain(callReason(call))}`]),
    ]),
  ];
}

/** Texts of a row that are searched. */
export const searchedText = ({ model, message, payload }: Pick<RequestRow, "model" | "message" | "payload">): string =>
  `${model} ${message ?? ""} ${payload?.prompt ?? ""}`;

/** Cut where the index cuts: at everything that is neither letter nor digit, and within runs. */
function wordsOf(text: string, isBegun: boolean): Asked["words"] {
  const words = (text.match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS).flatMap(piecesOf);
  return words.slice(0, MAX_WORDS).map((word, at, all) => {
    // A single character of a run begins a pair.
    const isStart = isRun(word) ? [...word].length === 1 : isBegun && at === all.length - 1 && word.length >= MIN_BEGUN;
    return { word, isStart };
  });
}

export const isRun = (word: string) => word.replace(RUN, "") === "";

/** A word, or the pairs of a run: a run that is longer than one has no last character alone here, as it may go on in the row. */
function piecesOf(word: string): string[] {
  const pieces: string[] = [];
  let last = 0;
  for (const { 0: run, index } of word.matchAll(RUN)) {
    if (index > last) pieces.push(word.slice(last, index));
    const pairs = pairsOf([...run]);
    pieces.push(...(pairs.length > 1 ? pairs.slice(0, -1) : pairs));
    last = index + run.length;
  }
  if (last < word.length) pieces.push(word.slice(last));
  return pieces;
}
