// Proto JSON: camelCase or snake_case names, numbers as text, null for absent fields.

import { isRecord } from "../../domain/is-record.ts";

export type Fields = { [name: string]: unknown };

/** Deeper than any valid body; deeper values stay as they are and are ignored. */
const MAX_DEPTH = 32;

/** Below these the names are the client's own. */
const SCHEMAS: ReadonlySet<string> = new Set(["responseSchema", "responseJsonSchema"]);

/**
 * Words of enums by their number: proto JSON takes both, and google-generativeai sends numbers over REST.
 * Source: google.ai.generativelanguage.v1beta, safety.proto and generative_service.proto (googleapis on GitHub, read 2026-11-30).
 */
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  category: [
    ...["UNSPECIFIED", "DEROGATORY", "TOXICITY", "VIOLENCE", "SEXUAL", "MEDICAL", "DANGEROUS", "HARASSMENT", "HATE_SPEECH"],
    ...["SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"],
  ].map((word) => `HARM_CATEGORY_${word}`),
  threshold: ["HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"],
  responseModalities: ["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "AUDIO"],
};

function wordOf(name: string, value: unknown): unknown {
  if (!Object.hasOwn(ENUMS, name)) return value;
  if (Array.isArray(value)) return value.map((one) => wordOf(name, one));
  return typeof value === "number" ? (ENUMS[name]![value] ?? value) : value;
}

/** The same value with every name in camelCase, enums as words, and without fields that are null. What is so already is not copied. */
export const camelKeys = (value: unknown): unknown => (isCamel(value, 0) ? value : copyCamel(value, 0));

function isCamel(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return true;
  if (Array.isArray(value)) {
    for (const one of value) if (!isCamel(one, depth + 1)) return false;
    return true;
  }
  const fields = value as Fields;
  for (const name in fields) {
    const field = fields[name];
    if (field === null || name.includes("_") || (Object.hasOwn(ENUMS, name) && holdsNumber(field))) return false;
    if (!SCHEMAS.has(name) && !isCamel(field, depth + 1)) return false;
  }
  return true;
}

const holdsNumber = (value: unknown): boolean => typeof value === "number" || (Array.isArray(value) && value.some(holdsNumber));

function copyCamel(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((one) => copyCamel(one, depth + 1));
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(
    fields.map(([name, field]) => {
      const camel = toCamel(name);
      return [camel, SCHEMAS.has(camel) ? field : copyCamel(wordOf(camel, field), depth + 1)];
    }),
  );
}

/** The expression matches at each underscore, whatever follows: a name of underscores alone is one pass. */
const toCamel = (name: string): string =>
  name.includes("_") ? name.replace(/_+([a-z0-9]?)/g, (whole, letter: string) => letter.toUpperCase() || whole) : name;

/** The fields of an object; none for anything else. */
export const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : NO_FIELDS);
const NO_FIELDS: Fields = Object.freeze({});

/** A list as it is, anything else as a list of one, nothing as an empty list. */
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? NOTHING : [value];
const NOTHING: readonly unknown[] = Object.freeze([]);

/** A text that says something, without surrounding blanks. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** A number or a text that is one (int64 is text on the wire; durations end with `s`). */
export function numberOf(value: unknown): number | undefined {
  const text = typeof value === "string" ? value.trim().replace(/s$/, "") : value;
  if (text === "" || (typeof text !== "string" && typeof text !== "number")) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
