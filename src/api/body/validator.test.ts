// What the validator names of a body that does not fit, and that it makes no second finding.
import { describe, expect, test } from "bun:test";
import { type TSchema, t } from "elysia";
import type { AppError } from "../../errors.ts";
import * as gemini from "../gemini/schema.ts";
import * as openai from "../openai/schema.ts";
import { validator } from "./validator.ts";

const failureOf = (schema: TSchema, value: unknown) => {
  try {
    validator(schema)(value);
    return null;
  } catch (error) {
    return error as AppError;
  }
};

describe("the first finding", () => {
  test.each<[string, TSchema, unknown, string]>([
    ["a field of an element", openai.ChatBody, { model: "m", messages: [{ role: 1 }] }, "messages[0].role"],
    ["a missing field of an element", openai.ChatBody, { model: "m", messages: [{}, {}] }, "messages[0].role"],
    [
      "inside a union",
      openai.ChatBody,
      { model: "m", messages: [{ role: "user" }], stream_options: { include_usage: 1 } },
      "stream_options.include_usage",
    ],
    ["a number over its range", openai.ChatBody, { model: "m", messages: [{ role: "user" }], n: 11 }, "n"],
    ["an item of a union's list", openai.ResponsesBody, { model: "m", input: [1] }, "input[0]"],
  ])("%s", (_, schema, value, param) => expect(failureOf(schema, value)).toMatchObject({ kind: "invalid_request", param }));

  test("is made without a check of the elements after it", () => {
    let looks = 0;
    const watched = Array.from({ length: 1000 }, () => ({
      get role() {
        looks += 1;
        return 1;
      },
    }));
    expect(failureOf(openai.ChatBody, { model: "m", messages: watched })).not.toBeNull();
    expect(looks).toBeLessThan(10);
  });
});

describe("lists", () => {
  const listsOf = (schema: TSchema, path: string): [string, TSchema][] => {
    const inner = Object.entries((schema.properties ?? {}) as Record<string, TSchema>).flatMap(([name, field]) =>
      listsOf(field, `${path}.${name}`),
    );
    const members = [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])].flatMap((one: TSchema) => listsOf(one, `${path}[]`));
    return [...(schema.type === "array" ? [[path, schema] as [string, TSchema]] : []), ...inner, ...members];
  };
  const schemas = (Object.entries({ ...openai, ...gemini }) as [string, unknown][]).flatMap(([name, one]) =>
    typeof one === "object" ? [[name, one as TSchema] as const] : [],
  );
  const lists = schemas.flatMap(([name, schema]) => listsOf(schema, name));

  test("of every body have a most of items", () => {
    expect(lists.length).toBeGreaterThan(4);
    expect(lists.filter(([, schema]) => schema.maxItems === undefined).map(([path]) => path)).toEqual([]);
    expect(listsOf(t.Object({ a: t.Optional(t.Union([t.Array(t.String()), t.Null()])) }), "x")).toHaveLength(1);
  });
});
