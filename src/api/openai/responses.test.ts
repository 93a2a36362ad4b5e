// What /v1/responses understands of a body, and what it remembers of earlier answers.
import { describe, expect, test } from "bun:test";
import type { DraftTurn } from "../../gateway/inputs.ts";
import { validator } from "../body.ts";
import { decodeResponse } from "./responses-decode.ts";
import { createResponseHistory } from "./responses-history.ts";
import { ResponsesBody } from "./schema.ts";

const validate = validator(ResponsesBody);
const NOTHING = { response: () => null, item: () => null };
const decode = (body: object, recall: Parameters<typeof decodeResponse>[1] = NOTHING) =>
  decodeResponse(validate({ model: "gemini-3-pro-image", input: "a fox", ...body }), recall);
const flat = (turns: DraftTurn[]) =>
  turns.map(({ role, parts }) => [role, ...parts.map((part) => (part.type === "text" ? part.text : `<${part.url}>`))]);
const OWN = { type: "reference", url: "/media/a.png", param: "input", trusted: false } as const;
const user = (content: unknown) => ({ role: "user", content });

describe("the conversation", () => {
  test.each([
    ["a fox", [["user", "a fox"]]],
    [
      [user("a"), { type: "message", role: "assistant", content: [{ type: "output_text", text: "b" }] }, user("c")],
      [
        ["user", "a"],
        ["model", "b"],
        ["user", "c"],
      ],
    ],
    [
      [
        user([
          { type: "input_text", text: "a" },
          { type: "input_image", file_id: "file-x" },
        ]),
      ],
      [["user", "a", "<file:file-x>"]],
    ],
    [[user([{ type: "input_file", file_data: "data:image/png;base64,AA", filename: "a.png" }])], [["user", "<data:image/png;base64,AA>"]]],
    [
      [user("a"), { type: "image_generation_call", id: "ig_x", result: "AA" }, user("b")],
      [
        ["user", "a"],
        ["model", "<data:image/png;base64,AA>"],
        ["user", "b"],
      ],
    ],
    [[{ type: "reasoning", id: "rs_1", summary: [] }, user("a"), { type: "item_reference", id: "msg_x" }, user("b")], [["user", "a", "b"]]],
  ])("%j", (input, expected) => expect(flat(decode({ input }).turns)).toEqual(expected as never));

  test("a picture that is known here is taken from here, else from the client's bytes", () => {
    const recall = { response: () => null, item: (id: string) => (id === "ig_known" ? OWN : null) };
    const { turns } = decode({ input: [{ type: "image_generation_call", id: "ig_known", result: "AA" }, user("b")] }, recall);
    expect(turns[0]!.parts).toEqual([{ ...OWN, otherwise: "data:image/png;base64,AA" }]);
  });

  test("goes on from an earlier answer without changing what is remembered", () => {
    const earlier: DraftTurn[] = [{ role: "user", parts: [{ type: "text", text: "a" }] }];
    const { turns } = decode({ previous_response_id: "resp_1", input: "b" }, { ...NOTHING, response: () => earlier });
    expect([flat(turns), flat(earlier)]).toEqual([[["user", "a", "b"]], [["user", "a"]]]);
  });
});

describe("the model that draws", () => {
  const tool = { type: "image_generation" };
  test.each([
    [{ model: "gemini-3-pro-image" }, "gemini-3-pro-image"],
    [{ model: "gemini-3-pro-image", tools: [{ ...tool, model: "gpt-image-1" }] }, "gemini-3-pro-image"],
    [{ model: "gpt-5.2", tools: [{ ...tool, model: "gpt-image-1.5" }] }, "gpt-image-1.5"],
    [{ model: "gpt-5.2", tools: [tool] }, "gemini-nano-banana-2.1"],
    [{ model: "gpt-5.2" }, "gpt-5.2"],
  ])("of %j is %s", (body, model) => expect(decode(body).model).toBe(model));
});

test.each([
  [{ input: [] }, "input"],
  [{ input: [{ role: "assistant", content: "a" }] }, "input"],
  [{ input: [user([{ type: "input_image" }])] }, "input[0].content[0].image_url"],
  [{ input: [{ type: "image_generation_call", id: "ig_x" }, user("a")] }, "input[0].result"],
  [{ tools: [{ type: "image_generation", partial_images: 9 }], stream: true }, "tools.partial_images"],
  [{ tools: [{ type: "image_generation", output_compression: "x" }] }, "tools.output_compression"],
  [{ tools: [{ type: "image_generation", output_format: "gif" }] }, "output_format"],
  [{ previous_response_id: "resp_x" }, "previous_response_id"],
])("%j is refused by the name of %s", (body, param) =>
  expect(() => decode(body)).toThrow(expect.objectContaining({ kind: "invalid_request", param })),
);

describe("the history", () => {
  const turns = (text: string): DraftTurn[] => [{ role: "user", parts: [{ type: "text", text }] }];
  const none = new Map();

  test("is its owner's alone", () => {
    const history = createResponseHistory();
    history.remember(1, "resp", turns("a"), new Map([["ig", OWN]]));
    expect([history.recall(1, "resp"), history.recall(2, "resp")]).toEqual([turns("a"), null]);
    expect([history.recallItem(1, "ig"), history.recallItem(2, "ig"), history.recallItem(1, "no")]).toEqual([OWN, null, null]);
  });

  test("forgets the oldest when it is full, but not what was used since", () => {
    const history = createResponseHistory(3 * 1500);
    for (const id of ["a", "b", "c"]) history.remember(1, id, turns("x".repeat(900)), none);
    history.recall(1, "a");
    history.remember(1, "d", turns("x".repeat(900)), none);
    expect(["a", "b", "c", "d"].map((id) => history.recall(1, id) !== null)).toEqual([true, false, true, true]);
  });
});
