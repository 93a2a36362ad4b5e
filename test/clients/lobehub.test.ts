// LobeHub's requests, as lobehub/lobehub packages/model-runtime/src/core/openaiCompatibleFactory and providers/google write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { GoogleGenAI } from "genai-1";
import OpenAI, { toFile } from "openai";
import type { Rig } from "../rig.ts";
import { type Chat, deltasOf, isImage, isMp4, LINK, PIXEL_URL, pixel, post, startReplay, until, type Video, watchVideo } from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
let client: OpenAI;
beforeAll(async () => {
  rig = await startReplay();
  client = new OpenAI({ apiKey: rig.key, baseURL: `${rig.url}/v1` });
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("images", () => {
  test("generates one, the size left out when it is automatic", async () => {
    const { data } = await client.images.generate({ model: "gpt-image-1", prompt: "a fox", n: 1 });
    expect(isImage(data?.[0]?.b64_json)).toBe(true);
  });

  test("edits with the fidelity that only one family knows", async () => {
    const { data } = await client.images.edit({
      model: "gpt-image-1",
      prompt: "blue",
      n: 1,
      image: [await toFile(pixel(), "image.png")],
      input_fidelity: "high",
    });
    expect(isImage(data?.[0]?.b64_json)).toBe(true);
  });

  test("asks models of its suffix :image in chat, and reads message.images", async () => {
    const body = {
      model: "gemini-3-pro-image:image",
      modalities: ["image", "text"],
      stream: false,
      messages: [{ role: "user", content: "a fox" }],
    };
    const { choices } = await post<Chat>(rig, "/v1/chat/completions", body);
    expect(choices[0]!.message.images?.map(({ image_url }) => /^data:image\/\w+;base64,/.test(image_url.url))).toEqual([true]);
  });
});

describe("videos", () => {
  test("are made from JSON, polled, and taken from their url", async () => {
    const body = { model: "sora-2", prompt: "a fox", seconds: "8", size: "1280x720", input_reference: { image_url: PIXEL_URL } };
    const { id } = await post<Video>(rig, "/v1/videos", body);
    const video = await watchVideo(rig, id);
    expect([video.status, isMp4(await (await fetch(video.url!)).bytes())]).toEqual(["completed", true]);
  });

  test("or from their content, with the key", async () => {
    const { id } = await post<Video>(rig, "/v1/videos", { model: "veo-3.1-fast-generate-preview", prompt: "a fox" });
    await watchVideo(rig, id);
    expect(isMp4(await (await rig.call(`/v1/videos/${id}/content`)).bytes())).toBe(true);
  });
});

describe("chat", () => {
  test("finds the link whole in one chunk, with nothing else to lose", async () => {
    const deltas = await deltasOf(await rig.chat({ stream: true }));
    expect(deltas.filter(({ content }) => content?.match(LINK))).toHaveLength(1);
  });

  // A chunk with images is read for those alone.
  test("finds no text beside delta.images", async () => {
    const deltas = await deltasOf(await rig.chat({ stream: true, modalities: ["image", "text"] }));
    expect(deltas.filter(({ images }) => images).map(({ content }) => content ?? "")).toEqual([""]);
  });
});

describe("its Google provider", () => {
  const google = () => new GoogleGenAI({ apiKey: rig.key, httpOptions: { baseUrl: rig.url } });

  test("generates with an instruction and an aspect", async () => {
    const response = await google().models.generateContent({
      model: "gemini-3-pro-image",
      contents: [{ role: "user", parts: [{ text: "a fox" }] }],
      config: { systemInstruction: "You draw.", responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "16:9", imageSize: "2K" } },
    });
    expect(response.candidates?.[0]?.content?.parts?.filter(({ inlineData, thought }) => inlineData && !thought)).toHaveLength(1);
  });

  test("makes videos by operations, and downloads with the header", async () => {
    let operation = await google().models.generateVideos({
      model: "veo-3.1-generate-preview",
      prompt: "a fox",
      config: { aspectRatio: "16:9", durationSeconds: 8 },
    });
    operation = await until(async () => {
      const now = await google().operations.getVideosOperation({ operation });
      return now.done && now;
    });
    const download = await fetch(operation.response!.generatedVideos![0]!.video!.uri!, { headers: { "x-goog-api-key": rig.key } });
    expect(isMp4(await download.bytes())).toBe(true);
  });
});
