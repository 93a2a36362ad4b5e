// Tests: every spelling and shape of generateContent bodies that clients send.
import { describe, expect, test } from "bun:test";
import { AppError } from "../../../errors.ts";
import { foldSeed } from "../../seed.ts";
import { camelKeys } from "../proto-json.ts";
import { CountBody, GenerateBody, tolerant } from "../schema.ts";
import { decodeCount, decodeGenerate } from "./decode.ts";

const validate = tolerant(GenerateBody);
const decode = (body: object) => decodeGenerate(validate({ contents: "a fox", ...body }));
const FILE = "abcdefghijklmnopqrstuvwxyz";
const text = (said: string) => ({ type: "text", text: said });
const image = (url: string, param: string, more: object = {}) => ({
  ...{ type: "reference", url, param, trusted: true },
  ...{ kinds: ["image", "video"], ...more },
});
const user = (...parts: object[]) => [{ role: "user", parts }];

describe("contents", () => {
  const inline = { inlineData: { mimeType: "image/png", data: "QUJD" } };
  const shapes: [string, unknown, object[]][] = [
    ["a text", "a fox", user(text("a fox"))],
    ["one content", { role: "user", parts: [{ text: "a fox" }] }, user(text("a fox"))],
    ["a content without a role", [{ parts: [{ text: "a fox" }] }], user(text("a fox"))],
    ["a content with a null role", [{ role: null, parts: [{ text: "a fox" }] }], user(text("a fox"))],
    ["a content with one part by itself", [{ parts: { text: "a fox" } }], user(text("a fox"))],
    ["a content whose parts are a text", [{ parts: "a fox" }], user(text("a fox"))],
    ["a list of texts", ["a fox", "in snow"], user(text("a fox"), text("in snow"))],
    ["loose parts", ["a fox", inline], user(text("a fox"), image("data:image/png;base64,QUJD", "contents[1].inlineData.data"))],
    [
      "snake_case",
      [{ parts: [{ text: "a fox" }, { inline_data: { mime_type: "image/png", data: "QUJD" } }] }],
      user(text("a fox"), image("data:image/png;base64,QUJD", "contents[0].parts[1].inlineData.data")),
    ],
    [
      "a data URL where base64 is expected",
      [{ parts: ["a fox", { inlineData: { data: "data:image/jpeg;base64,QUJD" } }] }],
      user(text("a fox"), image("data:image/jpeg;base64,QUJD", "contents[0].parts[1].inlineData.data")),
    ],
    ["two contents of one role", [{ parts: ["a"] }, { parts: ["b"] }], user(text("a"), text("b"))],
    ["what functions answered", [{ role: "function", parts: [{ text: "x" }] }, { parts: ["a fox"] }], user(text("a fox"))],
    ["parts that are nothing to draw", [{ parts: [{ functionCall: {} }, { text: " " }, { text: "a fox" }] }], user(text("a fox"))],
  ];
  test.each(shapes)("%s", (_, contents, turns) => {
    expect(decode({ contents }).turns).toEqual(turns as never);
  });

  const files: [string, string][] = [
    [`files/${FILE}`, `file:file-${FILE}`],
    [`https://generativelanguage.googleapis.com/v1beta/files/${FILE}`, `file:file-${FILE}`],
    [`http://localhost:8000/v1/files/${FILE}:download?alt=media`, `file:file-${FILE}`],
    [`http://localhost:8000/media/${FILE}.png`, `http://localhost:8000/media/${FILE}.png`],
    ["https://example.com/fox.png", "https://example.com/fox.png"],
  ];
  test.each(files)("fileData %s", (fileUri, url) => {
    const { turns } = decode({ contents: [{ parts: [{ text: "a" }, { file_data: { file_uri: fileUri } }] }] });
    expect(turns[0]!.parts[1]).toEqual(image(url, "contents[0].parts[1].fileData.fileUri") as never);
  });

  test("a bucket's URI is refused, naming the field", () => {
    const act = () => decode({ contents: [{ parts: [{ fileData: { fileUri: "gs://bucket/fox.png" } }] }] });
    expect(act).toThrow(expect.objectContaining({ kind: "invalid_request", param: "contents[0].parts[0].fileData.fileUri" }));
  });

  test("a foreign link that a model is said to have given is not read", () => {
    const contents = [
      { role: "model", parts: [{ text: "here" }, { fileData: { fileUri: "https://example.com/fox.png" } }] },
      { role: "user", parts: ["again"] },
    ];
    expect(decode({ contents }).turns[0]!.parts).toEqual([text("here")] as never);
  });

  test("marks go on with their parts, thoughts do not", () => {
    const contents = [
      { role: "user", parts: ["a fox"] },
      {
        role: "model",
        parts: [
          { text: "planning", thought: true },
          { ...inline, thought: true },
          { text: "", thoughtSignature: "first+/=" },
          { ...inline, thoughtSignature: "second+/=" },
        ],
      },
      { role: "user", parts: ["in snow"] },
    ];
    expect(decode({ contents }).turns[1]!.parts).toEqual([
      { type: "text", text: "", signature: "first+/=" },
      { ...image("data:image/png;base64,QUJD", "contents[1].parts[3].inlineData.data"), signature: "second+/=", lenient: { text: "" } },
    ] as never);
  });

  test.each([[[]], [""], [[{ role: "model", parts: ["I end"] }]], [[{ parts: [{ text: "" }] }]]])(
    "%j has no user's turn at its end",
    (contents) => {
      expect(() => decode({ contents })).toThrow(AppError);
    },
  );
});

describe("what is not of the kind that a field has is refused, naming the field", () => {
  const FOX = [{ role: "user", parts: [{ text: "a fox" }] }];
  const cases: [string, object, string][] = [
    ["a number as text", { contents: [{ parts: [{ text: 5 }] }] }, "contents[0].parts[0].text must be a text, got 5."],
    [
      "a number beside a text",
      { contents: [...FOX, { role: "model", parts: [{ text: "x" }] }, { role: "user", parts: [{ text: "snow" }, { text: true }] }] },
      "contents[2].parts[1].text must be a text, got true.",
    ],
    ["a list as text", { contents: [{ parts: [{ text: ["a", "b"] }] }] }, "contents[0].parts[0].text must be a text, got a list of 2."],
    ["a number as the one part", { contents: [{ parts: { text: 5 } }] }, "contents[0].parts.text must be a text, got 5."],
    ["a number as part", { contents: [{ parts: [5] }] }, "contents[0].parts[0] must be a text or an object, got 5."],
    ["a number as content", { contents: [5] }, "contents[0] must be a text or an object, got 5."],
    [
      "bytes by themselves",
      { contents: [{ parts: [{ inlineData: "QUJD" }, { text: "a" }] }] },
      'contents[0].parts[0].inlineData must be an object with mimeType and data, got "QUJD".',
    ],
    [
      "a file by its name alone",
      { contents: [{ parts: [{ fileData: "files/a" }, { text: "a" }] }] },
      'contents[0].parts[0].fileData must be an object with fileUri, got "files/a".',
    ],
    [
      "a number as an instruction's text",
      { systemInstruction: { parts: [{ text: "x" }, { text: 5 }] } },
      "systemInstruction.parts[1].text must be a text, got 5.",
    ],
    [
      "an instruction of the role system",
      { contents: [{ role: "system", parts: [{ text: 5 }] }, ...FOX] },
      "contents[0].parts[0].text must be a text, got 5.",
    ],
  ];
  test.each(cases)("%s", (_, body, message) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ name: "AppError", kind: "invalid_request", message }));
  });

  test("in an earlier turn it is left out with a note", () => {
    const contents = [{ role: "user", parts: [{ text: 5 }, { text: "a fox" }] }, { role: "model", parts: [{ text: "x" }] }, ...FOX];
    const { turns, leftOut } = decode({ contents });
    expect(turns[0]).toEqual({ role: "user", parts: [text("a fox")] } as never);
    expect(leftOut).toEqual([{ param: "contents[0].parts[0].text", reason: "contents[0].parts[0].text must be a text, got 5." }]);
  });
});

describe("instructions", () => {
  const forms: [unknown, string | undefined][] = [
    ["be brief", "be brief"],
    [{ parts: [{ text: "be" }, { text: "brief" }] }, "be\nbrief"],
    [{ role: null, parts: [{ text: "be brief" }] }, "be brief"],
    [{ parts: { text: "be brief" } }, "be brief"],
    [{ text: "be brief" }, "be brief"],
    [[{ text: "be brief" }], "be brief"],
    [null, undefined],
    [{ parts: [] }, undefined],
  ];
  test.each(forms)("%j", (systemInstruction, system) => {
    expect(decode({ systemInstruction }).options.system).toBe(system as string);
  });

  test("a content of the role system is an instruction", () => {
    const { options, turns } = decode({ contents: [{ role: "system", parts: ["be brief"] }, { parts: ["a fox"] }] });
    expect([options.system, turns.length]).toEqual(["be brief", 1]);
  });
});

describe("generationConfig", () => {
  const rows: [object, object][] = [
    [{}, { options: { imageOnly: false, includeThoughts: false }, hints: {} }],
    [{ imageConfig: { aspectRatio: "16:9", imageSize: "2K" } }, { hints: { aspectRatio: "16:9", imageSize: "2K" } }],
    [{ image_config: { aspect_ratio: "16:9", image_size: "2K" } }, { hints: { aspectRatio: "16:9", imageSize: "2K" } }],
    [{ responseModalities: ["IMAGE"] }, { options: { imageOnly: true } }],
    [{ response_modalities: ["text", "image"] }, { options: { imageOnly: false } }],
    [{ seed: "7" }, { options: { seed: 7 } }],
    [{ seed: 2 ** 40 }, { options: { seed: foldSeed(2 ** 40) } }],
    [{ thinkingConfig: { includeThoughts: true, thinkingLevel: "LOW" } }, { options: { includeThoughts: true, thinking: "low" } }],
    [{ thinking_config: { thinking_level: "THINKING_LEVEL_UNSPECIFIED", thinking_budget: -1 } }, { options: { thinking: undefined } }],
    [{ temperature: 1, candidateCount: 1, stopSequences: [], unheardOf: {} }, { hints: {} }],
  ];
  test.each(rows)("%j", (generationConfig, expected) => {
    expect(decode({ generationConfig })).toMatchObject(expected);
  });
});

test("countTokens takes contents or a whole request", () => {
  const count = (body: object) => decodeCount(tolerant(CountBody)(body));
  const contents = [{ parts: [{ text: "a fox" }, { inlineData: { data: "QUJD" } }] }];
  expect(count({ contents })).toEqual({ texts: ["", "a fox"], images: 1 });
  expect(count({ generateContentRequest: { contents, systemInstruction: "brief" } })).toEqual({ texts: ["brief", "a fox"], images: 1 });
});

test("names become camelCase at every depth, null counts as absent, texts stay", () => {
  expect(camelKeys({ file_data: [{ file_uri: "a_b", mime_type: null }], sha_256_hash: 1 })).toEqual({
    fileData: [{ fileUri: "a_b" }],
    sha256Hash: 1,
  });
});
