// SillyTavern's requests, as SillyTavern/SillyTavern public/scripts/openai.js and src/endpoints/google.js write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { addKey, type Content, DATA, deltasOf, google, inlinePictures, isImage, isMp4, PIXEL, startReplay, until } from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

const SAMPLERS = { temperature: 1, frequency_penalty: 0, presence_penalty: 0, top_p: 1, max_tokens: 300, stop: [], logit_bias: {}, n: 1 };
const chat = (body: object = {}, headers: Record<string, string> = {}) =>
  rig.chat({ model: "gemini-3-pro-image", stream: true, ...SAMPLERS, ...body }, { headers });

describe("the Custom source", () => {
  // It blocks media of other hosts: only an image inside the text is shown.
  test.each(["by header", "by the key's own form"])("shows a data URL whole in one chunk, %s", async (how) => {
    const key = how === "by header" ? rig.key : await addKey(rig, { imageForm: "markdown_data" });
    const response = await chat(
      {},
      { authorization: `Bearer ${key}`, ...(how === "by header" ? { "x-image-output": "markdown_data" } : {}) },
    );
    const deltas = await deltasOf(response);
    expect(deltas.filter(({ content }) => content?.match(DATA))).toHaveLength(1);
    expect(deltas.some(({ images }) => images)).toBe(false);
  });

  test("sends system messages anywhere, names and an empty assistant", async () => {
    const messages = [
      { role: "system", content: "Write the next reply.", name: "main" },
      { role: "assistant", content: "" },
      { role: "user", content: "a fox", name: "User" },
      { role: "system", content: "[Start a new chat]" },
    ];
    expect(await deltasOf(await chat({ messages }))).not.toBeEmpty();
  });
});

test("the OpenRouter source stores data URLs of delta.images alone", async () => {
  const pictures = (await deltasOf(await chat({ modalities: ["text", "image"], transforms: ["middle-out"], plugins: [] }))).flatMap(
    ({ images }) => images ?? [],
  );
  expect(pictures.map(({ image_url }) => image_url.url.startsWith("data:image/"))).toEqual([true]);
});

describe("the Google AI Studio source behind a proxy's address", () => {
  const SAFETY = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"].map((name) => ({
    category: `HARM_CATEGORY_${name}`,
    threshold: "OFF",
  }));

  test("generates in chat", async () => {
    const result = await google<Content>(rig, "/v1beta/models/gemini-3-pro-image:generateContent", {
      contents: [{ role: "user", parts: [{ text: "a fox" }, { inlineData: { mimeType: "image/png", data: PIXEL } }] }],
      safetySettings: SAFETY,
      generationConfig: {
        candidateCount: 1,
        maxOutputTokens: 300,
        temperature: 1,
        topP: 1,
        topK: 40,
        responseMimeType: "text/plain",
        responseModalities: ["text", "image"],
      },
    });
    expect(inlinePictures(result).filter(({ thought }) => !thought)).toHaveLength(1);
  });

  test("generates by predict, with null where nothing is said", async () => {
    const parameters = {
      sampleCount: 1,
      seed: null,
      enhancePrompt: false,
      negativePrompt: "",
      aspectRatio: "1:1",
      personGeneration: "allow_all",
      language: "auto",
      safetySetting: "block_low_and_above",
      addWatermark: false,
    };
    const { predictions } = await google<{ predictions: { bytesBase64Encoded: string }[] }>(
      rig,
      "/v1beta/models/imagen-4.0-generate-001:predict",
      { instances: [{ prompt: "a fox" }], parameters },
    );
    expect(isImage(predictions[0]?.bytesBase64Encoded)).toBe(true);
  });

  test("films by an operation that it asks for by its name", async () => {
    const parameters = { negativePrompt: "", aspectRatio: "16:9", durationSeconds: 8, personGeneration: "allow_all", seed: 3 };
    const { name } = await google<{ name: string }>(rig, "/v1beta/models/veo-3.1-generate-preview:predictLongRunning", {
      instances: [{ prompt: "a fox" }],
      parameters,
    });
    type Operation = { done?: boolean; response?: { generateVideoResponse: { generatedSamples: { video: { uri: string } }[] } } };
    const { response } = await until(async () => {
      const operation = await google<Operation>(rig, `/v1beta/${name}`);
      return operation.done && operation;
    });
    const download = await fetch(response!.generateVideoResponse.generatedSamples[0]!.video.uri, {
      headers: { "x-goog-api-key": rig.key },
    });
    expect(isMp4(await download.bytes())).toBe(true);
  });
});
