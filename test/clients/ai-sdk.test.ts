// Vercel's AI SDK by all its providers against the executable: @ai-sdk/openai, openai-compatible, google, and OpenRouter's own.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateImage, generateText, experimental_generateVideo as generateVideo, streamText } from "ai";
import { type Program, startProgram } from "../executable.ts";

setDefaultTimeout(60_000);

const MODEL = "gemini-nano-banana-2.1";
const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

let program: Program;
beforeAll(async () => {
  program = await startProgram({ simulator: { videoMs: 0, fileMs: 0 }, env: { FLOW2API_SERVER_PUBLIC_URL: PUBLIC } });
});
afterAll(() => program[Symbol.asyncDispose]());

const openai = () => createOpenAI({ baseURL: `${program.url}/v1`, apiKey: program.key });
const compatible = () => createOpenAICompatible({ name: "flow2api", baseURL: `${program.url}/v1`, apiKey: program.key });
/** The SDK loads results from public addresses only, as a guard: the gateway stands behind one. */
const PUBLIC = "https://gateway.example";
const toProgram = (input: unknown, init: RequestInit = {}) => {
  const headers = new Headers(init.headers);
  // As a reverse proxy passes it on.
  headers.set("host", new URL(PUBLIC).host);
  return fetch(String(input instanceof Request ? input.url : input).replace(PUBLIC, program.url), { ...init, headers });
};
const mapped = Object.assign(toProgram, { preconnect: fetch.preconnect }) as typeof fetch;
const download = async ({ url }: { url: URL }) => {
  const response = await mapped(url);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status}`);
  return { data: await response.bytes(), mediaType: response.headers.get("content-type") ?? undefined };
};
const google = () => createGoogleGenerativeAI({ baseURL: `${PUBLIC}/v1beta`, apiKey: program.key, fetch: mapped });
const openrouter = () => createOpenRouter({ baseURL: `${PUBLIC}/v1`, apiKey: program.key, fetch: mapped });
const isImage = (bytes: Uint8Array) => bytes[0] === 0x89 || bytes[0] === 0xff;
const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.slice(4, 8)).toString() === "ftyp";

describe("@ai-sdk/openai", () => {
  test.each(["gpt-image-1", "dall-e-3", MODEL])("16: generates with %s", async (model) => {
    const { images } = await generateImage({ model: openai().image(model), prompt: "a fox", n: 2, size: "1024x1024" });
    expect(images.map(({ uint8Array }) => isImage(uint8Array))).toEqual([true, true]);
  });

  test("18: edits an image", async () => {
    const { image } = await generateImage({ model: openai().image("gpt-image-1"), prompt: { text: "blue", images: [PIXEL] } });
    expect(isImage(image.uint8Array)).toBe(true);
  });

  test.each(["whole", "streamed"])("29: the image tool gives a result, %s", async (how) => {
    const { responses, tools } = openai();
    const options = {
      model: responses("gpt-5"),
      prompt: "a fox",
      tools: { image_generation: tools.imageGeneration({ size: "1024x1024" }) },
    };
    const results = await (how === "whole" ? (await generateText(options)).toolResults : streamText(options).toolResults);
    const { output } = results.find(({ toolName }) => toolName === "image_generation") as { output: { result: string } };
    expect(isImage(Buffer.from(output.result, "base64"))).toBe(true);
  });
});

describe("@ai-sdk/openai-compatible", () => {
  test("16: generates an image", async () => {
    const { image } = await generateImage({ model: compatible().imageModel(MODEL), prompt: "a fox" });
    expect(isImage(image.uint8Array)).toBe(true);
  });

  test("18: edits a nameless blob", async () => {
    const { image } = await generateImage({ model: compatible().imageModel(MODEL), prompt: { text: "blue", images: [PIXEL] } });
    expect(isImage(image.uint8Array)).toBe(true);
  });

  test("10: streams the link, and an image of the user comes along", async () => {
    const { text } = streamText({
      model: compatible()(MODEL),
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "blue" },
            { type: "file", data: PIXEL, mediaType: "image/png" },
          ],
        },
      ],
    });
    expect(await text).toMatch(/!\[image\]\(https:\/\/\S+\.(png|jpg)\)/);
  });
});

describe("@ai-sdk/google", () => {
  test("30: generates by generateText, as files without the interim image", async () => {
    const { files } = await generateText({
      model: google()("gemini-3-pro-image"),
      prompt: "a fox",
      providerOptions: { google: { responseModalities: ["TEXT", "IMAGE"] } },
    });
    expect(files.map(({ uint8Array }) => isImage(uint8Array))).toEqual([true]);
  });

  test("30: generates by streamText", async () => {
    expect((await streamText({ model: google()("gemini-3-pro-image"), prompt: "a fox" }).files).length).toBe(1);
  });

  test("30: generates by its image model", async () => {
    const { image } = await generateImage({ model: google().image("gemini-3-pro-image"), prompt: "a fox", aspectRatio: "16:9" });
    expect(isImage(image.uint8Array)).toBe(true);
  });

  test.each(["veo-3.1-generate-preview", "veo-3.1-fast-generate-preview"])("34: makes a video with %s", async (model) => {
    const { video } = await generateVideo({
      download,
      model: google().video(model),
      prompt: "a fox",
      aspectRatio: "16:9",
      duration: 8,
      seed: 7,
      poll: { intervalMs: 200 },
    });
    expect([video.mediaType, isMp4(video.uint8Array)]).toEqual(["video/mp4", true]);
  });

  test("34: makes a video from an image", async () => {
    const { video } = await generateVideo({
      download,
      model: google().video("veo-3.1-generate-preview"),
      prompt: { text: "it moves", image: PIXEL },
      poll: { intervalMs: 200 },
    });
    expect(isMp4(video.uint8Array)).toBe(true);
  });
});

describe("@openrouter/ai-sdk-provider", () => {
  test("10: generates in chat, as one file", async () => {
    const { files } = await generateText({
      model: openrouter().chat(MODEL, { extraBody: { modalities: ["image", "text"] } }),
      prompt: "a fox",
    });
    expect(files.map(({ uint8Array }) => isImage(uint8Array))).toEqual([true]);
  });

  test("16: generates by its image model", async () => {
    const { image } = await generateImage({ model: openrouter().imageModel(MODEL), prompt: "a fox" });
    expect(isImage(image.uint8Array)).toBe(true);
  });

  test("22: makes a video", async () => {
    const { video } = await generateVideo({
      download,
      model: openrouter().videoModel("sora-2", { pollIntervalMs: 200 }),
      prompt: "a fox",
      duration: 4,
    });
    expect([video.mediaType, isMp4(video.uint8Array)]).toEqual(["video/mp4", true]);
  });
});
