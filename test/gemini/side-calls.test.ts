// Calls of the Gemini dialect that want a text are answered without an upstream; history is best effort, the last turn is exact.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PIXEL } from "../clients/replay.ts";
import { type Rig, startRig } from "../rig.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

type Answer = { candidates?: { content?: { parts?: { text?: string; inlineData?: object }[] } }[]; error?: { message: string } };

async function ask(body: object, model = "gemini-3-pro-image") {
  const before = rig.simulator.counts().total.requests;
  const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
  const response = await fetch(`${rig.url}/v1beta/models/${model}:generateContent`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const result = (await response.json()) as Answer;
  const parts = result.candidates?.[0]?.content?.parts ?? [];
  return {
    status: response.status,
    message: result.error?.message ?? "",
    text: parts.map(({ text = "" }) => text).join(""),
    images: parts.filter(({ inlineData }) => inlineData).length,
    calls: rig.simulator.counts().total.requests - before,
    leftOut: response.headers.get("x-flow2api-left-out"),
  };
}

const say = (text: string) => ({ contents: [{ role: "user", parts: [{ text }] }] });

describe("answered here", () => {
  test.each([
    ["a greeting", say("hi"), /./],
    ["a sum", say("What is 1+1?"), /./],
    [
      "a title of a conversation",
      say("Generate a concise title, 3-5 words, for this conversation.\n\nUser: draw a red fox\nAI: Here it is."),
      /fox/i,
    ],
    [
      "a title by an instruction",
      { ...say("draw a red fox"), systemInstruction: "You generate a short title for the conversation. Reply with the title only." },
      /fox/i,
    ],
  ])("%s", async (_, body, text) => {
    expect(await ask(body)).toMatchObject({ status: 200, images: 0, calls: 0, text: expect.stringMatching(text) });
  });

  test("JSON by its schema, in Google's spelling of types and the client's own names", async () => {
    const generationConfig = {
      responseMimeType: "application/json",
      responseSchema: {
        type: "OBJECT",
        properties: { chat_title: { type: "STRING" }, follow_ups: { type: "ARRAY", items: { type: "STRING" } } },
        required: ["chat_title", "follow_ups"],
      },
    };
    const response = await ask({
      ...say("Analyze this conversation and give a title.\n\nUser: draw a fox\nAI: Here it is."),
      generationConfig,
    });
    expect([response.status, response.calls, JSON.parse(response.text)]).toEqual([
      200,
      0,
      { chat_title: expect.any(String), follow_ups: expect.any(Array) },
    ]);
  });

  test("a greeting to a video model, which would cost dollars", async () => {
    expect(await ask(say("hello"), "gemini-omni-1.2-flash")).toMatchObject({ status: 200, calls: 0 });
  });
});

test.each([["a cat"], ["猫"], ["logo, flat, red"], ["Say cheese"]])("%s makes an image", async (text) => {
  expect(await ask(say(text))).toMatchObject({ status: 200, images: 1, calls: 1 });
});

describe("history", () => {
  const turns = (part: object, last: object = { text: "draw a fox" }) => ({
    contents: [
      { role: "user", parts: [{ text: "edit" }, part] },
      { role: "model", parts: [{ text: "failed" }] },
      { role: "user", parts: [last, { text: "draw a fox" }] },
    ],
  });

  test.each<[string, object]>([
    ["no bytes", { inlineData: { mimeType: "image/png", data: "" } }],
    ["cut base64", { inlineData: { mimeType: "image/png", data: PIXEL.slice(0, 21) } }],
    ["an SVG", { inlineData: { mimeType: "image/svg+xml", data: Buffer.from("<svg/>").toString("base64") } }],
    ["a file that is gone", { fileData: { fileUri: "files/gone" } }],
    ["a private host", { fileData: { fileUri: "http://10.0.0.1/fox.png" } }],
    ["no address", { fileData: { fileUri: "gs://bucket/fox.png" } }],
  ])("with %s in an earlier turn is left out with a note", async (_, part) => {
    expect(await ask(turns(part))).toMatchObject({ status: 200, images: 1, leftOut: expect.stringContaining("contents[0].parts[1]") });
  });

  test.each<[string, object, number]>([
    ["no bytes", { inlineData: { mimeType: "image/png", data: "" } }, 400],
    ["a file that is gone", { fileData: { fileUri: "files/gone" } }, 403],
  ])("with %s in the last turn is refused", async (_, part, status) => {
    const response = await ask(turns({ text: "x" }, part));
    expect([response.status, response.calls]).toEqual([status, 0]);
  });
});
