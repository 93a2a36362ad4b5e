// LibreChat's requests, as danny-avila/LibreChat api/app/clients/tools/structured/OpenAIImageTools.js and GeminiImageGen.js write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import type { Rig } from "../rig.ts";
import { type Chat, deltasOf, type Images, isImage, LINK, PIXEL, pixel, post, postForm, startReplay } from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("the OpenAI image tool", () => {
  // A link is "no image data" to it.
  test("generates without a word on the form, and wants base64", async () => {
    const client = new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1` });
    const { data } = await client.images.generate({
      model: "gpt-image-1",
      prompt: "a fox",
      n: 1,
      background: "auto",
      quality: "auto",
      size: "auto",
      output_format: "png",
    });
    expect(data?.map(({ b64_json, url }) => [isImage(b64_json), url])).toEqual([[true, undefined]]);
  });

  test("edits with a list of files", async () => {
    const entries = [
      ["model", "gpt-image-1"],
      ["prompt", "blue"],
      ["quality", "auto"],
      ["size", "1024x1024"],
      ["image[]", pixel(), "a.png"],
      ["image[]", pixel(), "b.png"],
    ] as const;
    expect(isImage((await postForm<Images>(rig, "/v1/images/edits", entries)).data[0]?.b64_json)).toBe(true);
  });
});

describe("the Gemini image tool", () => {
  test.each([
    ["its key alone", undefined],
    ["Authorization as well, which is how it speaks to gateways", "both"],
  ])("takes the first image, with %s", async (_name, both) => {
    const headers: Record<string, string> = both ? { Authorization: `Bearer ${rig.key}` } : {};
    const client = new GoogleGenAI({ apiKey: rig.key, httpOptions: { baseUrl: rig.url, headers } });
    const { candidates } = await client.models.generateContent({
      model: "gemini-3-pro-image",
      contents: [{ text: "blue" }, { inlineData: { mimeType: "image/png", data: PIXEL } }],
      config: { responseModalities: ["TEXT", "IMAGE"], imageConfig: { aspectRatio: "1:1" }, safetySettings: [] },
    });
    const first = candidates?.[0]?.content?.parts?.find(({ inlineData }) => inlineData);
    expect([isImage(first?.inlineData?.data), first?.thought]).toEqual([true, undefined]);
    expect(candidates?.[0]?.finishReason as string).toBe("STOP");
  });
});

describe("chat by a custom endpoint", () => {
  // Data URLs are blocked and message.images is not read.
  test("shows a link", async () => {
    const text = (await deltasOf(await rig.chat({ stream: true, user: "65f0c0ffee" }))).map(({ content }) => content ?? "").join("");
    expect(text.match(LINK)).toHaveLength(1);
    expect(text).not.toContain("data:");
  });

  test("asks for a title without costing an image", async () => {
    const before = rig.simulator.counts().total.requests;
    const content =
      "Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return the title itself.\n\nConversation:\nUser: a fox\nAI: ![image](https://gateway.example/media/x.png)";
    const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
      model: "gemini-3-pro-image",
      messages: [{ role: "user", content }],
      temperature: 0.2,
      max_tokens: 16,
    });
    expect([choices[0]!.message.content.length > 0, rig.simulator.counts().total.requests]).toEqual([true, before]);
  });
});
