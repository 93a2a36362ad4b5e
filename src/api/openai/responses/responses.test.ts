// What /v1/responses understands of a body, and what it remembers of earlier responses.

import { describe, expect, test } from "bun:test";
import { type Media, NO_USAGE } from "../../../domain/generation.ts";
import type { UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { CATALOGUE } from "../../../gateway/models/testing.ts";
import { validator } from "../../body/body.ts";
import { ResponsesBody } from "../schema.ts";
import { decodeResponse } from "./decode.ts";
import { callId, encodeCall, encodeMessage, encodeResponse, messageId } from "./encode.ts";
import { recallFor, type StoredAnswer, toRow, unreadTurn, withoutImages } from "./history.ts";

const validate = validator(ResponsesBody);
const NOTHING = { response: () => null, item: () => null };
const decode = (body: object, recall: Parameters<typeof decodeResponse>[1] = NOTHING) =>
  decodeResponse(validate({ model: "gemini-3-pro-image", input: "a fox", ...body }), recall, CATALOGUE);
const flat = (turns: UnresolvedTurn[]) =>
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
    // OpenAI's guide names the image after the words about it.
    [
      [user("a"), { role: "assistant", content: "b" }, user("c"), { type: "image_generation_call", id: "ig_x", result: "AA" }],
      [
        ["user", "a"],
        ["model", "b", "<data:image/png;base64,AA>"],
        ["user", "c"],
      ],
    ],
    [[user("a"), { role: "assistant", content: "b" }], [["user", "a"]]],
    [[{ role: "assistant", content: "a" }], []],
    [[{ role: "system", content: "a" }], []],
    [[{ type: "image_generation_call", id: "ig_x", status: "failed", result: null }, user("a")], [["user", "a"]]],
    [[{ type: "reasoning", id: "rs_1", summary: [] }, user("a"), { type: "item_reference", id: "msg_x" }, user("b")], [["user", "a", "b"]]],
  ])("%j", (input, expected) => expect(flat(decode({ input }).turns)).toEqual(expected as never));

  test("an image that is known here is taken from here, else from the client's bytes", () => {
    const recall = { response: () => null, item: (id: string) => (id === "ig_known" ? OWN : null) };
    const { turns } = decode({ input: [{ type: "image_generation_call", id: "ig_known", result: "AA" }, user("b")] }, recall);
    expect(turns[0]!.parts).toEqual([{ ...OWN, otherwise: "data:image/png;base64,AA", lenient: { text: "" } }]);
  });

  test("goes on from an earlier response without changing what is remembered", () => {
    const earlier: UnresolvedTurn[] = [{ role: "user", parts: [{ type: "text", text: "a" }] }];
    const { turns } = decode({ previous_response_id: "resp_1", input: "b" }, { ...NOTHING, response: () => earlier });
    expect([flat(turns), flat(earlier)]).toEqual([[["user", "a", "b"]], [["user", "a"]]]);
  });
});

describe("the model that generates images", () => {
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
  [{ input: [user("")] }, "input"],
  [{ input: [user([{ type: "input_image" }])] }, "input[0].content[0].image_url"],
  [{ input: [user("a"), { type: "image_generation_call", id: "ig_x" }] }, "input[1].result"],
  [{ tools: [{ type: "image_generation", partial_images: 9 }], stream: true }, "tools.partial_images"],
  [{ tools: [{ type: "image_generation", output_compression: "x" }] }, "tools.output_compression"],
  [{ tools: [{ type: "image_generation", output_format: "gif" }] }, "output_format"],
  [{ previous_response_id: "resp_x" }, "previous_response_id"],
])("%j is refused by the name of %s", (body, param) =>
  expect(() => decode(body)).toThrow(expect.objectContaining({ kind: "invalid_request", param })),
);

describe("what is stored of a response", () => {
  const OWN_ID = "a".repeat(26);
  const RESPONSE = `resp_${OWN_ID}`;
  const envelope = { id: RESPONSE, created: 1, body: validate({ model: "m", input: "a fox" }) };
  const image = { media: { width: 1, height: 1 } as Media, blob: new Blob(["bytes"]), format: "png", converted: false };
  const items = [
    encodeCall(callId(RESPONSE, 0), image, image.blob, null),
    encodeCall(callId(RESPONSE, 1), image, image.blob, null),
    encodeMessage(messageId(RESPONSE), "Here they are."),
  ];
  const kept: StoredAnswer = {
    turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
    response: withoutImages(encodeResponse(envelope, { status: "completed", usage: NO_USAGE }, items)),
    pictures: { [items[0]!.id]: "first", [items[1]!.id]: "second" },
    output: { format: null, compression: null },
  };
  const recall = (body: object) => {
    const find = async (id: string, keyId: number) => (id === RESPONSE && keyId === 1 ? toRow(1, 0, kept).body : null);
    return recallFor({ find }, 1, validate({ model: "m", input: "more", ...body }));
  };

  test("is its words, then its images, after the conversation before it", async () => {
    const { response } = await recall({ previous_response_id: RESPONSE });
    expect(flat(response(RESPONSE)!)).toEqual([
      ["user", "a fox"],
      ["model", "Here they are.", "</media/first.png>", "</media/second.png>"],
    ]);
  });

  test("is found by the ids of its items, of whose bytes none are stored", async () => {
    const { item } = await recall({ input: items.map(({ id }) => ({ type: "item_reference", id })) });
    const urls = items.map(({ id }) => item(id)).map((part) => (part?.type === "reference" ? part.url : part?.text));
    expect(urls).toEqual(["/media/first.png", "/media/second.png", "Here they are."]);
    expect(JSON.parse(JSON.stringify(kept.response.output[0]))).toMatchObject({ result: null, output_format: "png" });
  });

  test.each(["ig_x", `ig_${OWN_ID}_9`, `resp_${OWN_ID}`, `msg_${OWN_ID}_in0`, `ig_${OWN_ID}_in1_0`])("is not found by %s", async (id) => {
    const { item } = await recall({ input: [{ type: "item_reference", id }] });
    expect(item(id)).toBeNull();
  });

  test("holds no image that nobody has read", () => {
    const parts: UnresolvedTurn["parts"] = [
      { type: "text", text: "a" },
      { ...OWN, url: "data:image/png;base64,AA" },
      { ...OWN, url: `https://host/media/${OWN_ID}.jpg`, otherwise: "data:image/png;base64,AA" },
    ];
    expect(unreadTurn({ role: "user", parts }).parts).toEqual([
      { type: "text", text: "a" },
      { ...OWN, url: `/media/${OWN_ID}.png`, lenient: { text: "" } },
    ]);
  });
});
