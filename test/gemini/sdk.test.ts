// Google's JS clients, new and old, and the AI SDK against the executable.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { GoogleGenAI } from "@google/genai";
import { generateText } from "ai";
import { GoogleGenAI as GoogleGenAI1 } from "genai-1";
import { GoogleGenAI as GoogleGenAI3 } from "genai-3";
import { type Program, startProgram } from "../executable.ts";
import { until } from "../keys.ts";

setDefaultTimeout(60_000);

const MODEL = "gemini-3.1-flash-image";
let program: Program;
beforeAll(async () => {
  program = await startProgram({ simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => program[Symbol.asyncDispose]());

type Answer = { candidates?: { content?: { parts?: { inlineData?: { data?: string } }[] } }[] };
const images = (response: object) => (response as Answer).candidates?.[0]?.content?.parts?.filter(({ inlineData }) => inlineData) ?? [];

describe.each([
  ["@google/genai 3.1", () => new GoogleGenAI({ apiKey: program.key, httpOptions: { baseUrl: program.url } })],
  ["@google/genai 1.30", () => new GoogleGenAI1({ apiKey: program.key, httpOptions: { baseUrl: program.url } }) as unknown as GoogleGenAI],
  ["@google/genai 3.3", () => new GoogleGenAI3({ apiKey: program.key, httpOptions: { baseUrl: program.url } }) as unknown as GoogleGenAI],
] as [string, () => GoogleGenAI][])("30: %s", (_name, client) => {
  test("generates, whole and streamed", async () => {
    const { models } = client();
    expect(images(await models.generateContent({ model: MODEL, contents: "a fox" }))).toHaveLength(1);
    const chunks = await Array.fromAsync(await models.generateContentStream({ model: MODEL, contents: "a fox" }));
    expect(chunks.flatMap(images)).toHaveLength(1);
  });

  test("edits its own image in a chat, and one that was uploaded", async () => {
    const chat = client().chats.create({ model: MODEL });
    const drawn = images(await chat.sendMessage({ message: "a fox" }))[0]!.inlineData!.data!;
    expect(images(await chat.sendMessage({ message: "now blue" }))).toHaveLength(1);
    const { files, models } = client();
    const file = await files.upload({ file: new Blob([Buffer.from(drawn, "base64")], { type: "image/png" }) });
    const parts = [{ fileData: { fileUri: file.uri!, mimeType: file.mimeType! } }, { text: "blue" }];
    expect(images(await models.generateContent({ model: MODEL, contents: [{ role: "user", parts }] }))).toHaveLength(1);
  });
});

test("30: an interaction of @google/genai 3.1 makes a video in the background", async () => {
  const { interactions } = new GoogleGenAI({ apiKey: program.key, httpOptions: { baseUrl: program.url } });
  const { id } = await interactions.create({ model: "gemini-omni-1.2-flash", input: "a fox", background: true });
  const done = await until(async () => {
    const now = await interactions.get(id);
    return now.status !== "in_progress" && now;
  });
  expect([done.status, Buffer.from(done.output_video!.data!, "base64").subarray(4, 8).toString()]).toEqual(["completed", "ftyp"]);
});

test("30: a stream of an interaction of @google/genai 3.1 is read to its end", async () => {
  const { interactions } = new GoogleGenAI({ apiKey: program.key, httpOptions: { baseUrl: program.url } });
  const types: string[] = [];
  for await (const event of await interactions.create({ model: MODEL, input: "a fox", stream: true })) types.push(event.event_type);
  // Before the image come words where the token's upstream says some.
  expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
    "interaction.created",
    "interaction.status_update",
    "step.start",
    "step.delta",
    "step.stop",
    "interaction.completed",
  ]);
});

test("@ai-sdk/google generates", async () => {
  const google = createGoogleGenerativeAI({ baseURL: `${program.url}/v1beta`, apiKey: program.key });
  const { files } = await generateText({ model: google(MODEL), prompt: "a fox" });
  expect(files.map(({ mediaType }) => mediaType)).toEqual([expect.stringMatching(/^image\//)]);
});
