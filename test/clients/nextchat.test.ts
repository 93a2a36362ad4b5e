// NextChat's requests, as ChatGPTNextWeb/NextChat app/client/platforms/openai.ts and google.ts write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { framesOf } from "../rig.ts";
import { type Chat, type Content, deltasOf, type Images, isImage, LINK, PIXEL, PIXEL_URL, post, startReplay } from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

const OPTIONS = { temperature: 0.5, presence_penalty: 0, frequency_penalty: 0, top_p: 1 };

test.each([
  ["b64_json", "base64"],
  ["url", "a link"],
])("dall-e-3 generates by the images endpoint, as %s", async (response_format) => {
  const { data } = await post<Images>(rig, "/v1/images/generations", {
    model: "dall-e-3",
    prompt: "a fox",
    response_format,
    n: 1,
    size: "1024x1024",
    quality: "standard",
    style: "vivid",
  });
  expect(response_format === "url" ? (await fetch(data[0]!.url!)).status === 200 : isImage(data[0]!.b64_json)).toBe(true);
});

// It strips data URLs and reads no message.images.
test("chat shows a link in a stream of the right type, with progress as reasoning", async () => {
  const response = await rig.chat({ model: "gemini-3-pro-image", stream: true, ...OPTIONS });
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const deltas = await deltasOf(response);
  expect(
    deltas
      .map(({ content }) => content ?? "")
      .join("")
      .match(LINK),
  ).toHaveLength(1);
  expect(deltas.some(({ reasoning_content }) => reasoning_content)).toBe(true);
});

test("chat sends images of the user as data URLs", async () => {
  const content = [
    { type: "text", text: "blue" },
    { type: "image_url", image_url: { url: PIXEL_URL } },
  ];
  expect(await deltasOf(await rig.chat({ stream: true, messages: [{ role: "user", content }], ...OPTIONS }))).not.toBeEmpty();
});

test("a link whose address ends in .mp4 becomes a player", async () => {
  const text = (await deltasOf(await rig.chat({ model: "sora-2", stream: true, ...OPTIONS }))).map(({ content }) => content ?? "").join("");
  const [, href] = /\[[^\]]*\]\((\S+)\)/.exec(text)!;
  expect(href).toMatch(/\.mp4$/);
});

test("summaries of a conversation cost nothing", async () => {
  const before = rig.simulator.counts().total.requests;
  const content =
    "Please generate a four to five word title summarizing our conversation without any lead-in, punctuation, quotation marks, periods, symbols, bold text, or additional text. Remove enclosing quotation marks.";
  const { choices } = await post<Chat>(rig, "/v1/chat/completions", {
    model: "gemini-3-pro-image",
    messages: [
      { role: "user", content: "a fox" },
      { role: "user", content },
    ],
    ...OPTIONS,
  });
  expect([choices[0]!.message.content.length > 0, rig.simulator.counts().total.requests]).toEqual([true, before]);
});

test("the Google provider streams by snake_case and reads the text", async () => {
  const body = {
    contents: [{ role: "user", parts: [{ text: "blue" }, { inline_data: { mime_type: "image/png", data: PIXEL } }] }],
    generationConfig: { temperature: 0.5, maxOutputTokens: 4000, topP: 1 },
    safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_ONLY_HIGH" }],
  };
  const headers = { "x-goog-api-key": rig.key, "content-type": "application/json" };
  const response = await fetch(`${rig.url}/v1beta/models/gemini-3-pro-image:streamGenerateContent?alt=sse`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const parts = framesOf(await response.text()).flatMap((data) => (JSON.parse(data) as Content).candidates?.[0]?.content?.parts ?? []);
  expect(parts.some(({ text }) => text)).toBe(true);
});
