// API reference: types in words, calls that can be pasted.
import { describe, expect, test } from "bun:test";
import { describeDialects } from "./api-reference.ts";

const EXAMPLES = { origin: "https://pictures.example", imageModel: "img-1", videoModel: "vid-1" };

const body = (properties: object, required: string[] = []) => ({
  content: { "application/json": { schema: { type: "object", required, properties } } },
});

function routeOf(path: string, method: string, operation: object) {
  return describeDialects({ paths: { [path]: { [method]: { tags: ["OpenAI"], summary: "It", ...operation } } } }, EXAMPLES)[0]!.routes[0]!;
}

describe("fields", () => {
  const NULL = { type: "null" };
  const typeOf = (schema: object) => routeOf("/x", "post", { requestBody: body({ it: schema }) }).fields[0]!.type;
  test.each([
    [{ type: "string" }, "string"],
    [{ anyOf: [{ type: "boolean" }, NULL] }, "boolean"],
    [
      {
        anyOf: [
          {
            anyOf: [
              { type: "string", format: "integer" },
              { type: "integer", minimum: 1, maximum: 10 },
            ],
          },
          NULL,
        ],
      },
      "integer 1–10",
    ],
    [{ anyOf: [{ type: "string" }, { type: "array", items: {} }, NULL] }, "string | array"],
    [{ type: "array", items: { type: "string" } }, "string[]"],
    [{ type: "string", format: "binary" }, "file"],
    [{ description: "One picture or several" }, "any"],
  ])("%j is shown as %s", (schema, reported) => {
    expect(typeOf(schema)).toBe(reported);
  });

  test("those that are needed come first; a description within a choice is found", () => {
    const fields = { a: { anyOf: [{ type: "string", description: "Why" }, NULL] }, b: { type: "string" } };
    expect(routeOf("/x", "post", { requestBody: body(fields, ["b"]) }).fields).toEqual([
      { name: "b", type: "string", required: true, description: "" },
      { name: "a", type: "string", required: false, description: "Why" },
    ]);
  });
});

describe("calls", () => {
  test("an image by chat, with this server's address", () => {
    expect(routeOf("/v1/chat/completions", "post", {}).curl).toBe(
      [
        "curl -X POST 'https://pictures.example/v1/chat/completions'",
        '-H "Authorization: Bearer $FLOW2API_KEY"',
        '-H "Content-Type: application/json"',
        `-d '{"model":"img-1","messages":[{"role":"user","content":"A red fox in the snow"}]}'`,
      ].join(" \\\n  "),
    );
  });

  test.each([
    ["/v1/videos/{id}/content", "get", "curl 'https://pictures.example/v1/videos/ID/content'"],
    ["/v1beta/models/{model}:generateContent", "post", "curl -X POST 'https://pictures.example/v1beta/models/img-1:generateContent'"],
    ["/v1beta/files/*", "delete", "curl -X DELETE 'https://pictures.example/v1beta/files/NAME'"],
    ["/health", "get", "curl 'https://pictures.example/health'"],
  ])("%s by %s", (path, method, first) => {
    expect(routeOf(path, method, {}).curl!.split(" \\\n")[0]).toBe(first);
  });

  test("liveness is asked without a key", () => {
    expect(routeOf("/health", "get", {}).curl).not.toContain("KEY");
  });

  test("a body with a quote in it survives the shell", async () => {
    const examples = { ...EXAMPLES, imageModel: "it's" };
    const [dialect] = describeDialects({ paths: { "/v1/responses": { post: { tags: ["OpenAI"] } } } }, examples);
    const said = dialect!.routes[0]!.curl!.replace("curl", "printf '%s\\n'");
    const words = (await Bun.$`sh -c ${said}`.text()).split("\n");
    expect(JSON.parse(words.at(-2)!)).toEqual({ model: "it's", input: "A red fox in the snow" });
  });
});

test("dialects come in the order that people look for them", () => {
  const paths = { "/a": { get: { tags: ["Plugin"] } }, "/b": { get: { tags: ["System"] } }, "/c": { get: { tags: ["OpenAI"] } } };
  expect(describeDialects({ paths }, EXAMPLES).map(({ name }) => name)).toEqual(["OpenAI", "System", "Plugin"]);
});
