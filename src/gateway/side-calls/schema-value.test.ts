// Values for JSON schemas of every kind that clients send.
import { describe, expect, test } from "bun:test";
import { schemaValue } from "./schema-value.ts";

const TOPIC = { subject: "draw a red fox", title: "Red fox", said: "draw a red fox", model: "m" };
const value = (schema: object) => schemaValue(schema, TOPIC);
const object = (properties: object, more: object = {}) => ({ type: "object", properties, required: Object.keys(properties), ...more });

describe("a value fits its schema", () => {
  test.each([
    ["text by its name", object({ title: { type: "string" }, language: { type: "string" } }), { title: "Red fox", language: "English" }],
    ["an enum by the language", object({ lang: { enum: ["de", "en", "fr"] } }), { lang: "en" }],
    ["an enum of other words", object({ intent: { enum: ["book", "cancel", "none"] } }), { intent: "none" }],
    ["a constant", object({ type: { const: "title" } }), { type: "title" }],
    [
      "numbers within bounds",
      object({ a: { type: "integer", minimum: 3 }, b: { type: "number", exclusiveMinimum: 0, multipleOf: 0.5 } }),
      { a: 3, b: 0.5 },
    ],
    ["numbers below zero", object({ a: { type: "integer", maximum: -2 } }), { a: -2 }],
    ["booleans and null", object({ ok: { type: "boolean" }, none: { type: "null" } }), { ok: false, none: null }],
    [
      "one of several types",
      object({ title: { type: ["string", "null"] }, name: { anyOf: [{ type: "null" }, { type: "string" }] } }),
      { title: "Red fox", name: "Red fox" },
    ],
    [
      "arrays of follow-ups",
      object({ follow_ups: { type: "array", items: { type: "string" } } }),
      { follow_ups: ["Make it night", "Make it 16:9", "Make it 4K"] },
    ],
    [
      "arrays within bounds",
      object({ suggestions: { type: "array", items: { type: "string" }, maxItems: 2 } }),
      { suggestions: ["Make it night", "Make it 16:9"] },
    ],
    [
      "arrays of objects, as many as needed",
      object({ items: { type: "array", minItems: 2, items: object({ id: { type: "integer" } }) } }),
      { items: [{ id: 0 }, { id: 0 }] },
    ],
    [
      "nested objects",
      object({ meta: object({ title: { type: "string" }, deep: object({ flag: { type: "boolean" } }) }) }),
      { meta: { title: "Red fox", deep: { flag: false } } },
    ],
    [
      "references",
      { ...object({ a: { $ref: "#/$defs/T" } }), $defs: { T: object({ title: { type: "string" } }) } },
      { a: { title: "Red fox" } },
    ],
    [
      "lengths",
      object({ title: { type: "string", maxLength: 3 }, code: { type: "string", minLength: 2, maxLength: 2, pattern: "^[a-z]{2}$" } }),
      { title: "Red", code: "en" },
    ],
    ["alternatives in a pattern", object({ mood: { type: "string", pattern: "^(calm|wild)$" } }), { mood: "calm" }],
    ["required fields without a schema", { type: "object", required: ["title"] }, { title: "Red fox" }],
    [
      "parts of allOf",
      { allOf: [object({ title: { type: "string" } }), object({ ok: { type: "boolean" } })] },
      { title: "Red fox", ok: false },
    ],
    ["formats", object({ at: { type: "string", format: "date" } }), { at: "2026-01-01" }],
    ["tuples", { type: "array", prefixItems: [{ type: "boolean" }, { const: 2 }], items: false }, [false, 2]],
  ] as [string, object, unknown][])("%s", (_, schema, expected) => expect(value(schema)).toEqual(expected as object));

  test("one that leads back into itself ends", () => {
    const tree = {
      $ref: "#/$defs/N",
      $defs: {
        N: {
          type: "object",
          properties: { title: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/N" } } },
          required: ["title", "children"],
        },
      },
    };
    expect(value(tree)).toEqual({ title: "Red fox", children: [] });
    const chain = { $ref: "#/$defs/N", $defs: { N: { type: "object", properties: { next: { $ref: "#/$defs/N" } }, required: ["next"] } } };
    expect(JSON.stringify(value(chain)).length).toBeLessThan(1000);
    expect(value({ $ref: "#" })).toBeDefined();
  });

  test("patterns that would run for long are not run", () => {
    expect(typeof (value(object({ title: { type: "string", pattern: "^(a+)+$" } })) as { title: string }).title).toBe("string");
  });

  test.each([[null], [[]], ["x"], [{ type: "object", properties: [] }], [{ enum: [] }], [{ anyOf: [] }], [{ $ref: "#/%zz" }]])(
    "what is no schema does no harm: %j",
    (schema) => {
      expect(() => schemaValue(schema, TOPIC)).not.toThrow();
    },
  );
});
