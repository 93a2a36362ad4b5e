// Rules for the fields of a models file: each reads a value or refuses it with path, expected and got. Pure.

import { TomlDate } from "smol-toml";
import { nearest } from "../../../config/nearest.ts";
import { showValue } from "../../../config/settings-keys.ts";
import { AppError } from "../../../errors.ts";

/** Reads one value; what it returns is plain JSON. @throws {AppError} `invalid_request` in one line: path, expected, got */
export type Rule = (value: unknown, path: string) => unknown;

export type Table = Record<string, unknown>;

/** @param got as it is to be shown */
export const misfit = (path: string, expected: string, got: string): AppError =>
  new AppError("invalid_request", `${path}: expected ${expected}, got ${got}`);

const shown = (value: unknown): string => (value === undefined ? "nothing" : showValue({ secret: false }, value));
const quoted = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(", ");

/** A text of this pattern. */
export const text =
  (expected: string, pattern: RegExp): Rule =>
  (value, path) => {
    if (typeof value === "string" && pattern.test(value)) return value;
    throw misfit(path, expected, shown(value));
  };

/** One of these words. */
export const word =
  (words: readonly string[]): Rule =>
  (value, path) => {
    if (typeof value === "string" && words.includes(value)) return value;
    throw misfit(path, words.length === 1 ? quoted(words) : `one of ${quoted(words)}`, shown(value) + guess(value, words));
  };

export const flag: Rule = (value, path) => {
  if (typeof value === "boolean") return value;
  throw misfit(path, "true or false", shown(value));
};

export const number =
  (min: number, max: number, unit = ""): Rule =>
  (value, path) => {
    const read = typeof value === "bigint" ? Number(value) : value;
    if (typeof read === "number" && read >= min && read <= max) return read;
    throw misfit(path, `a number ${min} to ${max}${unit}`, shown(value));
  };

export const whole =
  (min: number, max: number): Rule =>
  (value, path) => {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw misfit(path, `a whole number ${min} to ${max}`, shown(value));
  };

/** A day, as a date of TOML or as its text; becomes its text. */
export const day: Rule = (value, path) => {
  const read = value instanceof TomlDate && value.isDate() ? value.toISOString() : value;
  if (typeof read === "string" && /^\d{4}-\d{2}-\d{2}$/.test(read) && !Number.isNaN(Date.parse(read))) return read;
  throw misfit(path, "a day such as 2026-12-31", shown(value));
};

/** A list of values, each once. */
export const list =
  (rule: Rule, least = 0): Rule =>
  (value, path) => {
    if (!Array.isArray(value)) throw misfit(path, "a list", shown(value));
    const read = value.map((item, at) => rule(item, `${path}[${at}]`));
    const again = read.findIndex((item, at) => typeof item !== "object" && read.indexOf(item) !== at);
    if (again !== -1) throw misfit(`${path}[${again}]`, "each value once", `${shown(read[again])} again`);
    if (read.length < least) throw misfit(path, "a list of at least one value", "an empty list");
    return read;
  };

/** A table of these fields, each of which may be absent. */
export const table =
  (fields: Readonly<Record<string, Rule>>): Rule =>
  (value, path) => {
    const read: Table = {};
    for (const [name, field] of Object.entries(tableAt(value, path))) {
      const rule = Object.hasOwn(fields, name) ? fields[name]! : null;
      const names = Object.keys(fields);
      if (!rule) throw misfit(under(path, name), `one of the fields ${names.join(", ")}`, JSON.stringify(name) + guess(name, names));
      read[name] = rule(field, under(path, name));
    }
    return read;
  };

/** A table whose names are themselves values. */
export const record =
  (key: Rule, rule: Rule): Rule =>
  (value, path) => {
    const read: Table = {};
    for (const [name, field] of Object.entries(tableAt(value, path))) {
      key(name, under(path, name));
      read[name] = rule(field, under(path, name));
    }
    return read;
  };

/** @throws {AppError} for what is not a table */
export function tableAt(value: unknown, path: string): Table {
  const isTable = value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
  if (isTable) return value as Table;
  throw misfit(path, "a table", Array.isArray(value) ? "a list" : shown(value));
}

/** The path of a field; the root has no name of its own. */
export const under = (path: string, name: string): string => (path === "" || path.endsWith(": ") ? `${path}${name}` : `${path}.${name}`);

/** The likely word that was meant. */
export function guess(value: unknown, words: Iterable<string>): string {
  const near = typeof value === "string" && value.length <= 100 ? nearest(value, words) : null;
  return near === null ? "" : `; did you mean ${JSON.stringify(near)}?`;
}
