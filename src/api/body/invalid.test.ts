// What clients read about values that cannot be taken: in words for the field, whatever the schema is made of.
import { describe, expect, test } from "bun:test";
import type { TSchema } from "elysia";
import type { AppError } from "../../errors.ts";
import * as gemini from "../gemini/schema.ts";
import * as openai from "../openai/schema.ts";
import { shownValue, wholeNumber } from "./invalid.ts";
import { validator } from "./validator.ts";

const messageOf = (schema: TSchema, value: unknown): string | null => {
  try {
    validator(schema)(value);
    return null;
  } catch (error) {
    return (error as AppError).message;
  }
};
const chat = (fields: object) => messageOf(openai.ChatBody, { model: "m", messages: [{ role: "user", content: "a" }], ...fields });
const images = (fields: object) => messageOf(openai.ImagesBody, { prompt: "a", ...fields });

test.each([
  [chat({ n: 11 }), "n must be between 1 and 10, got 11."],
  [chat({ n: 0 }), "n must be between 1 and 10, got 0."],
  [chat({ n: 1.5 }), "n must be a whole number between 1 and 10, got 1.5."],
  [chat({ n: {} }), "n must be a whole number between 1 and 10 or a text, got an object."],
  [chat({ stream: "yes" }), 'stream must be true or false, got "yes".'],
  [chat({ messages: [] }), "messages must be a list of 1 to 4,096 items, got an empty list."],
  [chat({ messages: "hi" }), 'messages must be a list, got "hi".'],
  [chat({ messages: [{ role: 1 }] }), "messages[0].role must be a text, got 1."],
  [chat({ messages: [{ role: "user", content: 7 }] }), "messages[0].content must be a text or a list, got 7."],
  [chat({ modalities: ["image", 3] }), "modalities[1] must be a text, got 3."],
  [chat({ seconds: {} }), "seconds must be a text or a number, got an object."],
  [chat({ model: "" }), "model must be 1 to 300 characters long, got an empty text."],
  [chat({ image_config: "16:9" }), 'image_config must be an object, got "16:9".'],
  [images({ prompt: "x".repeat(32_001) }), "prompt must be 1 to 32,000 characters long, got a text of 32,001 characters."],
  [images({ partial_images: 4 }), "partial_images must be between 0 and 3, got 4."],
  [images({ output_compression: -1 }), "output_compression must be between 0 and 100, got -1."],
  [messageOf(openai.ImagesBody, {}), "Missing required parameter: 'prompt'."],
  [messageOf(openai.ImagesBody, []), "The request body must be an object, got an empty list."],
  [messageOf(openai.ResponsesBody, { model: "m", input: 7 }), "input must be a text or a list, got 7."],
  [messageOf(openai.ResponsesBody, { model: "m", input: "" }), "input must be at least 1 character long, got an empty text."],
  [messageOf(gemini.InteractionBody, { model: "m", input: "a", stream: "x" }), 'stream must be true or false, got "x".'],
])("%s", (message, expected) => expect(message).toBe(expected));

describe("no schema speaks of itself", () => {
  const schemas = Object.entries({ ...openai, ...gemini }).flatMap(([name, one]) =>
    typeof one === "object" ? [[name, one as TSchema] as const] : [],
  );
  const WRONG = [10 ** 9, -1, 1.5, "", "?".repeat(100_000), true, [], [[]], {}, { a: 1 }, Array.from({ length: 10_000 })];
  const fields = schemas.flatMap(([name, schema]) => Object.keys(schema.properties ?? {}).map((field) => [name, field, schema] as const));

  test.each(fields)("%s.%s", (_name, field, schema) => {
    const whole = { model: "m", prompt: "a", messages: [{ role: "user" }], input: "a", contents: "a", instances: [] };
    for (const value of WRONG) {
      const message = messageOf(schema, { ...whole, [field]: value });
      if (message === null) continue;
      expect(message).not.toMatch(/union|expected|schema|undefined|value$/i);
      expect(message).toMatch(/^(?:The request body|[\w.[\]]+) must be .+, got .+\.$|^Missing required parameter: '.+'\.$/);
    }
  });
});

test("numbers are read from text, and refused with their bounds", () => {
  expect([wholeNumber("7", "limit", { min: 1, max: 9 }), wholeNumber(7, "limit", { min: 1, max: 9 })]).toEqual([7, 7]);
  expect(() => wholeNumber("10", "limit", { min: 1, max: 9 })).toThrow("limit must be between 1 and 9, got 10.");
  for (const value of ["x", "", " ", "1.5", 1.5, null, true, {}]) {
    expect(() => wholeNumber(value, "limit", { min: 1, max: 9 })).toThrow("limit must be a whole number between 1 and 9, got ");
  }
});

test.each([
  ["abc", '"abc"'],
  ["a".repeat(50), `"${"a".repeat(40)}…"`],
  [null, "null"],
  [undefined, "nothing"],
  [[1, 2], "a list of 2"],
  [12, "12"],
])("%p is shown as %s", (value, shown) => expect(shownValue(value)).toBe(shown));
