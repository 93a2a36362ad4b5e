// Error texts for invalid values: the field, what it must be, and what it got. Pure.
import { AppError } from "../../errors.ts";

const MAX_SHOWN = 40;

/** A value in few characters: texts and numbers as JSON, larger values by kind and size. */
export function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  if (value.length > 1000) return `a text of ${value.length.toLocaleString("en")} characters`;
  return value === "" ? "an empty text" : JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
}

/** `n must be between 1 and 10, got 11.` */
export const mustBe = (param: string, expected: string, value: unknown): AppError =>
  new AppError("invalid_request", `${param} must be ${expected}, got ${shownValue(value)}.`, { param, reason: "invalid_value" });

export type Bounds = { min: number; max: number };

const isNumberText = (value: unknown): value is string => typeof value === "string" && /^\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*$/.test(value);

/** A whole number within bounds, also written as text. @throws {AppError} `invalid_request` with the bounds */
export function wholeNumber(value: unknown, param: string, { min, max }: Bounds): number {
  const number = isNumberText(value) ? Number(value) : value;
  const range = `between ${min} and ${max}`;
  if (typeof number !== "number" || !Number.isInteger(number)) throw mustBe(param, `a whole number ${range}`, value);
  if (number < min || number > max) throw mustBe(param, range, number);
  return number;
}

/** The same for an optional field. */
export const countOr = <T>(absent: T, value: unknown, param: string, bounds: Bounds): number | T =>
  value === undefined || value === null || value === "" ? absent : wholeNumber(value, param, bounds);

type Schema = {
  type?: unknown;
  const?: unknown;
  anyOf?: readonly Schema[];
  minimum?: number;
  multipleOf?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
};

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
};

/** What a schema expects of a value, in words. `null` stands for absent and is left out. */
export function expectationOf(schema: Schema, value: unknown): string {
  if (schema.anyOf) {
    const members = schema.anyOf.filter(({ type }) => type !== "null");
    // A member of the value's own type has the more precise message.
    const near = members.filter((member) => isOfKind(member, value));
    return [...new Set((near.length === 1 ? near : members).map((member) => expectationOf(member, value)))].join(" or ");
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "integer" || schema.type === "number") return numberWords(schema, value);
  if (schema.type === "string" && typeof value === "string") return lengthWords(schema.minLength, schema.maxLength, "character");
  if (schema.type === "array" && Array.isArray(value)) return `a list of ${lengthWords(schema.minItems, schema.maxItems, "item")}`;
  return KINDS[String(schema.type)] ?? "of another form";
}

function isOfKind({ type }: Schema, value: unknown): boolean {
  if (Array.isArray(value)) return type === "array";
  if (typeof value === "number") return type === "number" || type === "integer";
  return type === typeof value;
}

function numberWords({ type, multipleOf, minimum, maximum }: Schema, value: unknown): string {
  const range = minimum === undefined || maximum === undefined ? "" : `between ${minimum} and ${maximum}`;
  const kind = type === "integer" || multipleOf === 1 ? "integer" : "number";
  const isOfKind = typeof value === "number" && (kind === "number" || Number.isInteger(value));
  return isOfKind && range ? range : [KINDS[kind], range].filter(Boolean).join(" ");
}

function lengthWords(min: number | undefined, max: number | undefined, noun: string): string {
  const plural = (count: number) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
  if (min !== undefined && max !== undefined) return `${min} to ${plural(max)}${noun === "character" ? " long" : ""}`;
  if (max !== undefined) return `at most ${plural(max)}${noun === "character" ? " long" : ""}`;
  return `at least ${plural(min ?? 1)}${noun === "character" ? " long" : ""}`;
}
