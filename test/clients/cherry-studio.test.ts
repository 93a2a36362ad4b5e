// Cherry Studio's requests, as CherryHQ/cherry-studio src/main/ai/AiService.ts, its patches of the AI SDK and aihubmixVideoTransport.ts write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import {
  type Chat,
  deltasOf,
  type Images,
  isImage,
  isMp4,
  PIXEL_URL,
  pixel,
  post,
  postForm,
  startReplay,
  type Video,
  watchVideo,
} from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("paintings", () => {
  test.each([
    ["gemini-nano-banana-2.1", { response_format: "b64_json", size: "1024x1024" }],
    ["gpt-image-1", { size: "1024x1024" }],
    ["chatgpt-image-latest", {}],
  ])("generates with %s", async (model, extra) => {
    const { data } = await post<Images>(rig, "/v1/images/generations", { model, prompt: "a fox", n: 1, ...extra });
    expect(isImage(data[0]?.b64_json)).toBe(true);
  });

  test("sends options that nobody knows", async () => {
    const body = { model: "dall-e-3", prompt: "a fox", n: 1, style: "vivid", guidance_scale: 3, num_inference_steps: 20, watermark: false };
    expect((await post<Images>(rig, "/v1/images/generations", body)).data).toHaveLength(1);
  });

  test("edits with a form", async () => {
    const entries = [
      ["model", "gpt-image-1"],
      ["prompt", "blue"],
      ["n", "1"],
      ["image", pixel()],
    ] as const;
    expect(isImage((await postForm<Images>(rig, "/v1/images/edits", entries)).data[0]?.b64_json)).toBe(true);
  });
});

describe("chat", () => {
  /** The shape that its schema demands: anything else makes the whole chunk invalid. */
  const isExact = (picture: object) => JSON.stringify(Object.keys(picture).sort()) === '["image_url","index","type"]';

  test("wants images of exactly one type, as data", async () => {
    const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
      model: "gemini-3.1-flash-image",
      modalities: ["text", "image"],
      messages: [{ role: "user", content: "a fox" }],
    });
    const deltas = await deltasOf(await rig.chat({ stream: true, modalities: ["text", "image"] }));
    const pictures = [...(choices[0]!.message.images ?? []), ...deltas.flatMap(({ images }) => images ?? [])];
    expect(pictures.map((picture) => [picture.type, isExact(picture), picture.image_url.url.startsWith("data:image/")])).toEqual([
      ["image_url", true, true],
      ["image_url", true, true],
    ]);
  });

  test("checks every model with a greeting, which costs nothing", async () => {
    const before = rig.simulator.counts().total.requests;
    for (const model of ["gemini-3-pro-image", "dall-e-3", "sora-2"]) {
      const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
        model,
        messages: [
          { role: "system", content: "test" },
          { role: "user", content: "hi" },
        ],
        stream: false,
      });
      expect(choices[0]!.message.content).not.toBe("");
    }
    expect(rig.simulator.counts().total.requests).toBe(before);
  });
});

test("videos begin with an image as text, and their type comes from the content", async () => {
  const { id } = await post<Video>(rig, "/v1/videos", {
    model: "sora-2",
    prompt: "a fox",
    seconds: "4",
    size: "720x1280",
    input_reference: PIXEL_URL,
  });
  expect((await watchVideo(rig, id)).status).toBe("completed");
  const content = await rig.call(`/v1/videos/${id}/content`);
  expect([content.headers.get("content-type"), isMp4(await content.bytes())]).toEqual(["video/mp4", true]);
});
