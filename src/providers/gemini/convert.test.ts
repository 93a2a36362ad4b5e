// What is sent to generateContent, field by field.
import { describe, expect, test } from "bun:test";
import type { ImageRequest } from "../../domain/generation.ts";
import { encodeBody } from "../encode-body.ts";
import { builtInModels } from "../testing.ts";
import { toGenerateContent as convert } from "./convert.ts";
import { kindOfUnknown, requireModel } from "./models.ts";

const base: ImageRequest = { family: "gemini-nano-banana-2.1", turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }] };
const MODELS = builtInModels("gemini");
const toGenerateContent = (request: ImageRequest) =>
  convert(request, requireModel({ models: MODELS, title: "The Gemini API" }, "image", request.family));
const configOf = (change: Partial<ImageRequest>) => toGenerateContent({ ...base, ...change }).generationConfig;

test("a bare request sends the prompt and nothing that was not asked for", async () => {
  expect(JSON.parse(Buffer.from(await encodeBody(toGenerateContent(base))).toString())).toEqual({
    contents: [{ role: "user", parts: [{ text: "a fox" }] }],
    generationConfig: { responseModalities: ["TEXT", "IMAGE"] },
  });
});

test("a conversation keeps roles, order and signatures byte for byte", async () => {
  const signature = 'CiQB/+e=\u2028"x';
  const png = new Blob([new Uint8Array([1, 2, 3, 4])]);
  const body = toGenerateContent({
    ...base,
    system: "be brief",
    seed: 7,
    imageOnly: true,
    turns: [
      { role: "user", parts: [{ type: "text", text: "a fox" }] },
      {
        role: "model",
        parts: [
          { type: "image", image: { mime: "image/png", data: png, signature } },
          { type: "text", text: "done", signature },
        ],
      },
      { role: "user", parts: [{ type: "text", text: "" }] },
      {
        role: "user",
        parts: [
          { type: "image", image: { mime: "image/webp", data: png } },
          { type: "text", text: "" },
          { type: "text", text: "like this" },
        ],
      },
    ],
  });
  expect(JSON.parse(Buffer.from(await encodeBody(body)).toString())).toEqual({
    contents: [
      { role: "user", parts: [{ text: "a fox" }] },
      {
        role: "model",
        parts: [
          { inlineData: { mimeType: "image/png", data: "AQIDBA==" }, thoughtSignature: signature },
          { text: "done", thoughtSignature: signature },
        ],
      },
      { role: "user", parts: [{ inlineData: { mimeType: "image/webp", data: "AQIDBA==" } }, { text: "like this" }] },
    ],
    systemInstruction: { parts: [{ text: "be brief" }] },
    generationConfig: { responseModalities: ["IMAGE"], seed: 7 },
  });
});

describe("imageConfig", () => {
  test.each([
    ["gemini-nano-banana-2.1", ["1K", "2K", "4K"]],
    ["gemini-3-pro-image", ["1K", "2K", "4K"]],
    ["gemini-3.1-flash-image", ["512", "1K", "2K", "4K"]],
    ["gemini-3.1-flash-lite-image", ["1K"]],
    ["gemini-2.5-flash-image", []],
  ])("%s gets the sizes %j and no other", (family, sizes) => {
    const sent = (["512", "1K", "2K", "4K"] as const).filter((size) => configOf({ family, size }).imageConfig?.imageSize === size);
    expect(sent as string[]).toEqual(sizes);
  });

  test("the aspect goes with it, or alone", () => {
    expect(configOf({ aspect: "16:9", size: "2K" }).imageConfig).toEqual({ aspectRatio: "16:9", imageSize: "2K" });
    expect(configOf({ family: "gemini-2.5-flash-image", aspect: "9:16", size: "1K" }).imageConfig).toEqual({ aspectRatio: "9:16" });
  });
});

test("options stand where the upstream has them", () => {
  const safety = [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" }];
  const body = toGenerateContent({ ...base, safety, search: { types: ["image"] }, temperature: 0, topP: 0.5, topK: 3 });
  expect(body).toMatchObject({ safetySettings: safety, tools: [{ googleSearch: { searchTypes: { imageSearch: {} } } }] });
  expect(body.generationConfig).toMatchObject({ temperature: 0, topP: 0.5, topK: 3 });
  expect(toGenerateContent({ ...base, search: {} }).tools).toEqual([{ googleSearch: {} }]);
  const plain = JSON.parse(JSON.stringify(toGenerateContent(base)));
  expect([plain.safetySettings, plain.tools, Object.keys(plain.generationConfig)]).toEqual([undefined, undefined, ["responseModalities"]]);
});

test("an address that the upstream reads itself goes as one", () => {
  const image = { mime: "", uri: "https://youtu.be/abc", data: new Blob() };
  const turns = [{ role: "user" as const, parts: [{ type: "image" as const, image }] }];
  expect(toGenerateContent({ ...base, turns }).contents).toEqual([
    { role: "user", parts: [{ fileData: { fileUri: "https://youtu.be/abc" } }] },
  ]);
});

describe("thinkingConfig", () => {
  test.each([
    ["gemini-nano-banana-2.1", ["MINIMAL", "MINIMAL", "MEDIUM", "HIGH", "HIGH"]],
    ["gemini-3.1-flash-image", ["MINIMAL", "MINIMAL", "HIGH", "HIGH", "HIGH"]],
    ["gemini-3.1-flash-lite-image", ["MINIMAL", "MINIMAL", "HIGH", "HIGH", "HIGH"]],
  ])("%s gets a level that it knows", (family, levels) => {
    const sent = (["minimal", "low", "medium", "high", "xhigh"] as const).map((thinking) => configOf({ family, thinking }).thinkingConfig);
    expect(sent).toEqual(levels.map((thinkingLevel) => ({ thinkingLevel })));
  });

  test("a model that thinks without a choice of level gives its thoughts; one that does not think gets no configuration", () => {
    const sent = (family: string) => configOf({ family, thinking: "high", includeThoughts: true }).thinkingConfig;
    expect(sent("gemini-3-pro-image")).toEqual({ includeThoughts: true });
    expect(sent("gemini-2.5-flash-image")).toBeUndefined();
    expect(configOf({ includeThoughts: true }).thinkingConfig).toEqual({ includeThoughts: true });
  });
});

test("a family of another upstream is refused before anything is sent", () => {
  for (const family of ["imagen-4", "constructor"]) {
    expect(() => toGenerateContent({ ...base, family })).toThrow(expect.objectContaining({ kind: "upstream_model_denied" }));
  }
});

test("every model is found again by its wire name", () => {
  for (const family of MODELS.assumed()) expect(MODELS.familiesOf(MODELS.find(family)!.wire)).toEqual([family]);
  expect(MODELS.familiesOf("gemini-3-pro-image-preview")).toEqual([]);
});

test.each([
  ["gemini-nano-banana-3", ["generateContent"], "image"],
  ["gemini-4-flash-image", ["countTokens", "generateContent"], "image"],
  ["gemini-omni-2-flash", [], "video"],
  ["gemini-4-hydrogen", ["generateContent"], null],
  ["gemini-4-flash-image", ["countTokens"], null],
  ["imagen-5-generate", ["predict"], null],
  ["veo-4-generate", ["predictLongRunning"], null],
  ["gemini-embedding-image", ["generateContent"], null],
])("of the listed %s with %p is thought: %p", (id, methods, kind) => expect<string | null>(kindOfUnknown(id, methods)).toBe(kind));
