// Vertex's paths with an API key, as SDKs in express mode use them: images, videos whose operations are asked by POST, models.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "genai-3";
import { isImage, isMp4 } from "../clients/replay.ts";
import { addKey, until } from "../keys.ts";
import { GEMINI, type Rig, startRig } from "../rig.ts";

const PUBLISHER = "publishers/google/models";
let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI], simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

async function call<T>(path: string, body?: object, key = rig.key): Promise<[status: number, answer: T]> {
  const headers = { "x-goog-api-key": key, "content-type": "application/json" };
  const response = await fetch(`${rig.url}/${path}`, { headers, ...(body ? { method: "POST", body: JSON.stringify(body) } : {}) });
  return [response.status, (await response.json()) as T];
}

type Operation = {
  name: string;
  done?: boolean;
  response?: { videos?: { bytesBase64Encoded: string; mimeType: string }[] };
  error?: object;
};

describe.each([[`v1beta1/${PUBLISHER}`], [`v1/${PUBLISHER}`], [`v1beta1/projects/p-1/locations/global/${PUBLISHER}`]])(
  "%s",
  (collection) => {
    const version = collection.slice(0, collection.indexOf("/"));

    test("generates, whole and streamed, and predicts", async () => {
      const contents = [{ role: "user", parts: [{ text: "a fox" }] }];
      const [status, response] = await call<object>(`${collection}/gemini-3-pro-image:generateContent`, { contents });
      expect([status, JSON.stringify(response).includes("inlineData")]).toEqual([200, true]);
      const [streamed] = await call<object>(`${collection}/gemini-3-pro-image:streamGenerateContent`, { contents });
      const body = { instances: [{ prompt: "a fox" }], parameters: { sampleCount: 2 } };
      const [, predicted] = await call<{ predictions: { bytesBase64Encoded: string }[] }>(
        `${collection}/imagen-4.0-generate-001:predict`,
        body,
      );
      expect([streamed, predicted.predictions.map(({ bytesBase64Encoded }) => isImage(bytesBase64Encoded))]).toEqual([200, [true, true]]);
    });

    test("a video is asked for by POST and by GET, and no other key sees it", async () => {
      const model = `${collection}/veo-3.1-generate-001`;
      const [status, { name }] = await call<Operation>(`${model}:predictLongRunning`, { instances: [{ prompt: "a fox" }] });
      expect([status, name.startsWith(`${model.slice(version.length + 1)}/operations/`)]).toEqual([200, true]);
      const done = await until(async () => {
        const [, operation] = await call<Operation>(`${model}:fetchPredictOperation`, { operationName: name });
        return operation.done && operation;
      });
      const [video] = done.response!.videos!;
      expect([video!.mimeType, isMp4(Buffer.from(video!.bytesBase64Encoded, "base64"))]).toEqual(["video/mp4", true]);
      expect((await call<Operation>(`${version}/${name}`))[1].done).toBe(true);
      const stranger = await addKey(rig);
      expect((await call(`${model}:fetchPredictOperation`, { operationName: name }, stranger))[0]).toBe(404);
    });

    test("models are listed under Vertex's names", async () => {
      const [, { publisherModels }] = await call<{ publisherModels: { name: string }[] }>(collection);
      expect(publisherModels.map(({ name }) => name)).toContain(`${PUBLISHER}/gemini-3-pro-image`);
      expect((await call<{ name: string }>(`${collection}/gemini-3-pro-image`))[1].name).toBe(`${PUBLISHER}/gemini-3-pro-image`);
    });
  },
);

test.each([
  [`v1beta1/${PUBLISHER}/gemini-3-pro-image:nothing`, {}],
  ["v1beta1/projects/p/locations", undefined],
  [`v1beta1/${PUBLISHER}/m:fetchPredictOperation`, { operationName: "nothing" }],
])("%s is 404 in Google's envelope", async (path, body) => {
  expect(await call(path, body)).toMatchObject([404, { error: { code: 404, status: "NOT_FOUND" } }]);
});

test("@google/genai 3.3 in express mode keeps Imagen's and Veo's methods", async () => {
  const client = new GoogleGenAI({ vertexai: true, apiKey: rig.key, httpOptions: { baseUrl: rig.url } });
  const { generatedImages } = await client.models.generateImages({
    model: "imagen-4.0-generate-001",
    prompt: "a fox",
    config: { numberOfImages: 2 },
  });
  expect(generatedImages!.map(({ image }) => isImage(image!.imageBytes))).toEqual([true, true]);
  let operation = await client.models.generateVideos({ model: "veo-3.1-generate-001", prompt: "a fox" });
  operation = await until(async () => {
    operation = await client.operations.getVideosOperation({ operation });
    return operation.done && operation;
  });
  expect(isMp4(Buffer.from(operation.response!.generatedVideos![0]!.video!.videoBytes!, "base64"))).toBe(true);
});
