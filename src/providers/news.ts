// What an upstream says that no table knows: found by adapters, recorded for the operator. Words and shapes only, no content.
import { isRecord } from "./json-value.ts";

/** Where the unknown thing stood. */
export type NewsKind =
  | "finish_reason"
  | "block_reason"
  | "status"
  | "error_reason"
  | "refusal"
  | "job_status"
  | "part"
  | "field"
  | "model"
  | "unreadable";

export type News = {
  provider: string;
  kind: NewsKind;
  /** A machine word: what is new. */
  word: string;
  /** Names and types of the body that held it, without any value. */
  shape: string;
};

export type ReportNews = (news: News) => void;

export const noNews: ReportNews = () => {};

const MAX_WORD = 80;
const MAX_SHAPE = 600;
const MAX_KEYS = 24;
const MAX_DEPTH = 6;

/** A word that may be shown and logged; what is no machine word is named by its type alone. */
export const newsWord = (value: unknown): string =>
  typeof value === "string" && /^[\w.:/ -]+$/.test(value.slice(0, MAX_WORD)) ? value.slice(0, MAX_WORD) : `(${typeof value})`;

/** The shape of a JSON value: `{candidates:[{finishReason:string}]}`. Names that are no identifiers are left out: they may be content. */
export function shapeOf(value: unknown): string {
  const text = shape(value, 0);
  return text.length > MAX_SHAPE ? `${text.slice(0, MAX_SHAPE)}…` : text;
}

function shape(value: unknown, depth: number): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : `[${depth >= MAX_DEPTH ? "…" : shape(value[0], depth + 1)}]`;
  if (!isRecord(value)) return typeof value;
  if (depth >= MAX_DEPTH) return "{…}";
  const names = Object.keys(value);
  const shown = names.slice(0, MAX_KEYS).map((name) => `${nameOf(name)}:${shape(value[name], depth + 1)}`);
  return `{${[...shown, ...(names.length > MAX_KEYS ? ["…"] : [])].join(",")}}`;
}

const nameOf = (name: string): string => (/^[@A-Za-z_][\w@.-]{0,39}$/.test(name) ? name : "?");
