// Clients that stay behind Google's present SDKs, against the executable: @google/generative-ai 0.24.1 and LangChain, which is built on it.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GoogleGenerativeAI, GoogleGenerativeAIFetchError } from "@google/generative-ai";
import { GoogleAIFileManager } from "@google/generative-ai/server";
import { type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOpenAI, DallEAPIWrapper } from "@langchain/openai";
import { virtualClock } from "../../src/testing.ts";
import { type Program, startProgram } from "../executable.ts";
import { startRig } from "../rig.ts";
import { isImage, PIXEL, until } from "./replay.ts";

setDefaultTimeout(60_000);

const MODEL = "gemini-3.1-flash-image";
let program: Program;
beforeAll(async () => {
  program = await startProgram({ simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => program[Symbol.asyncDispose]());

type Parts = { inlineData?: { mimeType: string; data: string }; fileData?: { fileUri: string } }[];
type Answer = { candidates?: { content?: { parts?: Parts } }[] };
const inline = ({ candidates }: Answer) =>
  (candidates?.[0]?.content?.parts ?? []).flatMap(({ inlineData }) => (inlineData ? [inlineData] : []));
const isOneImage = (responses: Answer[]) => {
  const found = responses.flatMap(inline);
  return found.length === 1 && isImage(found[0]!.data);
};

describe("@google/generative-ai 0.24.1", () => {
  const modelOf = (url: string, key: string, model = MODEL) => new GoogleGenerativeAI(key).getGenerativeModel({ model }, { baseUrl: url });

  test("generates, whole and streamed", async () => {
    const model = modelOf(program.url, program.key);
    expect(isOneImage([(await model.generateContent("a fox")).response])).toBe(true);
    const { stream, response } = await model.generateContentStream("a fox");
    expect(isOneImage(await Array.fromAsync(stream))).toBe(true);
    // What it gathers of a stream is its words alone.
    expect((await response).candidates?.[0]?.finishReason as string).toBe("STOP");
  });

  test("streams over a silence of 40 seconds", async () => {
    const clock = virtualClock(Date.now());
    await using own = await startRig({ clock, simulator: { faults: "gemini.generate=latency(1500)" } });
    const reading = modelOf(own.url, own.key)
      .generateContentStream("a fox")
      .then(({ stream }) => Array.fromAsync(stream));
    await until(() => own.simulator.counts().total.inFlight === 1);
    for (let second = 0; second < 40; second += 5) await clock.advance(5000);
    expect(isOneImage(await reading)).toBe(true);
  });

  test("edits its own image in a chat", async () => {
    const chat = modelOf(program.url, program.key).startChat();
    expect(isOneImage([(await chat.sendMessage("a fox")).response])).toBe(true);
    expect(isOneImage([(await chat.sendMessage("now blue")).response])).toBe(true);
    const [, , edit] = await chat.getHistory();
    expect(edit).toEqual({ role: "user", parts: [{ text: "now blue" }] });
  });

  test("uploads by the multipart protocol, edits what it uploaded, and deletes it", async () => {
    const files = new GoogleAIFileManager(program.key, { baseUrl: program.url });
    const path = join(program.folder, "pixel.png");
    writeFileSync(path, Buffer.from(PIXEL, "base64"));
    const { file } = await files.uploadFile(path, { mimeType: "image/png", displayName: "pixel", name: "my-own-name" });
    expect(file).toMatchObject({ name: "files/my-own-name", displayName: "pixel", mimeType: "image/png", state: "ACTIVE" });
    const { response } = await modelOf(program.url, program.key).generateContent([
      { fileData: { fileUri: file.uri, mimeType: file.mimeType } },
      { text: "make it blue" },
    ]);
    expect(isOneImage([response])).toBe(true);
    expect((await files.getFile(file.name)).sizeBytes).toBe(file.sizeBytes);
    expect((await files.listFiles()).files.map(({ name }) => name)).toContain(file.name);
    await files.deleteFile(file.name);
    await expect(files.getFile(file.name)).rejects.toMatchObject({ status: 403 });
  });

  test("a video comes as an address", async () => {
    const { response } = await modelOf(program.url, program.key, "gemini-omni-1.2-flash").generateContent("a fox");
    const uri = (response.candidates![0]!.content.parts as Parts).map(({ fileData }) => fileData?.fileUri).find(Boolean)!;
    expect(
      Buffer.from(await (await fetch(uri)).arrayBuffer())
        .subarray(4, 8)
        .toString(),
    ).toBe("ftyp");
  });

  test("errors are Google's", async () => {
    const failures = await Promise.all(
      [modelOf(program.url, "wrong"), modelOf(program.url, program.key, "no-such-model")].map((model) =>
        model.generateContent("a fox").then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );
    expect(failures.map((failure) => failure instanceof GoogleGenerativeAIFetchError && failure.status)).toEqual([400, 404]);
    expect(failures[0]).toMatchObject({ errorDetails: [{ reason: "API_KEY_INVALID" }] });
  });
});

describe("@langchain/google-genai 2.3.2", () => {
  const chatOf = (url: string, key: string) => new ChatGoogleGenerativeAI({ model: MODEL, apiKey: key, baseUrl: url, maxRetries: 0 });
  type Block = { type: string; inlineData?: { data: string } };
  const images = ({ content }: Pick<BaseMessage, "content">) =>
    (Array.isArray(content) ? (content as unknown as Block[]) : []).filter(({ inlineData }) => inlineData && isImage(inlineData.data));

  test("generates, whole and streamed", async () => {
    const chat = chatOf(program.url, program.key);
    expect(images(await chat.invoke("a fox"))).toHaveLength(1);
    const chunks = await Array.fromAsync(await chat.stream("a fox"));
    expect(chunks.flatMap(images)).toHaveLength(1);
  });

  test("edits an image of the user", async () => {
    const content = [
      { type: "text", text: "make it blue" },
      { type: "image_url", image_url: `data:image/png;base64,${PIXEL}` },
    ];
    const before = program.simulator.calls().length;
    expect(images(await chatOf(program.url, program.key).invoke([new HumanMessage({ content })]))).toHaveLength(1);
    expect(JSON.stringify(program.simulator.calls().slice(before))).toContain(PIXEL);
  });

  test("a wrong key is an error", async () => {
    await expect(chatOf(program.url, "wrong").invoke("a fox")).rejects.toThrow("API key not valid");
  });
});

describe("@langchain/openai 1.6.0", () => {
  const chatOf = (model = MODEL, apiKey = program.key) =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${program.url}/v1` } });
  const LINK = /!\[[^\]]*\]\((http:\/\/\S+\.(?:png|jpg))\)/;
  const linkIn = (text: string) => LINK.exec(text)?.[1] ?? "";

  test("generates, whole and streamed, and edits", async () => {
    const first = await chatOf().invoke("a fox");
    expect((await fetch(linkIn(String(first.content)))).headers.get("content-type")).toMatch(/^image\//);
    const chunks = await Array.fromAsync(await chatOf().stream("a fox"));
    expect(chunks.map(({ content }) => String(content)).join("")).toMatch(LINK);
    const second = await chatOf().invoke([new HumanMessage("a fox"), first, new HumanMessage("now blue")]);
    expect(String(second.content)).toMatch(LINK);
  });

  test("DallEAPIWrapper gets an address of an image", async () => {
    const tool = new DallEAPIWrapper({ model: "dall-e-3", apiKey: program.key, baseUrl: `${program.url}/v1` } as never);
    const url = String(await tool.invoke("a fox"));
    expect((await fetch(url)).headers.get("content-type")).toMatch(/^image\//);
  });

  test("a video comes as an address", async () => {
    expect(String((await chatOf("gemini-omni-1.2-flash").invoke("a fox")).content)).toMatch(/http:\/\/\S+\.mp4/);
  });

  test("a wrong key is an error", async () => {
    await expect(chatOf(MODEL, "wrong").invoke("a fox")).rejects.toMatchObject({ status: 401 });
  });
});
