// How chat bodies of real clients become a conversation, and which images are read.

import { describe, expect, test } from "bun:test";
import type { UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { validator } from "../../body/body.ts";
import { ChatBody } from "../schema.ts";
import { decodeChat } from "./decode.ts";

const validate = validator(ChatBody);
const decode = (body: object) => decodeChat(validate({ model: "m", ...body }));
const user = (content: unknown) => ({ role: "user", content });
const PNG = "data:image/png;base64,AAAA";
const OWN = "https://gateway.example/media/abcdefghijklmnopqrstuvwxyz.png";
const OTHER = "https://elsewhere.example/cat.png";

const flat = (turns: UnresolvedTurn[]) =>
  turns.map(({ role, parts }) => [role, ...parts.map((part) => (part.type === "text" ? part.text.trim() : `<${part.url}>`))]);

describe("the conversation", () => {
  const cases: [string, object[], unknown][] = [
    ["a plain prompt", [user("a cat")], [["user", "a cat"]]],
    [
      "several text parts",
      [
        user([
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ]),
      ],
      [["user", "a", "b"]],
    ],
    ["neighbours of one role", [user("a"), user("b")], [["user", "a", "b"]]],
    [
      "tool messages and null content are passed over",
      [user("a"), { role: "assistant", content: null }, { role: "tool", content: "x" }, user("b")],
      [["user", "a", "b"]],
    ],
    ["an object url", [user([{ type: "image_url", image_url: { url: OTHER } }])], [["user", `<${OTHER}>`]]],
    ["a string url", [user([{ type: "image_url", image_url: OTHER }])], [["user", `<${OTHER}>`]]],
    ["a Responses-style part", [user([{ type: "input_image", image_url: PNG }])], [["user", `<${PNG}>`]]],
    ["a file part", [user([{ type: "file", file: { file_data: PNG, filename: "a.png" } }])], [["user", `<${PNG}>`]]],
    [
      "audio is passed over",
      [
        user([
          { type: "input_audio", input_audio: {} },
          { type: "text", text: "a" },
        ]),
      ],
      [["user", "a"]],
    ],
    [
      "our own image in assistant text becomes a part of the model's turn",
      [user("a cat"), { role: "assistant", content: `Here:\n\n![image](${OWN})` }, user("blue")],
      [
        ["user", "a cat"],
        ["model", "Here:", `<${OWN}>`],
        ["user", "blue"],
      ],
    ],
    [
      "a stranger's image in assistant text stays text",
      [user("a"), { role: "assistant", content: `![x](${OTHER})` }, user("b")],
      [
        ["user", "a"],
        ["model", `![x](${OTHER})`],
        ["user", "b"],
      ],
    ],
    [
      "a stranger's image in an assistant's parts is not read",
      [user("a"), { role: "assistant", content: [{ type: "image_url", image_url: { url: OTHER } }] }, user("b")],
      [["user", "a", "b"]],
    ],
    [
      "message.images of an earlier answer",
      [user("a"), { role: "assistant", content: "", images: [{ type: "image_url", image_url: { url: PNG } }] }, user("b")],
      [
        ["user", "a"],
        ["model", `<${PNG}>`],
        ["user", "b"],
      ],
    ],
    [
      "inline Markdown of an earlier answer",
      [user("a"), { role: "assistant", content: `![i](${PNG})` }, user("b")],
      [
        ["user", "a"],
        ["model", `<${PNG}>`],
        ["user", "b"],
      ],
    ],
  ];
  test.each(cases)("%s", (_name, messages, expected) => expect(flat(decode({ messages }).turns)).toEqual(expected as never));

  const shown = (content: unknown) => [user("a"), { role: "assistant", content }, user("b")];
  const BOTH = [
    ["user", "a"],
    ["model", "Here.", `<${OWN}>`],
    ["user", "b"],
  ];
  const OTHER_ID = "https://gateway.example/media/bcdefghijklmnopqrstuvwxyz2.jpg";
  test.each([
    ["a reference definition", shown(`Here.\n\n[image-1]: ${OWN}`), BOTH],
    ["an image and the reference to it", shown(`Here.\n\n![image](${OWN})\n\n[image-1]: ${OWN}`), BOTH],
    ["a definition that a client indented and ended", shown(`Here.\n\n  [image-1]: <${OWN}> "a"\n`), BOTH],
    ["a link's name is left in its place", [user(`make [this fox](${OWN}) red`)], [["user", "make this fox", `<${OWN}>`, "red"]]],
    ["a bare address", [user(`make ${OWN} red`)], [["user", "make", `<${OWN}>`, "red"]]],
    ["an address at the end of a sentence", [user(`Make it like ${OWN}.`)], [["user", "Make it like", `<${OWN}>`, "."]]],
    ["an address in angle brackets", [user(`<${OWN}> in red`)], [["user", `<${OWN}>`, "in red"]]],
    ["two addresses", [user(`${OWN} ${OTHER_ID}`)], [["user", `<${OWN}>`, `<${OTHER_ID}>`]]],
    ["the same address twice", [user(`${OWN} and ${OWN}`)], [["user", `<${OWN}>`, "and"]]],
    ["a video's address stays text", [user(`like ${OWN.replace("png", "mp4")}`)], [["user", `like ${OWN.replace("png", "mp4")}`]]],
    ["a stranger's address stays text", [user(`like ${OTHER}`)], [["user", `like ${OTHER}`]]],
    [
      "a fenced block is text",
      [user(`\`\`\`md\n![i](${OWN}) ![j](${PNG})\n\`\`\`\nred`)],
      [["user", `\`\`\`md\n![i](${OWN}) ![j](${PNG})\n\`\`\`\nred`]],
    ],
    ["a code span is text", [user(`write \`![i](${PNG})\``)], [["user", `write \`![i](${PNG})\``]]],
    ["a fence that is not closed", [user(`~~~\n${OWN}`)], [["user", `~~~\n${OWN}`]]],
  ])("%s", (_name, messages, expected) => expect(flat(decode({ messages }).turns)).toEqual(expected as never));

  test("bytes and reference of one response are one image, read where it is stored", () => {
    const result = { role: "assistant", content: `[image-1]: ${OWN}`, images: [{ type: "image_url", image_url: { url: PNG } }] };
    const [, model] = decode({ messages: [user("a"), result, user("b")] }).turns;
    expect(model!.parts).toEqual([expect.objectContaining({ url: OWN, otherwise: PNG, trusted: false })]);
    const markdown = shown(`![image](${PNG})\n\n[image-1]: ${OWN}`);
    expect(flat(decode({ messages: markdown }).turns)[1]).toEqual(["model", `<${OWN}>`]);
  });

  test.each([
    ["an assistant's message last", [user("a"), { role: "assistant", content: "b" }], [["user", "a"]]],
    ["a system message last", [user("a"), { role: "system", content: "b" }], [["user", "a"]]],
    ["both", [user("a"), { role: "assistant", content: "b" }, { role: "system", content: "c" }], [["user", "a"]]],
    ["nobody but the assistant", [{ role: "assistant", content: "b" }], []],
    ["nobody but the system", [{ role: "system", content: "b" }], []],
  ])("a conversation may end with %s", (_name, messages, expected) => expect(flat(decode({ messages }).turns)).toEqual(expected as never));

  const empty = { type: "image_url", image_url: { url: "" } };
  test("what is attached to earlier turns may be left out, what is attached to the last one may not", () => {
    const exactness = (messages: object[]) =>
      decode({ messages }).turns.map(({ parts }) => parts.map((part) => part.type === "reference" && part.lenient === undefined));
    const image = { type: "image_url", image_url: { url: OTHER } };
    expect(exactness([user([image]), { role: "assistant", content: "x" }, user([image])])).toEqual([[false], [false], [true]]);
    expect(exactness([user([image]), user("b"), { role: "assistant", content: "x" }])).toEqual([[true, false]]);
    for (const bad of [empty, { type: "image_url" }, 7, null])
      expect(() => decode({ messages: [user([bad]), { role: "assistant", content: "failed" }, user("b")] })).not.toThrow();
  });

  test("system and developer text is apart", () => {
    expect(
      decode({ messages: [{ role: "system", content: "one" }, { role: "developer", content: [{ type: "text", text: "two" }] }, user("a")] })
        .options.system,
    ).toBe("one\n\ntwo");
  });

  test("only the user's images are trusted", () => {
    const { turns } = decode({
      messages: [user([{ type: "image_url", image_url: { url: OWN } }]), { role: "assistant", content: `![i](${OWN})` }, user("b")],
    });
    expect(turns.map((turn) => turn.parts.map((part) => part.type === "reference" && part.trusted))).toEqual([[true], [false], [false]]);
  });

  test("a top-level image belongs to the last user turn", () => {
    expect(flat(decode({ messages: [user("a")], image: PNG }).turns)).toEqual([["user", "a", `<${PNG}>`]]);
  });
});

describe("what is refused names the field", () => {
  const cases: [string, object, string][] = [
    ["no messages", {}, "messages"],
    ["messages of another type", { messages: "hi" }, "messages"],
    ["no messages at all", { messages: [] }, "messages"],
    ["an empty prompt", { messages: [user("  ")] }, "messages"],
    ["a number as part", { messages: [user([1])] }, "messages[0].content[0]"],
    ["a number as text", { messages: [user([{ type: "text", text: 5 }])] }, "messages[0].content[0].text"],
    [
      "a list as text of an instruction",
      { messages: [{ role: "system", content: [{ type: "text", text: ["be brief"] }] }, user("a")] },
      "messages[0].content[0].text",
    ],
    ["an image part without URL", { messages: [user([{ type: "image_url", image_url: {} }])] }, "messages[0].content[0].image_url"],
    ["n over 10", { messages: [user("a")], n: 11 }, "n"],
    ["a model of another type", { model: 3, messages: [user("a")] }, "model"],
  ];
  test.each(cases)("%s", (_name, body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ name: "AppError", kind: "invalid_request", param }));
  });
});

describe("parameters", () => {
  const hints = (body: object) =>
    Object.fromEntries(Object.entries(decode({ messages: [user("a")], ...body }).hints).filter(([, value]) => value !== undefined));
  test.each([
    [
      { size: "1024x1024", quality: "high" },
      { size: "1024x1024", quality: "high" },
    ],
    [
      { aspect_ratio: "16:9", image_size: "2K" },
      { aspectRatio: "16:9", imageSize: "2K" },
    ],
    [{ image_config: { aspect_ratio: "1:1", image_size: "4K" } }, { aspectRatio: "1:1", imageSize: "4K" }],
    [{ generationConfig: { imageConfig: { aspectRatio: "9:16", imageSize: "2K" } } }, { aspectRatio: "9:16", imageSize: "2K" }],
    [{ extra_body: { generationConfig: { imageConfig: { aspect_ratio: "9:16" } } } }, { aspectRatio: "9:16" }],
    [{ size: null, temperature: 0.7, tools: [], anything: { deep: 1 } }, {}],
  ])("%o", (body, expected) => expect(hints(body)).toEqual(expected));

  test.each([
    [{}, null],
    [{ modalities: ["image", "text"] }, "images"],
    [{ modalities: ["text"] }, null],
    [{ image_config: {} }, "images"],
  ])("%o asks for the form %p", (body, form) => expect(decode({ messages: [user("a")], ...body }).form).toBe(form as never));
});
