// Tool arguments as clients see them: plain JSON Schema, which models of any vendor read.
import { describe, expect, test } from "bun:test";
import { listedSchema } from "./schema.ts";
import { TOOLS } from "./tools.ts";

describe.each(TOOLS.map((tool) => [tool.name, tool] as const))("%s", (_name, { schema, description, title }) => {
  const listed = listedSchema(schema) as {
    type: string;
    required?: string[];
    properties: Record<string, { type: string; description: string }>;
  };

  test("has only plain types, each with a description", () => {
    expect(listed.type).toBe("object");
    for (const [argument, { type, description }] of Object.entries(listed.properties)) {
      expect([argument, ["string", "integer", "boolean", "array"].includes(type), description.length > 3]).toEqual([argument, true, true]);
    }
    expect(JSON.stringify(listed)).not.toMatch(/anyOf|oneOf|allOf|"const"|"null"|\$ref/);
  });

  test("requires what it lists", () => {
    expect((listed.required ?? []).filter((argument) => !(argument in listed.properties))).toEqual([]);
    expect([title, description].every((text) => text.length > 0)).toBe(true);
  });
});

test("choices and bounds are listed", () => {
  const of = (name: string) => listedSchema(TOOLS.find((tool) => tool.name === name)!.schema).properties as Record<string, object>;
  expect(of("generate_image").n).toMatchObject({ type: "integer", minimum: 1, maximum: 10 });
  expect(of("generate_video").resolution).toMatchObject({ type: "string", enum: ["360p", "720p", "1080p", "4k"] });
  expect(of("edit_image").images).toMatchObject({ type: "array", minItems: 1, items: { type: "string" } });
});
