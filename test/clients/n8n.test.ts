// n8n's requests, as n8n-io/n8n packages/@n8n/nodes-langchain/nodes/vendors/OpenAi and GoogleGemini write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import {
  type Content,
  type Images,
  inlinePictures,
  isImage,
  isMp4,
  PIXEL,
  pixel,
  post,
  postForm,
  startReplay,
  until,
  type Video,
  watchVideo,
} from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("the OpenAI node", () => {
  test.each([
    ["dall-e-3", { response_format: "b64_json", quality: "hd", style: "natural" }],
    ["dall-e-2", { response_format: "b64_json" }],
    ["gpt-image-1", { quality: "high" }],
  ])("generates with %s", async (model, extra) => {
    expect(
      isImage(
        (await post<Images>(rig, "/v1/images/generations", { prompt: "a fox", model, n: 1, size: "1024x1024", ...extra })).data[0]
          ?.b64_json,
      ),
    ).toBe(true);
  });

  test("generates links when it is told to", async () => {
    const { data } = await post<Images>(rig, "/v1/images/generations", { prompt: "a fox", model: "dall-e-3", response_format: "url" });
    expect((await fetch(data[0]!.url!)).status).toBe(200);
  });

  test.each([
    ["gpt-image-1", "image[]", []],
    ["dall-e-2", "image", [["response_format", "b64_json"]]],
    ["dall-e-2", "image", [["response_format", "url"]]],
  ] as [string, string, [string, string][]][])("edits with %s by %s and %j", async (model, field, extra) => {
    const { data } = await postForm<Images>(rig, "/v1/images/edits", [
      ["model", model],
      ["prompt", "blue"],
      [field, pixel(), "fox.png"],
      ["n", "1"],
      ["size", "1024x1024"],
      ...extra,
    ]);
    expect(extra[0]?.[1] === "url" ? data[0]!.url!.startsWith("http") : isImage(data[0]!.b64_json)).toBe(true);
  });

  // Any error that is not null is the end for it.
  test("films with sora-2 by a form, polls every ten seconds, and takes the content", async () => {
    const { id, error } = await postForm<Video>(rig, "/v1/videos", [
      ["model", "sora-2"],
      ["prompt", "a fox"],
      ["seconds", "4"],
      ["size", "1280x720"],
      ["input_reference", pixel(), "fox.png"],
    ]);
    expect(error).toBeNull();
    expect(await watchVideo(rig, id)).toMatchObject({ status: "completed", error: null });
    expect(isMp4(await (await rig.call(`/v1/videos/${id}/content`)).bytes())).toBe(true);
  });
});

describe("the Gemini node, whose key is in the query", () => {
  const call = async <T>(path: string, body?: object): Promise<T> => {
    const url = `${rig.url}${path}${path.includes("?") ? "&" : "?"}key=${rig.key}`;
    const response = await fetch(
      url,
      body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {},
    );
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };

  // It filters by words in the ids.
  test.each(["gemini", "imagen", "veo"])("lists models with %s in their names", async (word) => {
    const { models } = await call<{ models: { name: string; supportedGenerationMethods: string[] }[] }>("/v1beta/models?pageSize=1000");
    expect(models.filter(({ name }) => name.includes(word))).not.toBeEmpty();
  });

  test("takes the first image, with models/ in the path", async () => {
    const body = { contents: [{ role: "user", parts: [{ text: "a fox" }] }], generationConfig: { responseModalities: ["IMAGE", "TEXT"] } };
    expect(inlinePictures(await call<Content>("/v1beta/models/gemini-3-pro-image:generateContent", body))[0]?.thought).toBeUndefined();
  });

  test("generates with imagen by predict", async () => {
    const { predictions } = await call<{ predictions: { bytesBase64Encoded: string; mimeType: string }[] }>(
      "/v1beta/models/imagen-4.0-generate-001:predict",
      { instances: [{ prompt: "a fox" }], parameters: { sampleCount: 2 } },
    );
    expect(predictions.map(({ bytesBase64Encoded }) => isImage(bytesBase64Encoded))).toEqual([true, true]);
  });

  test("edits a file that it uploaded, its second step without a key and its first without a body", async () => {
    const bytes = Buffer.from(PIXEL, "base64");
    const start = await fetch(`${rig.url}/upload/v1beta/files?key=${rig.key}`, {
      method: "POST",
      headers: {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": String(bytes.length),
        "X-Goog-Upload-Header-Content-Type": "image/png",
        "Content-Type": "application/json",
      },
    });
    const headers = { "Content-Length": String(bytes.length), "X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize" };
    const { file } = (await (await fetch(start.headers.get("x-goog-upload-url")!, { method: "POST", headers, body: bytes })).json()) as {
      file: { uri: string; mimeType: string; state: string };
    };
    expect(file.state).toBe("ACTIVE");
    const contents = [{ role: "user", parts: [{ fileData: { fileUri: file.uri, mimeType: file.mimeType } }, { text: "blue" }] }];
    expect(
      inlinePictures(
        await call<Content>("/v1beta/models/gemini-nano-banana-2.1:generateContent", {
          contents,
          generationConfig: { responseModalities: ["IMAGE"] },
        }),
      ),
    ).toHaveLength(1);
  });

  test("films with veo, and adds its key to the address", async () => {
    const parameters = { aspectRatio: "16:9", personGeneration: "allow_all", sampleCount: 1, durationSeconds: 8 };
    const { name } = await call<{ name: string }>("/v1beta/models/veo-3.1-generate-preview:predictLongRunning", {
      instances: [{ prompt: "a fox" }],
      parameters,
    });
    type Operation = {
      done?: boolean;
      error?: object;
      response?: { generateVideoResponse: { generatedSamples: { video: { uri: string } }[] } };
    };
    const { response } = await until(async () => {
      const operation = await call<Operation>(`/v1beta/${name}`);
      return operation.done && operation;
    });
    const { uri } = response!.generateVideoResponse.generatedSamples[0]!.video;
    expect(isMp4(await (await fetch(`${uri}&key=${rig.key}`)).bytes())).toBe(true);
  });
});
