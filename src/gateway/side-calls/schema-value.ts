// Value for a JSON schema, filled by field names. Bounded in depth and size. Pure.
// Source: JSON Schema 2020-12 and OpenAI's structured outputs guide (read 2026-11-29).

import { isRecord } from "../../domain/is-record.ts";
import { omit } from "../../domain/omit.ts";
import { listField, textField } from "./fill-field.ts";
import type { Topic } from "./topic.ts";

type Schema = Record<string, unknown>;
type Place = { root: Schema; topic: Topic; name: string; depth: number };

const MAX_DEPTH = 12;
const MAX_ITEMS = 50;

export const schemaValue = (schema: unknown, topic: Topic): unknown =>
  fitting(asSchema(schema), { root: asSchema(schema), topic, name: "", depth: 0 });

const asSchema = (value: unknown): Schema => (isRecord(value) ? value : {});

function fitting(given: Schema, place: Place): unknown {
  const schema = resolve(given, place.root);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return ofEnum(schema.enum, place);
  const branches = [schema.anyOf, schema.oneOf].find((list) => Array.isArray(list) && list.length > 0) as unknown[] | undefined;
  if (branches) return fitting(mergeSchemas(schema, asSchema(choose(branches))), deeper(place));
  const all = Array.isArray(schema.allOf) ? schema.allOf.map(asSchema).map((one) => resolve(one, place.root)) : [];
  const merged = all.reduce(mergeSchemas, schema);
  switch (typeOf(merged)) {
    case "object":
      return objectOf(merged, place);
    case "array":
      return arrayOf(merged, place);
    case "boolean":
      return false;
    case "integer":
    case "number":
      return numberOf(merged);
    case "null":
      return null;
    default:
      return textOf(merged, place);
  }
}

const deeper = (place: Place, name = place.name): Place => ({ ...place, name, depth: place.depth + 1 });

function resolve(schema: Schema, root: Schema, tries = 0): Schema {
  const ref = schema.$ref;
  if (typeof ref !== "string" || !ref.startsWith("#") || tries > 20) return schema;
  const steps = ref
    .slice(1)
    .split("/")
    .filter(Boolean)
    .map((step) => decodePointer(step));
  const found = steps.reduce<unknown>((at, step) => (Object.hasOwn(asSchema(at), step) ? asSchema(at)[step] : undefined), root);
  return { ...resolve(asSchema(found), root, tries + 1), ...omit(schema, ["$ref"]) };
}

function decodePointer(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return step;
  }
}

/** The branch that is not null, where there is one. */
const choose = (branches: readonly unknown[]) => branches.find((one) => asSchema(one).type !== "null") ?? branches[0];

function mergeSchemas(one: Schema, other: Schema): Schema {
  const own = omit(one, ["anyOf", "oneOf", "allOf"]);
  const properties = { ...asSchema(own.properties), ...asSchema(other.properties) };
  const required = [...(Array.isArray(own.required) ? own.required : []), ...(Array.isArray(other.required) ? other.required : [])];
  return {
    ...own,
    ...other,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required: [...new Set(required)] } : {}),
  };
}

function typeOf(schema: Schema): string {
  const { type } = schema;
  if (Array.isArray(type)) return String(type.find((one) => one !== "null") ?? "null");
  if (typeof type === "string") return type;
  if (schema.properties || schema.required || schema.additionalProperties) return "object";
  if (schema.items || schema.prefixItems || schema.minItems !== undefined) return "array";
  return schema.minimum !== undefined || schema.maximum !== undefined ? "number" : "string";
}

/** The member that says what is so: the language of the words, "none", "other", else the first. */
function ofEnum(values: readonly unknown[], { topic, name }: Place): unknown {
  const wanted = textField(name, topic).toLowerCase();
  const short = wanted === "english" ? "en" : wanted === "chinese" ? "zh" : wanted;
  return (
    values.find((one) => typeof one === "string" && [wanted, short].includes(one.toLowerCase())) ??
    values.find((one) => typeof one === "string" && ["none", "other", "no", "neutral", "general"].includes(one.toLowerCase())) ??
    values[0]
  );
}

function objectOf(schema: Schema, place: Place): Schema {
  const properties = asSchema(schema.properties);
  const required = (Array.isArray(schema.required) ? schema.required : []).filter((one): one is string => typeof one === "string");
  const isDeep = place.depth >= MAX_DEPTH;
  const names = isDeep ? required : [...new Set([...Object.keys(properties), ...required])];
  const value: Schema = {};
  for (const name of names.slice(0, 200)) {
    const child = asSchema(properties[name]);
    // A field that leads back into itself ends where it may.
    if (isDeep && typeOf(resolve(child, place.root)) === "object")
      value[name] = place.depth > MAX_DEPTH + 4 ? {} : fitting(child, deeper(place, name));
    else if (isRecursive(child, place) && !required.includes(name)) continue;
    else value[name] = fitting(child, deeper(place, name));
  }
  return value;
}

const isRecursive = (schema: Schema, { depth }: Place): boolean => depth > 2 && JSON.stringify(schema).includes('"$ref"');

function arrayOf(schema: Schema, place: Place): unknown[] {
  const least = count(schema.minItems, 0);
  const most = Math.min(MAX_ITEMS, count(schema.maxItems, MAX_ITEMS));
  const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems.map(asSchema) : [];
  const items = asSchema(schema.items);
  const fixed = prefix.map((one) => fitting(one, deeper(place)));
  const isText = typeOf(resolve(items, place.root)) === "string" && !items.enum && !("const" in items);
  const filled = isText && place.depth < MAX_DEPTH ? listField(place.name, place.topic).map((text) => fitText(text, items)) : [];
  const list = [...fixed, ...filled].slice(0, Math.max(most, fixed.length));
  while (list.length < Math.min(least, MAX_ITEMS) && place.depth < MAX_DEPTH + 4) list.push(fitting(items, deeper(place)));
  return schema.uniqueItems === true ? distinct(list) : list;
}

const distinct = (list: readonly unknown[]): unknown[] =>
  list.map((item, at) => (typeof item === "string" && list.indexOf(item) < at ? `${item} ${at + 1}` : item));

const count = (value: unknown, otherwise: number) => (typeof value === "number" && value >= 0 ? Math.floor(value) : otherwise);

function numberOf(schema: Schema): number {
  const num = (value: unknown) => (typeof value === "number" ? value : undefined);
  const step = num(schema.multipleOf) ?? (schema.type === "integer" ? 1 : undefined);
  const exclusive = num(schema.exclusiveMinimum);
  const least = exclusive === undefined ? num(schema.minimum) : exclusive + (step ?? 1e-6);
  const below = num(schema.exclusiveMaximum);
  const most = below === undefined ? num(schema.maximum) : below - (step ?? 1e-6);
  const value = Math.min(Math.max(0, least ?? 0), most ?? Number.POSITIVE_INFINITY);
  if (step === undefined || step <= 0) return value;
  const up = Math.ceil(value / step) * step;
  return most !== undefined && up > most ? Math.floor(most / step) * step : up;
}

const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2026-01-01T00:00:00Z",
  date: "2026-01-01",
  time: "00:00:00Z",
  email: "nobody@example.com",
  uri: "https://example.com/",
  url: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  ipv4: "127.0.0.1",
  hostname: "example.com",
};

function textOf(schema: Schema, { name, topic }: Place): string {
  const format = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  if (format) return format;
  return fitText(textField(name || "title", topic, typeof schema.description === "string" ? schema.description : ""), schema);
}

function fitText(text: string, schema: Schema): string {
  const least = count(schema.minLength, 0);
  const characters = [...text].slice(0, count(schema.maxLength, 2000));
  const long =
    characters.length < least
      ? characters.join("").padEnd(Math.min(least, 2000), characters.length === 0 ? "-" : ".")
      : characters.join("");
  return typeof schema.pattern === "string" ? ofPattern(long, schema.pattern) : long;
}

/** Shapes that are common in patterns. */
const SAMPLES = ["en", "en-US", "#000000", "0", "00", "a", "A", "abc", "ABC", "a1", "none", "2026-01-01", "00:00", "12345", "image"];
/** A client's pattern is run only when it cannot cost anything: no groups, few quantifiers, short texts. */
const MAX_QUANTIFIERS = 3;

function ofPattern(text: string, pattern: string): string {
  const words = /^\^?\((?:\?:)?([\w -]{1,60}(?:\|[\w -]{1,60}){0,40})\)\$?$/.exec(pattern)?.[1];
  if (words) return words.split("|")[0]!;
  if (pattern.length > 120 || pattern.includes("(") || pattern.split(/[*+?{]/).length > MAX_QUANTIFIERS + 1) return text;
  try {
    const rule = new RegExp(pattern, "u");
    return [text.slice(0, 60), ...SAMPLES].find((one) => rule.test(one)) ?? text;
  } catch {
    return text;
  }
}
