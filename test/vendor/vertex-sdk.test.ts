// Google's SDK in Vertex mode and our adapter ask the same: what the simulator received is equal but for who says it.
import { afterAll, beforeEach, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import type { ImageRequest, VideoRequest } from "../../src/domain/generation.ts";
import { silentLog } from "../../src/log.ts";
import type { ProviderToken } from "../../src/providers/provider.ts";
import { builtInModels, collect, memoryCall } from "../../src/providers/testing.ts";
import { createVertex } from "../../src/providers/vertex/client.ts";
import { type RecordedCall, startSimulator } from "../../src/simulator/simulator.ts";

const simulator = await startSimulator({ videoMs: 0 });
afterAll(() => simulator.stop());
beforeEach(() => simulator.reset());

const PROJECT = "sdk-project";
const ACCOUNT = simulator.serviceAccount({ project: PROJECT });
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const MODEL = "gemini-3-pro-image";
const OMNI = "gemini-omni-1.2-flash";

/** The SDK's own sign-in too; only the address of Google's token endpoint is another. */
const toSimulator = ((url: string | URL, init?: RequestInit) =>
  fetch(String(url).replace("https://oauth2.googleapis.com/token", simulator.vertexTokenUrl), init)) as typeof fetch;
const sdk = (location: string) => {
  const { client_email, private_key, type } = JSON.parse(ACCOUNT);
  return new GoogleGenAI({
    vertexai: true,
    project: PROJECT,
    location,
    httpOptions: { baseUrl: simulator.vertexBaseUrl },
    googleAuthOptions: {
      credentials: { client_email, private_key, type },
      clientOptions: { transporterOptions: { fetchImplementation: toSimulator } },
    },
  } as ConstructorParameters<typeof GoogleGenAI>[0]);
};
const express = () =>
  new GoogleGenAI({ vertexai: true, apiKey: "AQ.express-key", httpOptions: { baseUrl: simulator.vertexBaseUrl } } as ConstructorParameters<
    typeof GoogleGenAI
  >[0]);

let ids = 0;
const ours = () =>
  createVertex({
    models: builtInModels("vertex"),
    baseUrl: simulator.vertexBaseUrl,
    tokenUrl: simulator.vertexTokenUrl,
    now: Date.now,
    log: silentLog,
  });
const token = (secret = ACCOUNT, location: string | null = null): ProviderToken => ({
  id: ++ids,
  secret,
  location,
  proxy: null,
  state: {},
});
const image = (change: Partial<ImageRequest> = {}): ImageRequest => ({
  family: MODEL,
  turns: [{ role: "user", parts: [{ type: "text", text: "a fox" }] }],
  aspect: "16:9",
  size: "2K",
  seed: 3,
  ...change,
});
const CONFIG = { responseModalities: ["TEXT", "IMAGE"], seed: 3, imageConfig: { aspectRatio: "16:9", imageSize: "2K" } };
const FOX = [{ role: "user", parts: [{ text: "a fox" }] }];
const input = { mime: "image/png", data: new Blob([Buffer.from(PNG, "base64")]) };

async function draw(request: ImageRequest, by = token()): Promise<void> {
  const { error } = await collect(ours(), [request, by, memoryCall().call]);
  if (error) throw error;
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

type Interactions = {
  interactions: {
    create(body: object): Promise<{ id: string }>;
    get(id: string): Promise<unknown>;
    cancel(id: string): Promise<unknown>;
  };
};
const video: VideoRequest = {
  family: OMNI,
  mode: "text",
  prompt: "a fox runs",
  images: [],
  aspect: "9:16",
  resolution: "1080p",
  seconds: 8,
  seed: 5,
};
const OMNI_BODY = {
  model: OMNI,
  input: [{ type: "user_input", content: [{ type: "text", text: "a fox runs" }] }],
  response_format: { type: "video", delivery: "inline", aspect_ratio: "9:16", resolution: "1080p", duration: "8s" },
  generation_config: { video_config: { task: "text_to_video" }, seed: 5 },
  background: true,
  store: true,
};

async function ourVideo(): Promise<void> {
  const [vertex, by] = [ours(), token()];
  const { operation } = await vertex.startVideo(video, by, memoryCall().call, async () => {});
  await vertex.pollVideo(operation, by, memoryCall().call);
  await vertex.cancelVideo(operation, by, memoryCall().call);
}

async function theirVideo(): Promise<void> {
  const { interactions } = sdk("global") as unknown as Interactions;
  const { id } = await interactions.create(OMNI_BODY);
  await interactions.get(id);
  await interactions.cancel(id);
}

const INTENTS: [string, () => Promise<unknown>, () => Promise<void>][] = [
  ["an image", () => sdk("global").models.generateContent({ model: MODEL, contents: FOX, config: CONFIG }), () => draw(image())],
  [
    "an edit",
    () =>
      sdk("global").models.generateContent({
        model: MODEL,
        contents: [{ role: "user", parts: [{ inlineData: { mimeType: "image/png", data: PNG } }, { text: "at night" }] }],
        config: CONFIG,
      }),
    () =>
      draw(
        image({
          turns: [
            {
              role: "user",
              parts: [
                { type: "image", image: input },
                { type: "text", text: "at night" },
              ],
            },
          ],
        }),
      ),
  ],
  [
    "a stream with thoughts",
    async () =>
      drain(
        await sdk("global").models.generateContentStream({
          model: MODEL,
          contents: FOX,
          config: { ...CONFIG, thinkingConfig: { includeThoughts: true } },
        }),
      ),
    () => draw(image({ includeThoughts: true })),
  ],
  [
    "an image with safety, search and people",
    () =>
      sdk("global").models.generateContent({
        model: MODEL,
        contents: FOX,
        config: {
          ...CONFIG,
          imageConfig: { ...CONFIG.imageConfig, personGeneration: "ALLOW_ADULT" },
          safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
          tools: [{ googleSearch: {} }],
        } as Parameters<GoogleGenAI["models"]["generateContent"]>[0]["config"],
      }),
    () =>
      draw(
        image({
          personGeneration: "ALLOW_ADULT",
          safety: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
          search: {},
        }),
      ),
  ],
  [
    "another location",
    () =>
      sdk("us-central1").models.generateContent({
        model: "gemini-2.5-flash-image",
        contents: FOX,
        config: { ...CONFIG, imageConfig: { aspectRatio: "16:9" } },
      }),
    () => draw(image({ family: "gemini-2.5-flash-image", size: undefined }), token(ACCOUNT, "us-central1")),
  ],
  [
    "express mode",
    () => express().models.generateContent({ model: MODEL, contents: FOX, config: CONFIG }),
    () => draw(image(), token("AQ.express-key")),
  ],
  ["an Omni video, its poll and its cancellation", theirVideo, ourVideo],
];

/** Names of headers that the HTTP client adds by itself, and those in which a client says who it is. */
const NOT_COMPARED = new Set([
  "accept",
  "accept-encoding",
  "connection",
  "content-length",
  "cookie",
  "host",
  "user-agent",
  "x-goog-api-client",
]);

/** A call as both should make it. A GET has no content, whatever type it claims for it. */
function compared({ operation, method, path, headers, body, secret, status }: RecordedCall, ids: Map<string, string>) {
  const named = Object.entries(headers).filter(([name]) => !NOT_COMPARED.has(name) && !(name === "content-type" && body === null));
  const samePath = path.replace(/v1_[a-z0-9]+/, (id) => ids.get(id) ?? ids.set(id, "v1_ID").get(id)!);
  return { operation, method, path: samePath, headers: Object.fromEntries(named), body, secret, status };
}

/** Calls but for the mint, whose body is a signature that is made anew each time. */
const received = () => {
  const ids = new Map<string, string>();
  return simulator
    .calls()
    .filter(({ operation }) => operation !== "vertex.token")
    .map((call) => compared(call, ids));
};

test.each(INTENTS)("%s", async (_, theirs, own) => {
  await theirs();
  const asked = received();
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.every(({ status }) => status === 200)).toBe(true);
  simulator.reset();
  await own();
  expect(received()).toEqual(asked);
});

test("models: the SDK's list and count are the calls of our check", async () => {
  const ai = sdk("global");
  await drain(await ai.models.list({ config: { pageSize: 100 } }));
  for (const model of [MODEL]) await ai.models.countTokens({ model, contents: [{ role: "user", parts: [{ text: "a" }] }] });
  const asked = received();
  simulator.reset();
  await ours().check(token(), memoryCall().call);
  const made = received().filter(({ operation, path }) => operation === "vertex.models" || path.includes(`/${MODEL}:`));
  expect(made).toEqual(asked);
});

test("the mint has the SDK's form, header and claims", async () => {
  const seen: { form: string[]; header: object; claims: Record<string, unknown>; type: string | null }[] = [];
  const endpoint = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const form = new URLSearchParams(await request.text());
      const [header, claims] = form
        .get("assertion")!
        .split(".")
        .map((part) => Buffer.from(part, "base64url").toString());
      seen.push({
        form: [...form.keys(), form.get("grant_type")!],
        header: JSON.parse(header!),
        claims: JSON.parse(claims!),
        type: request.headers.get("content-type"),
      });
      return Response.json({ error: "invalid_grant", error_description: "Invalid JWT Signature." }, { status: 400 });
    },
  });
  const { client_email, private_key, type } = JSON.parse(ACCOUNT);
  const redirected = ((url: string | URL, init?: RequestInit) =>
    fetch(String(url).replace("https://oauth2.googleapis.com/token", endpoint.url.href), init)) as typeof fetch;
  const ai = new GoogleGenAI({
    vertexai: true,
    project: PROJECT,
    location: "global",
    googleAuthOptions: {
      credentials: { client_email, private_key, type },
      clientOptions: { transporterOptions: { fetchImplementation: redirected } },
    },
  } as ConstructorParameters<typeof GoogleGenAI>[0]);
  await ai.models.countTokens({ model: MODEL, contents: "a" }).catch(() => {});
  const vertex = createVertex({
    models: builtInModels("vertex"),
    baseUrl: simulator.vertexBaseUrl,
    tokenUrl: endpoint.url.href,
    now: Date.now,
    log: silentLog,
  });
  await collect(vertex, [image(), token(), memoryCall().call]);
  await endpoint.stop(true);
  const [theirs, own] = seen.map(({ claims: { iat, exp, ...claims }, ...rest }) => ({
    ...rest,
    claims: { ...claims, life: Number(exp) - Number(iat) },
  }));
  expect(own).toEqual({ ...theirs!, claims: { ...theirs!.claims, life: own!.claims.life } });
  // The SDK dates its assertion a little back.
  expect(Number(theirs!.claims.life) - 3600).toBeLessThanOrEqual(10);
  expect(own!.claims.life).toBe(3600);
});
