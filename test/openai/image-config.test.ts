// Shape and size reach the upstream from every field and in every spelling, in both dialects.
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { GEMINI, KEY, lastSent, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI] });
});
afterAll(() => rig[Symbol.asyncDispose]());
beforeEach(() => rig.simulator.reset());

const SNAKE = { aspect_ratio: "16:9", image_size: "2K" };
const CAMEL = { aspectRatio: "16:9", imageSize: "2K" };
const ROOTS: [name: string, wrap: (fields: object) => object][] = [
  ["the body", (fields) => fields],
  ["extra_body", (fields) => ({ extra_body: fields })],
  ["google", (fields) => ({ google: fields })],
  ["extra_body.google", (fields) => ({ extra_body: { google: fields } })],
];
const CONFIGS: [name: string, wrap: (fields: object) => object][] = [
  ["itself", (fields) => fields],
  ["image_config", (fields) => ({ image_config: fields })],
  ["imageConfig", (fields) => ({ imageConfig: fields })],
  ["generationConfig", (fields) => ({ generationConfig: fields })],
  ["generation_config", (fields) => ({ generation_config: fields })],
  ["generationConfig.imageConfig", (fields) => ({ generationConfig: { imageConfig: fields } })],
  ["generation_config.image_config", (fields) => ({ generation_config: { image_config: fields } })],
];
const ROUTES: [path: string, body: object, init?: object][] = [
  ["/v1/chat/completions", { model: "gemini-3-pro-image", messages: [{ role: "user", content: "a fox" }] }],
  ["/v1/images/generations", { model: "gemini-3-pro-image", prompt: "a fox" }],
  ["/v1/responses", { model: "gemini-3-pro-image", input: "a fox" }],
  ["/v1beta/models/gemini-3-pro-image:generateContent", { contents: "a fox" }, { headers: { "x-goog-api-key": KEY } }],
];
const MATRIX = ROUTES.flatMap(([path, body, init]) =>
  ROOTS.flatMap(([root, inRoot]) =>
    CONFIGS.flatMap(([config, inConfig]) =>
      [SNAKE, CAMEL].map((fields) => [path, `${root} / ${config}`, fields, { ...body, ...inRoot(inConfig(fields)) }, init] as const),
    ),
  ),
);

test.each(MATRIX)("%s, %s, %o", async (path, _place, _fields, json, init = {}) => {
  const response = await rig.call(path, { json, ...init });
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
  const { generationConfig } = lastSent(rig) as { generationConfig: { imageConfig: object } };
  expect(generationConfig.imageConfig).toEqual(CAMEL);
});

test("a field of its own goes before those of others", async () => {
  const json = { model: "gemini-3-pro-image", prompt: "a fox", aspect_ratio: "1:1", extra_body: { google: { image_config: SNAKE } } };
  await rig.call("/v1/images/generations", { json });
  expect(JSON.stringify(lastSent(rig))).toContain('"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}');
});

test("the parameters of a prediction and a form's JSON are such fields", async () => {
  const json = { instances: { prompt: "a fox" }, parameters: { aspectRatio: "16:9", sampleImageSize: "2K" } };
  await rig.call("/v1beta/models/gemini-3-pro-image:predict", { json, headers: { "x-goog-api-key": KEY } });
  expect(JSON.stringify(lastSent(rig))).toContain('"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}');
  const form = new FormData();
  for (const [name, value] of Object.entries({ model: "gemini-3-pro-image", prompt: "a fox" })) form.append(name, value);
  form.append("extra_body", JSON.stringify({ google: { image_config: SNAKE } }));
  await rig.call("/v1/images/generations", { method: "POST", body: form });
  expect(JSON.stringify(lastSent(rig))).toContain('"imageConfig":{"aspectRatio":"16:9","imageSize":"2K"}');
});

test.each([
  ["chat's size", "/v1/chat/completions", { messages: [{ role: "user", content: "a fox" }], size: 2048 }],
  ["chat's image_size", "/v1/chat/completions", { messages: [{ role: "user", content: "a fox" }], image_size: 2048 }],
  ["image_config", "/v1/chat/completions", { messages: [{ role: "user", content: "a fox" }], image_config: { image_size: 2048 } }],
  ["the size of images", "/v1/images/generations", { prompt: "a fox", size: 2048 }],
  ["the image_size of images", "/v1/images/generations", { prompt: "a fox", image_size: 2048 }],
  ["pixels with a star", "/v1/images/generations", { prompt: "a fox", size: "2048*2048" }],
  ["pixels with a star in chat", "/v1/chat/completions", { messages: [{ role: "user", content: "a fox" }], size: "2048*2048" }],
])("a size may be a number: %s", async (_name, path, body) => {
  expect((await rig.call(path, { json: { model: "gemini-3-pro-image", ...body } })).status).toBe(200);
  expect(JSON.stringify(lastSent(rig))).toContain('"imageConfig":{"aspectRatio":"1:1","imageSize":"2K"}');
});

test("what cannot be read is named with its path", async () => {
  const json = { model: "gemini-3-pro-image", prompt: "a", extra_body: { google: { image_config: { aspect_ratio: "wide" } } } };
  expect(await (await rig.call("/v1/images/generations", { json })).text()).toContain(
    '"param":"extra_body.google.image_config.aspect_ratio"',
  );
});

test.each(ROOTS)("a video's shape is read from %s", async (_name, inRoot) => {
  const json = { prompt: "a fox", ...inRoot({ video_config: { aspectRatio: "9:16", resolution: "1080p", durationSeconds: 5 } }) };
  const video = (await (await rig.call("/v1/videos", { json })).json()) as object;
  expect(video).toMatchObject({ aspect_ratio: "9:16", resolution: "1080p", seconds: "5" });
});
