// JSON form that a task shows by example: the same fields with local values. Pure, linear.

import { listField, textField } from "./fill-field.ts";
import type { Topic } from "./topic.ts";

const MAX_FORM = 2000;
const MAX_FIELDS = 24;

/** The JSON of the first example in a text, or null when none is shown. */
export function jsonOfForm(instruction: string, topic: Topic): string | null {
  const form = firstForm(instruction);
  if (form === null) return null;
  try {
    return JSON.stringify(fill(JSON.parse(form), topic));
  } catch {
    const fields = fieldsIn(form);
    return fields.length === 0
      ? null
      : JSON.stringify(Object.fromEntries(fields.map(([name, first]) => [name, byFirst(name, first, topic)])));
  }
}

/** From the first brace that opens an object with a quoted name to the brace that closes it. */
function firstForm(text: string): string | null {
  for (let at = text.indexOf("{"), tries = 0; at !== -1 && tries < 20; at = text.indexOf("{", at + 1), tries++) {
    if (!/^\{\s{0,40}["“]\w/.test(text.slice(at, at + 50))) continue;
    let depth = 0;
    for (let end = at; end < Math.min(text.length, at + MAX_FORM); end++) {
      if (text[end] === "{") depth++;
      if (text[end] === "}" && --depth === 0) return text.slice(at, end + 1).replace(/[“”]/g, '"');
    }
    return text.slice(at, at + MAX_FORM).replace(/[“”]/g, '"');
  }
  return null;
}

function fill(example: unknown, topic: Topic, name = ""): unknown {
  if (Array.isArray(example)) {
    const list = listField(name, topic);
    return list.length > 0 && example.every((item) => typeof item === "string") ? list : [];
  }
  if (typeof example === "object" && example !== null) {
    return Object.fromEntries(
      Object.entries(example)
        .slice(0, MAX_FIELDS)
        .map(([key, value]) => [key, fill(value, topic, key)]),
    );
  }
  if (typeof example === "boolean") return false;
  if (typeof example === "number") return 0;
  return example === null ? null : textField(name, topic);
}

/** Names of a form that is no JSON ("…", comments in it), each with what its value begins with. */
function fieldsIn(form: string): [name: string, first: string][] {
  const found = form.matchAll(/"([\w -]{1,40})"\s{0,10}:\s{0,10}(\S)/g);
  return [...found].slice(0, MAX_FIELDS).map(([, name, first]) => [name!, first!]);
}

function byFirst(name: string, first: string, topic: Topic): unknown {
  if (first === "[") return listField(name, topic);
  if (first === "{") return {};
  if (/\d/.test(first)) return 0;
  return first === "t" || first === "f" ? false : textField(name, topic);
}
