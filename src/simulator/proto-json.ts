// Proto-JSON as Google's servers read it: snake_case is camelCase, null is absent, an unknown field is an error.
import { type Fields, isFields } from "./exchange.ts";
import { invalidArgument } from "./google-errors.ts";

/** Below these the keys are the caller's own. */
const FREE_FORM = new Set([
  "args",
  "response",
  "parameters",
  "responseSchema",
  "responseJsonSchema",
  "parametersJsonSchema",
  "functionDeclarations",
]);

/** The value with camelCase keys and without nulls, as deep as keys have a meaning. */
export function readProtoJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readProtoJson);
  if (!isFields(value)) return value;
  const fields: Fields = {};
  for (const [key, entry] of Object.entries(value)) {
    if (entry === null) continue;
    const name = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    fields[name] = FREE_FORM.has(name) ? entry : readProtoJson(entry);
  }
  return fields;
}

/**
 * The message at a path, with no other fields than the known ones.
 * @param place snake_case path as Google's messages write it, empty for the body
 * @throws {Refusal} 400
 */
export function message(value: unknown, known: readonly string[], place: string): Fields {
  if (value === undefined) return {};
  if (!isFields(value)) throw invalidArgument(`Invalid value at '${place}', expected an object`, place);
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const where = place === "" ? "" : ` at '${place}'`;
    throw invalidArgument(`Invalid JSON payload received. Unknown name "${key}"${where}: Cannot find field.`, place);
  }
  return value;
}

/** A repeated field: Google's parser takes a single message for a list of one. */
export function repeated(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** @throws {Refusal} 400 when present and not one of the values, whatever their case */
export function enumValue(value: unknown, known: readonly string[], place: string): string | undefined {
  if (value === undefined) return undefined;
  const upper = String(value).toUpperCase();
  if (!known.includes(upper)) throw invalidArgument(`Invalid value at '${place}' (TYPE_ENUM), "${String(value)}"`, place);
  return upper;
}

/** @throws {Refusal} 400 when present and not a number in the range */
export function numberValue(value: unknown, least: number, most: number, place: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (typeof value === "boolean" || value === "" || Number.isNaN(number)) {
    throw invalidArgument(`Invalid value at '${place}' (TYPE_FLOAT), "${String(value)}"`, place);
  }
  if (number < least || number > most) {
    throw invalidArgument(
      `Unable to submit request because it has a ${place} value of ${number} but the supported range is from ${least} (inclusive) to ${most} (inclusive).`,
    );
  }
  return number;
}
