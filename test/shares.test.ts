// One key's uploads against everybody's storage and against its own limits, over HTTP.

import { describe, expect, test } from "bun:test";
import { NO_LIMITS } from "../src/domain/key.ts";
import { PIXEL_PNG } from "../src/gateway/media/media.fixtures.ts";
import { addKey, until } from "./keys.ts";
import { type Rig, startRig } from "./rig.ts";

const MODEL = "gemini-3.1-flash-image";

function png(bytes: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(bytes);
  data.set(PIXEL_PNG);
  return data;
}

function upload(rig: Rig, key: string, bytes: number): Promise<Response> {
  const body = new FormData();
  body.set("purpose", "vision");
  body.set("file", new File([png(bytes)], "a.png"));
  return rig.call("/v1/files", { method: "POST", body, headers: { authorization: `Bearer ${key}` } });
}

async function geminiUpload(rig: Rig, key: string, bytes: number): Promise<Response> {
  return fetch(`${rig.url}/upload/v1beta/files`, {
    method: "POST",
    headers: {
      "x-goog-api-key": key,
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": `${bytes}`,
    },
    body: "{}",
  });
}

const codeOf = async (response: Response) => [response.status, ((await response.json()) as { error: { code: unknown } }).error.code];

test("a key that uploads without end is refused at its share, and everybody's results stay", async () => {
  await using rig = await startRig({ settings: { "media.max_total_mb": 8 } });
  await using _ = rig;
  const result = (await (await rig.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox" } })).json()) as {
    data: { url?: string; b64_json?: string }[];
  };
  expect(result.data).toHaveLength(1);
  const before = rig.context.media.totalBytes();
  const greedy = await addKey(rig);
  const statuses: number[] = [];
  for (let count = 0; count < 12; count++) statuses.push((await upload(rig, greedy, 500_000)).status);
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429, 429, 429, 429, 429]);
  expect(await codeOf(await upload(rig, greedy, 500_000))).toEqual([429, "storage_share"]);
  expect((await geminiUpload(rig, greedy, 500_000)).status).toBe(429);
  await rig.context.media.sweep();
  expect(rig.context.media.totalBytes()).toBe(before + 4 * 500_000);
  const other = await addKey(rig);
  expect((await upload(rig, other, 500_000)).status).toBe(200);
  expect((await geminiUpload(rig, other, 500_000)).status).toBe(200);
});

describe("uploads count under the key's limits", () => {
  test("as requests of a minute, with what is left in the headers", async () => {
    await using rig = await startRig();
    const key = await addKey(rig, { limits: { ...NO_LIMITS, rpm: 3 } });
    const first = await upload(rig, key, 1000);
    expect([first.status, first.headers.get("x-ratelimit-remaining-requests")]).toEqual([200, "2"]);
    expect((await geminiUpload(rig, key, 1000)).status).toBe(200);
    expect((await upload(rig, key, 1000)).status).toBe(200);
    expect([(await upload(rig, key, 1000)).status, (await geminiUpload(rig, key, 1000)).status]).toEqual([429, 429]);
    const chat = await rig.chat({}, { headers: { authorization: `Bearer ${key}` } });
    expect(chat.status).toBe(429);
  });

  test("as bytes of a day, images inside requests too, and over a restart", async () => {
    await using rig = await startRig();
    const key = await addKey(rig, { limits: { ...NO_LIMITS, uploadMbDay: 1 } });
    const headers = { authorization: `Bearer ${key}` };
    const edit = (bytes: number) =>
      rig.call("/v1/images/edits", {
        json: { model: MODEL, prompt: "blue", images: [{ image_url: `data:image/png;base64,${png(bytes).toBase64()}` }] },
        headers,
      });
    expect((await upload(rig, key, 600_000)).status).toBe(200);
    expect((await edit(200_000)).status).toBe(200);
    const refused = await upload(rig, key, 400_000);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await codeOf(refused)).toEqual([429, "insufficient_quota"]);
    expect(await codeOf(await edit(400_000))).toEqual([429, "insufficient_quota"]);
    const { id } = rig.context.keys.find(key)!;
    expect(rig.context.limits.usage(id).uploadBytes).toBe(800_000);
    await rig.stopGateway();
    await using again = await startRig({ folder: rig.folder, tokens: [] });
    expect(again.context.limits.usage(id).uploadBytes).toBe(800_000);
  });
});

test.each([
  ["may not use the model", { models: ["veo-3.1-generate-preview"] }, {}],
  ["may make videos only", { kinds: ["video" as const] }, {}],
  ["has no images left", { limits: { ...NO_LIMITS, images: { day: 0, month: null, total: null } } }, {}],
])("an image inside a request of a key that %s is not stored", async (_name, change) => {
  await using rig = await startRig();
  const headers = { authorization: `Bearer ${await addKey(rig, change)}` };
  const url = `data:image/png;base64,${png(50_000).toBase64()}`;
  const form = new FormData();
  form.set("model", MODEL);
  form.set("prompt", "blue");
  form.set("image", new File([png(50_000)], "a.png"));
  const responses = await Promise.all([
    rig.chat(
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "blue" },
              { type: "image_url", image_url: { url } },
            ],
          },
        ],
      },
      { headers },
    ),
    rig.call("/v1/images/edits", { json: { model: MODEL, prompt: "blue", images: [{ image_url: url }] }, headers }),
    rig.call("/v1/images/edits", { method: "POST", body: form, headers }),
    rig.call(`/v1beta/models/${MODEL}:generateContent`, {
      json: {
        contents: [{ role: "user", parts: [{ text: "blue" }, { inlineData: { mimeType: "image/png", data: png(50_000).toBase64() } }] }],
      },
      headers,
    }),
  ]);
  for (const { status } of responses) expect(status).toBeGreaterThanOrEqual(400);
  await until(() => rig.context.media.totalBytes() === 0);
  expect(await rig.context.store.listMedia({ origin: "input", limit: 10 })).toEqual([]);
});

test("an image inside a request that is served stays", async () => {
  await using rig = await startRig();
  const url = `data:image/png;base64,${png(50_000).toBase64()}`;
  expect((await rig.call("/v1/images/edits", { json: { model: MODEL, prompt: "blue", images: [{ image_url: url }] } })).status).toBe(200);
  expect(await rig.context.store.listMedia({ origin: "input", limit: 10 })).toHaveLength(1);
});
