// Form fields as one object: `a[]`, `a[b]`, numbers and flags as SDKs write them in forms. Pure.
import type { FormContent, FormFile } from "./multipart.ts";

type Value = string | Value[] | { [name: string]: Value };
type Values = { [name: string]: Value };

/** `texts`: fields that may say anything, "null" too. */
export type FormSpec = { numbers: readonly string[]; flags: readonly string[]; texts?: readonly string[] };

const TEXTS: readonly string[] = ["prompt", "negative_prompt", "input", "user"];

/** Deeper than any field of this API. */
const MAX_DEPTH = 8;
/** What JavaScript and Python make of a field that is not set. */
const UNSET: ReadonlySet<string> = new Set(["undefined", "null", "None"]);
const URL_LIKE = /^\s*(?:https?:|data:|file-|\/media\/)/i;

/** `image`, `image[]` and `image[0]` are one field. */
export const fieldName = (name: string): string => /^[^[\]]+/.exec(name)?.[0] ?? name;

/**
 * The fields of a form as one object: `a[]`, `a[0]` and repeated names become lists, `a[b][c]` objects. Text beside a file of the same name
 * counts only where it is a URL: clients fill in empty fields. Names in `numbers` and `flags` are converted where possible; other
 * values stay text, which the schema refuses.
 */
export function formObject(
  { fields, files = [] }: { fields: FormContent["fields"]; files?: readonly Pick<FormFile, "field">[] },
  spec: FormSpec,
) {
  const filed = new Set(files.map(({ field }) => fieldName(field)));
  const object: Values = Object.create(null);
  for (const [name, value] of fields) {
    const base = fieldName(name);
    if (filed.has(base) && !URL_LIKE.test(value)) continue;
    if (UNSET.has(value) && !(spec.texts ?? TEXTS).includes(base)) continue;
    const path = pathOf(name);
    if (path === null) object[name] = name in object ? [...listOf(object[name]), value] : value;
    else setIn(object, base, path, value);
  }
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, readValue(name, value, spec)]));
}

/** Segments in the brackets of a name; null where the brackets do not match. */
function pathOf(name: string): string[] | null {
  const rest = name.slice(fieldName(name).length);
  if (rest === "") return [];
  if (!rest.startsWith("[") || !rest.endsWith("]")) return null;
  const path = rest.slice(1, -1).split("][");
  return path.length > MAX_DEPTH || path.some((part) => part.includes("[") || part.includes("]")) ? null : path;
}

const isListMark = (part: string | undefined) => part === undefined || part === "" || /^\d+$/.test(part);
const isValues = (value: Value | undefined): value is Values => typeof value === "object" && !Array.isArray(value);

function setIn(holder: Values, name: string, [next, ...rest]: string[], value: string): void {
  if (isListMark(next)) {
    const isNew = next === undefined && !(name in holder);
    holder[name] = isNew ? value : [...listOf(holder[name]), value];
    return;
  }
  const known = holder[name];
  const inner: Values = isValues(known) ? known : Object.create(null);
  holder[name] = inner;
  setIn(inner, next!, rest, value);
}

function readValue(name: string, value: Value, { numbers, flags }: FormSpec): unknown {
  if (typeof value !== "string") return value;
  if (numbers.includes(name)) return value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value || null;
  return flags.includes(name) ? flagOf(value) : value;
}

/** Python writes `True`, others `1`. */
function flagOf(value: string): boolean | string | null {
  const word = value.trim().toLowerCase();
  if (word === "") return null;
  return word === "true" || word === "1" ? true : word === "false" || word === "0" ? false : value;
}

const listOf = (value: Value | undefined): Value[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
