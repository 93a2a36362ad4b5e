// Thousands of images in one request: no more are decoded, fetched and stored than a model can take, whatever names them.
import { expect, test } from "bun:test";
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { MOST_READ } from "../../src/gateway/generation/inputs/read-references.ts";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";

const MODEL = "gemini-3.1-flash-image";
const DATA = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const URL_OF_DATA = `data:image/png;base64,${DATA}`;
const many = <T>(count: number, one: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => one(index));

const chatPart = () => ({ type: "image_url", image_url: { url: URL_OF_DATA } });
const contents = (count: number) => many(count, () => ({ inlineData: { mimeType: "image/png", data: DATA } }));

/** Everything that stands before the last turn is history: read as far as it can matter. */
const HISTORY: [string, string, object][] = [
  ["chat: messages", "/v1/chat/completions", { messages: [...many(1000, () => ({ role: "user", content: [chatPart()] })), ...said()] }],
  [
    "chat: one text",
    "/v1/chat/completions",
    { messages: [{ role: "assistant", content: many(5000, () => `![a](${URL_OF_DATA})`).join(" ") }, ...said("user")] },
  ],
  [
    "responses",
    "/v1/responses",
    {
      input: [
        { role: "user", content: many(900, () => ({ type: "input_image", image_url: URL_OF_DATA })) },
        { role: "assistant", content: "done" },
        { role: "user", content: "again" },
      ],
    },
  ],
  [
    "generateContent",
    `/v1beta/models/${MODEL}:generateContent`,
    { contents: [{ role: "user", parts: contents(3000) }, { role: "model", parts: contents(3000) }, { parts: [{ text: "again" }] }] },
  ],
];

function said(...roles: string[]): object[] {
  return (roles.length > 0 ? roles : ["assistant", "user"]).map((role) => ({ role, content: "go on" }));
}

const LAST: [string, string, object][] = [
  ["chat", "/v1/chat/completions", { messages: [{ role: "user", content: many(1000, chatPart) }] }],
  ["chat: messages of one turn", "/v1/chat/completions", { messages: many(1000, () => ({ role: "user", content: [chatPart()] })) }],
  [
    "chat: addresses",
    "/v1/chat/completions",
    {
      messages: [{ role: "user", content: many(1000, (at) => ({ type: "image_url", image_url: { url: `http://192.0.2.1/${at}.png` } })) }],
    },
  ],
  ["images: edits as JSON", "/v1/images/edits", { prompt: "a", images: many(1000, () => ({ image_url: URL_OF_DATA })) }],
  ["generateContent", `/v1beta/models/${MODEL}:generateContent`, { contents: [{ parts: contents(3000) }] }],
  ["interactions", "/v1beta/interactions", { input: many(3000, () => ({ type: "image", data: DATA, mime_type: "image/png" })) }],
  [
    "a video's references",
    "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
    { instances: [{ prompt: "a", referenceImages: many(900, () => ({ image: { bytesBase64Encoded: DATA, mimeType: "image/png" } })) }] },
  ],
  ["videos", "/v1/videos", { model: "veo-3.1", prompt: "a", input_reference: many(900, () => URL_OF_DATA) }],
];

const isFile = (entry: Dirent) => entry.isFile();
const stored = (rig: Rig): number => readdirSync(join(rig.folder, "media"), { recursive: true, withFileTypes: true }).filter(isFile).length;
const model = (path: string) => (path.includes("/models/") ? {} : { model: MODEL });

test.each(HISTORY)("history in %s", async (_, path, body) => {
  await using rig = await startRig();
  const response = await rig.call(path, { json: { ...model(path), ...body } });
  expect([response.status, stored(rig) <= MOST_READ + 1]).toEqual([200, true]);
});

test.each(LAST)("the last turn of %s", async (_, path, body) => {
  await using rig = await startRig({ tokens: [GEMINI, FLOW] });
  const response = await rig.call(path, { json: { ...model(path), ...body } });
  expect([response.status, stored(rig), rig.simulator.counts().total.requests]).toEqual([400, 0, 0]);
});
