// Numbers on every route of both dialects: seeds of any width reach the upstream as int32, bounds are reported with the value.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { foldSeed } from "../../src/api/seed.ts";
import { GEMINI, KEY, lastSent, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

const MESSAGES = [{ role: "user", content: "a fox" }];
const VIDEO = "gemini-omni-1.2-flash";
const google = { headers: { "x-goog-api-key": KEY, authorization: "" } };
const ROUTES: [path: string, body: (seed: unknown) => object, init?: object][] = [
  ["/v1/chat/completions", (seed) => ({ model: "gemini-3-pro-image", messages: MESSAGES, seed })],
  ["/v1/chat/completions", (seed) => ({ model: VIDEO, messages: MESSAGES, seed })],
  ["/v1/images/generations", (seed) => ({ prompt: "a fox", seed })],
  ["/v1/responses", (seed) => ({ model: "gemini-3-pro-image", input: "a fox", seed })],
  ["/v1/responses", (seed) => ({ model: "gpt-5", input: "a fox", tools: [{ type: "image_generation", seed }] })],
  ["/v1/videos", (seed) => ({ prompt: "a fox", seed })],
  ["/v1/videos", (seed) => ({ prompt: "a fox", extra_body: { seed } })],
  ["/v1/images/generations", (seed) => ({ prompt: "a fox", extra_body: { google: { seed } } })],
  ["/v1/responses", (seed) => ({ model: "gemini-3-pro-image", input: "a fox", extra_body: { generation_config: { seed } } })],
  ["/v1beta/models/gemini-3-pro-image:generateContent", (seed) => ({ contents: "a fox", generationConfig: { seed } }), google],
  ["/v1beta/models/imagen-4.0-generate-001:predict", (seed) => ({ instances: { prompt: "a fox" }, parameters: { seed } }), google],
  [
    "/v1beta/models/veo-3.1-generate-preview:predictLongRunning",
    (seed) => ({ instances: { prompt: "a fox" }, parameters: { seed } }),
    google,
  ],
  ["/v1beta/interactions", (seed) => ({ model: VIDEO, input: "a fox", background: true, generation_config: { seed } }), google],
];

describe.each(ROUTES)("%s", (path, body, init = {}) => {
  const ask = (seed: unknown) => rig.call(path, { ...init, json: body(seed) });

  test.each([4294967295, 1764450000000, "7", "9223372036854775807", "fox", -1, 0])("takes the seed %p", async (seed) => {
    const response = await ask(seed);
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  });

  test("refuses what is no seed in the field's words", async () => {
    const response = await ask({});
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/seed must be a whole number or a text, got an object/);
  });
});

test("the upstream gets an int32", async () => {
  rig.simulator.reset();
  for (const body of [{ generationConfig: { seed: 9 } }, { extra_body: { google: { seed: 9 } } }, { extra_body: { seed: "9" } }]) {
    await rig.chat(body);
    expect(JSON.stringify(lastSent(rig))).toContain('"seed":9');
  }
  await rig.chat({ seed: 4294967295 });
  expect(JSON.stringify(lastSent(rig))).toContain(`"seed":${foldSeed(4294967295)}`);
});

test.each<[string, string, object | undefined, string]>([
  ["n", "/v1/chat/completions", { model: "gemini-3-pro-image", messages: MESSAGES, n: 11 }, "n must be between 1 and 10, got 11."],
  [
    "n as text",
    "/v1/chat/completions",
    { model: "gemini-3-pro-image", messages: MESSAGES, n: "11" },
    "n must be between 1 and 10, got 11.",
  ],
  ["n of images", "/v1/images/generations", { prompt: "a", n: 0 }, "n must be between 1 and 10, got 0."],
  ["a video's length", "/v1/videos", { prompt: "a", seconds: 0 }, "seconds must be between 1 and 3600, got 0."],
  [
    "a video's shape",
    "/v1/videos",
    { prompt: "a", size: "1280x7201" },
    'size must be 16:9 or 9:16 within 10 %, such as 1280x720, got "1280x7201".',
  ],
  ["an image's size", "/v1/images/generations", { prompt: "a", size: "big" }, 'size must be "auto", pixels such as'],
  ["a page of files", "/v1/files?limit=0", undefined, "limit must be between 1 and 10000, got 0."],
  ["a page of videos", "/v1/videos?limit=x", undefined, 'limit must be a whole number between 1 and 1000000, got "x".'],
  [
    "samples",
    "/v1beta/models/imagen-4.0-generate-001:predict",
    { instances: { prompt: "a" }, parameters: { sampleCount: 9 } },
    "parameters.sampleCount must be between 1 and 8, got 9.",
  ],
])("%s is refused with range and value", async (_name, path, json, message) => {
  const response = await rig.call(path, json ? { json } : {});
  const { error } = (await response.json()) as { error: { message: string } };
  expect([response.status, error.message]).toEqual([400, expect.stringContaining(message)]);
});
