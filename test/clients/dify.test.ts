// Dify's requests, as langgenius/dify-official-plugins tools/openai, models/gemini and models/openai_api_compatible write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { framesOf } from "../rig.ts";
import {
  type Content,
  deltasOf,
  google,
  type Images,
  inlinePictures,
  isImage,
  isMp4,
  LINK,
  PIXEL,
  pixel,
  post,
  postForm,
  startReplay,
  until,
} from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("the OpenAI tools", () => {
  test.each([
    ["dall-e-3", { size: "1024x1024", n: 1, quality: "standard", style: "vivid", response_format: "b64_json" }],
    ["dall-e-2", { size: "512x512", n: 2, response_format: "b64_json" }],
    // A size or a quality that is automatic is left out.
    ["gpt-image-1", { n: 1, background: "opaque", output_format: "png", moderation: "low" }],
  ])("generates with %s as base64 alone", async (model, extra) => {
    const { data } = await post<Images>(rig, "/v1/images/generations", { prompt: "a fox", model, ...extra });
    expect(data.map(({ b64_json, url }) => [isImage(b64_json), url])).toEqual(Array(extra.n).fill([true, undefined]));
  });

  test("edits several images with a mask", async () => {
    const entries = [
      ["model", "gpt-image-1"],
      ["prompt", "blue"],
      ["n", "1"],
      ["image[]", pixel(), "a.png"],
      ["image[]", pixel(), "b.png"],
      ["mask", pixel(), "mask.png"],
    ] as const;
    expect(isImage((await postForm<Images>(rig, "/v1/images/edits", entries)).data[0]?.b64_json)).toBe(true);
  });
});

describe("the Gemini plugin", () => {
  // Every image of the response becomes a file of the message.
  test("streams, and stores every image: there is one, of a type that it knows", async () => {
    const body = {
      contents: [{ role: "user", parts: [{ text: "blue" }, { inlineData: { data: PIXEL, mimeType: "image/png" } }] }],
      generationConfig: { responseModalities: ["Text", "Image"], temperature: 1, topP: 0.95, topK: 40, maxOutputTokens: 8192 },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
    };
    const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
    const response = await fetch(`${rig.url}/v1beta/models/gemini-3-pro-image:streamGenerateContent?alt=sse`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const images = framesOf(await response.text()).flatMap((data) => inlinePictures(JSON.parse(data) as Content));
    expect(images.map(({ inlineData }) => inlineData!.mimeType)).toEqual([expect.stringMatching(/^image\/(png|jpeg)$/)]);
  });

  test.each(["veo-3.1-generate-preview", "veo-3.1-fast-generate-preview"])("the video tool films with %s", async (model) => {
    const parameters = { aspectRatio: "16:9", durationSeconds: 8, personGeneration: "allow_all", negativePrompt: "rain" };
    const { name } = await google<{ name: string }>(rig, `/v1beta/models/${model}:predictLongRunning`, {
      instances: [{ prompt: "a fox" }],
      parameters,
    });
    type Operation = { done?: boolean; response?: { generateVideoResponse: { generatedSamples: { video: { uri: string } }[] } } };
    const { response } = await until(async () => {
      const operation = await google<Operation>(rig, `/v1beta/${name}`);
      return operation.done && operation;
    });
    // Its SDK takes the file's id out of the address.
    const [id] = /files\/[a-z0-9]+/.exec(response!.generateVideoResponse.generatedSamples[0]!.video.uri)!;
    const download = await fetch(`${rig.url}/v1beta/${id}:download?alt=media`, { headers: { "x-goog-api-key": rig.key } });
    expect(isMp4(await download.bytes())).toBe(true);
  });
});

describe("openai_api_compatible", () => {
  test("shows the link and what the model thinks", async () => {
    const deltas = await deltasOf(await rig.chat({ stream: true, temperature: 0.7, user: "abc-123" }));
    expect(
      deltas
        .map(({ content }) => content ?? "")
        .join("")
        .match(LINK),
    ).toHaveLength(1);
    expect(deltas.some(({ reasoning_content }) => reasoning_content)).toBe(true);
  });

  test("checks its credentials with a greeting of few tokens, which costs nothing", async () => {
    const before = rig.simulator.counts().total.requests;
    const body = {
      model: "gemini-3-pro-image",
      max_tokens: 5,
      temperature: 0,
      stream: false,
      messages: [{ role: "user", content: "ping" }],
    };
    expect(await post(rig, "/v1/chat/completions", body)).toMatchObject({ object: "chat.completion" });
    expect(rig.simulator.counts().total.requests).toBe(before);
  });
});
