// Open WebUI's requests, as open-webui/open-webui backend/open_webui/routers/images.py and utils/middleware.py write them (seen 2025-10 to 2026-11).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Rig } from "../rig.ts";
import {
  type Content,
  deltasOf,
  google,
  type Images,
  inlinePictures,
  isImage,
  LINK,
  PIXEL,
  PIXEL_URL,
  pixel,
  post,
  postForm,
  startReplay,
} from "./replay.ts";

setDefaultTimeout(30_000);

let rig: Rig;
beforeAll(async () => {
  rig = await startReplay();
});
afterAll(() => rig[Symbol.asyncDispose]());

describe("image engine openai", () => {
  test.each([
    ["dall-e-3", { response_format: "b64_json" }],
    ["gpt-image-1", {}],
    ["gemini-nano-banana-2.1", { response_format: "b64_json" }],
  ])("generates with %s as base64", async (model, extra) => {
    const { data } = await post<Images>(rig, "/v1/images/generations?api-version=2024-10-21", {
      model,
      prompt: "a fox",
      n: 1,
      size: "1024x1024",
      ...extra,
    });
    expect(data.map(({ b64_json, url }) => [isImage(b64_json), url])).toEqual([[true, undefined]]);
  });

  test("fetches a link with its key, and wants an image for it", async () => {
    const { data } = await post<Images>(rig, "/v1/images/generations", {
      model: "dall-e-3",
      prompt: "a fox",
      n: 1,
      size: "1024x1024",
      response_format: "url",
    });
    const picture = await rig.call(new URL(data[0]!.url!).pathname);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, expect.stringMatching(/^image\//)]);
  });

  test.each([
    ["one picture", [["image", pixel(), "image.png"]]],
    [
      "two pictures",
      [
        ["image[]", pixel(), "image.png"],
        ["image[]", pixel(), "image.png"],
      ],
    ],
  ] as [string, [string, Blob, string][]][])("edits %s", async (_name, files) => {
    const { data } = await postForm<Images>(rig, "/v1/images/edits", [
      ["model", "gpt-image-1"],
      ["prompt", "blue"],
      ["n", "1"],
      ["size", "1024x1024"],
      ["background", "auto"],
      ["response_format", "b64_json"],
      ...files,
    ]);
    expect(isImage(data[0]?.b64_json)).toBe(true);
  });
});

describe("image engine gemini", () => {
  test("predicts with instances as an object", async () => {
    const body = { instances: { prompt: "a fox" }, parameters: { sampleCount: 1, outputOptions: { mimeType: "image/png" } } };
    const { predictions } = await google<{ predictions: { bytesBase64Encoded: string }[] }>(
      rig,
      "/v1beta/models/imagen-4.0-generate-001:predict",
      body,
    );
    expect(predictions.map(({ bytesBase64Encoded }) => isImage(bytesBase64Encoded))).toEqual([true]);
  });

  // It shows every image of the response, whatever the parts say of it.
  test("generates by generateContent, without an interim image", async () => {
    const response = await google<Content>(rig, "/v1beta/models/gemini-3-pro-image:generateContent", {
      contents: [{ parts: [{ text: "a fox" }] }],
    });
    expect(inlinePictures(response)).toHaveLength(1);
  });

  test("edits with snake_case", async () => {
    const contents = [{ parts: [{ text: "blue" }, { inline_data: { mime_type: "image/png", data: PIXEL } }] }];
    expect(inlinePictures(await google<Content>(rig, "/v1beta/models/gemini-nano-banana-2.1:generateContent", { contents }))).toHaveLength(
      1,
    );
  });
});

describe("chat", () => {
  const chat = (body: object = {}, headers: Record<string, string> = {}) =>
    rig.chat({ model: "gemini-nano-banana-2.1", stream: true, stream_options: { include_usage: true }, ...body }, { headers });

  test("shows one image, by one form alone", async () => {
    const deltas = await deltasOf(await chat());
    expect([
      deltas
        .map(({ content }) => content ?? "")
        .join("")
        .match(LINK)?.length,
      deltas.some(({ images }) => images),
    ]).toEqual([1, false]);
  });

  test("stores delta.images of PNG as files", async () => {
    const deltas = await deltasOf(await chat({}, { "x-image-output": "images" }));
    const pictures = deltas.flatMap(({ images }) => images ?? []);
    expect(pictures.map(({ type, image_url }) => [type, image_url.url.slice(0, 22)])).toEqual([["image_url", "data:image/png;base64,"]]);
    expect(deltas.map(({ content }) => content ?? "").join("")).not.toContain("![");
  });

  test("sends the user's image as a data URL", async () => {
    const content = [
      { type: "text", text: "blue" },
      { type: "image_url", image_url: { url: PIXEL_URL } },
    ];
    expect((await deltasOf(await chat({ messages: [{ role: "user", content }] }))).some(({ content: text }) => text?.match(LINK))).toBe(
      true,
    );
  });

  test("asks for titles and tags without costing an image", async () => {
    const before = rig.simulator.counts().total.requests;
    for (const key of ["title", "tags", "follow_ups"]) {
      const content = `### Task:\nSuggest ${key} for the chat.\n### Output:\nJSON format: { "${key}": "…" }\n### Chat History:\nUSER: a fox`;
      const response = await rig.chat({ stream: false, messages: [{ role: "user", content }] });
      expect((await response.text()).includes(key)).toBe(true);
    }
    expect(rig.simulator.counts().total.requests).toBe(before);
  });

  // Only a block of HTML becomes a player: new versions take its text, old ones its attribute; neither undoes an escaped ampersand.
  test("plays a video of the form html_block", async () => {
    const deltas = await deltasOf(await chat({ model: "sora-2" }, { "x-video-output": "html_block" }));
    const [, source, text] = /^<video src="([^"&?]+\.mp4)" controls>\n(\S+)\n<\/video>$/m.exec(
      deltas.map(({ content }) => content ?? "").join(""),
    )!;
    expect(text).toBe(source);
    expect(deltas.some(({ reasoning_content }) => reasoning_content)).toBe(true);
  });
});

test("the list of models is its test of the connection", async () => {
  const { data } = (await (await rig.call("/v1/models")).json()) as { data: { id: string }[] };
  expect(data.every(({ id }) => typeof id === "string")).toBe(true);
  expect((await fetch(`${rig.url}/v1/models`)).status).toBe(401);
});
