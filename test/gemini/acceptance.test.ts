// Acceptance of the Gemini API with Google's own clients, new and old, and with raw bodies. The numbers are those of the wire reference, part E.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { GoogleGenAI, type Part } from "@google/genai";
import { GoogleGenAI as GoogleGenAI1 } from "genai-1";
import { GoogleGenAI as GoogleGenAI3 } from "genai-3";
import { temporaryFolder, virtualClock } from "../../src/testing.ts";
import { addKey, until } from "../keys.ts";
import { framesOf, GEMINI, GEMINI_TWO, lastSent, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const MODEL = "gemini-3-pro-image";
type Answer = {
  candidates?: { content?: { parts?: Part[] }; finishReason?: string }[];
  promptFeedback?: { blockReason: string };
  error?: { code: number; status: string; message: string; details: { reason?: string }[] };
  [field: string]: unknown;
};

let rig: Rig;
/** Behind a proxy with https, as Google's clients need it for downloads: they put the path behind their own base. */
let proxied: Rig;
beforeAll(async () => {
  const simulator = { videoMs: 0, fileMs: 0 };
  rig = await startRig({ tokens: [GEMINI], simulator });
  proxied = await startRig({ tokens: [GEMINI], simulator, settings: { "server.public_url": "https://gateway.example" } });
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await proxied[Symbol.asyncDispose]();
});

const clientOf = (one: Rig, apiKey = one.key) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: one.url } });
const oldClientOf = (one: Rig, apiKey = one.key) => new GoogleGenAI1({ apiKey, httpOptions: { baseUrl: one.url } });
const newestClientOf = (one: Rig, apiKey = one.key) => new GoogleGenAI3({ apiKey, httpOptions: { baseUrl: one.url } });
const google = async (one: Rig, path: string, json?: unknown, headers: Record<string, string> = {}, method?: string) => {
  const response = await fetch(`${one.url}${path}`, {
    method: method ?? (json === undefined ? "GET" : "POST"),
    headers: { "x-goog-api-key": one.key, "content-type": "application/json", ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  return { status: response.status, headers: response.headers, answer: (await response.json()) as Answer };
};
const prompt = (text = "a fox") => ({ contents: [{ role: "user", parts: [{ text }] }] });
const partsOf = (response: Answer | { candidates?: unknown }) => (response as Answer).candidates?.[0]?.content?.parts ?? [];
const isPng = (data = "") => data.startsWith("iVBORw0KGgo");
const isImage = (data = "") => isPng(data) || data.startsWith("/9j/");
const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.slice(4, 8)).toString() === "ftyp";

describe.each([
  ["@google/genai 3 on /v1", clientOf],
  ["@google/genai 1 on /v1beta", oldClientOf as unknown as typeof clientOf],
])("30: %s", (_name, clientFor) => {
  const client = () => clientFor(rig);

  test("generateContent whole and streamed", async () => {
    const whole = await client().models.generateContent({ model: MODEL, contents: "a fox" });
    expect(partsOf(whole).filter(({ inlineData }) => isImage(inlineData?.data))).toHaveLength(1);
    expect(whole.usageMetadata?.totalTokenCount).toBeGreaterThan(1000);
    const chunks = await Array.fromAsync(await client().models.generateContentStream({ model: MODEL, contents: "a fox" }));
    expect(chunks.flatMap(partsOf).filter(({ inlineData }) => inlineData)).toHaveLength(1);
    expect(chunks.at(-1)?.candidates?.[0]?.finishReason as string).toBe("STOP");
  });

  test("a chat of two turns hands the signature on as it was", async () => {
    const chat = client().chats.create({ model: MODEL });
    const first = await chat.sendMessage({ message: "a fox" });
    const { thoughtSignature } = partsOf(first).find((part) => part.thoughtSignature)!;
    await chat.sendMessage({ message: "now blue" });
    const sent = rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!.body as {
      contents: { role: string; parts: Part[] }[];
    };
    expect(sent.contents.map(({ role }) => role)).toEqual(["user", "model", "user"]);
    expect(sent.contents[1]!.parts.find((part) => part.inlineData)?.thoughtSignature).toBe(thoughtSignature!);
  });

  test("models.list, models.get and countTokens", async () => {
    const names: string[] = [];
    for await (const { name } of await client().models.list({ config: { pageSize: 50 } })) names.push(name!);
    expect(names).toEqual(
      expect.arrayContaining(["models/gemini-3-pro-image", "models/veo-3.1-generate-preview", "models/imagen-4.0-generate-001"]),
    );
    expect((await client().models.get({ model: MODEL })).name).toBe(`models/${MODEL}`);
    expect((await client().models.countTokens({ model: MODEL, contents: "a fox in the snow" })).totalTokens).toBeGreaterThan(0);
  });

  test("files.upload, get, list, use and delete", async () => {
    const { files, models } = client();
    const uploaded = await files.upload({
      file: new Blob([Buffer.from(PIXEL, "base64")], { type: "image/png" }),
      config: { displayName: "pixel" },
    });
    expect(uploaded).toMatchObject({
      displayName: "pixel",
      mimeType: "image/png",
      state: "ACTIVE",
      sizeBytes: String(Buffer.from(PIXEL, "base64").length),
    });
    expect((await files.get({ name: uploaded.name! })).uri).toBe(uploaded.uri);
    const listed: string[] = [];
    for await (const file of await files.list({ config: { pageSize: 1 } })) listed.push(file.name!);
    expect(listed).toContain(uploaded.name!);
    const response = await models.generateContent({
      model: MODEL,
      contents: [{ role: "user", parts: [{ fileData: { fileUri: uploaded.uri!, mimeType: "image/png" } }, { text: "blue" }] }],
    });
    expect(partsOf(response).some(({ inlineData }) => inlineData)).toBe(true);
    expect(JSON.stringify(lastSent(rig))).toContain('"inlineData"');
    await files.delete({ name: uploaded.name! });
    await expect(files.get({ name: uploaded.name! })).rejects.toThrow("or it may not exist");
  });

  test("a bad key and an unknown model are errors with Google's words", async () => {
    const error = await clientFor(rig, "wrong")
      .models.list()
      .catch((failure: unknown) => failure as Error & { status: number });
    expect([(error as { status: number }).status, String(error)]).toEqual([400, expect.stringContaining("API_KEY_INVALID")]);
    const missing = await client()
      .models.get({ model: "nothing-like-it" })
      .catch((failure: unknown) => failure);
    expect([(missing as { status: number }).status, String(missing)]).toEqual([404, expect.stringContaining("NOT_FOUND")]);
  });
});

describe("30: videos of Google's clients", () => {
  test("interactions in the background, followed, gone on from, cancelled and deleted", async () => {
    const { interactions } = clientOf(proxied);
    const made = await interactions.create({
      model: "gemini-omni-1.2-flash",
      input: "a fox",
      background: true,
      response_format: [{ type: "video", delivery: "uri" }],
    });
    expect([made.status, made.id]).toEqual(["in_progress", expect.stringMatching(/^v1_/)]);
    const done = await until(async () => {
      const now = await interactions.get(made.id);
      return now.status === "completed" && now;
    });
    expect(JSON.stringify(done)).toContain(`"uri":"${proxied.url}/v1beta/files/`);
    const next = await interactions.create({
      model: "gemini-omni-1.2-flash",
      input: "bluer",
      background: true,
      previous_interaction_id: made.id,
    });
    await until(async () => (await interactions.get(next.id)).status === "completed");
    expect(proxied.simulator.calls().findLast(({ operation }) => operation === "gemini.interaction")!.body).toMatchObject({
      previous_interaction_id: expect.stringMatching(/^v1_/),
    });
    await interactions.delete(made.id);
    await expect(interactions.get(made.id)).rejects.toThrow("Invalid interaction name");
  });

  test("generateVideos, its operation and its download", async () => {
    using folder = temporaryFolder();
    const client = oldClientOf(proxied);
    let operation = await client.models.generateVideos({
      model: "veo-3.1-generate-preview",
      prompt: "a fox",
      config: { aspectRatio: "9:16" },
    });
    operation = await until(async () => {
      const now = await client.operations.getVideosOperation({ operation });
      return now.done && now;
    });
    const { video } = operation.response!.generatedVideos![0]!;
    const downloadPath = join(folder.path, "fox.mp4");
    await client.files.download({ file: video!, downloadPath });
    await until(() => Bun.file(downloadPath).size > 100);
    expect(isMp4(await Bun.file(downloadPath).bytes())).toBe(true);
  });

  test("generateImages of the old client, which lives on", async () => {
    const { generatedImages } = await oldClientOf(rig).models.generateImages({
      model: "imagen-4.0-generate-001",
      prompt: "a fox",
      config: { numberOfImages: 2, aspectRatio: "16:9", outputMimeType: "image/jpeg" },
    });
    expect(generatedImages?.map(({ image }) => image?.mimeType)).toEqual(["image/jpeg", "image/jpeg"]);
  });
});

describe("31: paths that both dialects have", () => {
  const keys = (json: unknown) => Object.keys(json as object);
  test.each(["/v1/models", "/v1/files"])("%s answers in the dialect of its credential", async (path) => {
    const bearer = await (await rig.call(path)).json();
    expect(keys(bearer)).toEqual(expect.arrayContaining(["object", "data"]));
    const list = path === "/v1/models" ? "models" : "files";
    expect(keys((await google(rig, path)).answer)).toContain(list);
    expect(keys(await (await fetch(`${rig.url}${path}?key=${rig.key}`)).json())).toContain(list);
  });

  test.each([
    ["GET", "/v1beta/models?pageSize=1"],
    ["GET", "/v1/models?pageSize=1"],
    ["GET", `/v1beta/models/${MODEL}`],
    ["GET", "/v1beta/files"],
    ["POST", `/v1beta/models/${MODEL}:countTokens`],
    ["POST", `/v1/models/${MODEL}:generateContent`],
    ["POST", `/models/${MODEL}:generateContent`],
  ])("%s %s takes the key from the query", async (method, path) => {
    const url = `${rig.url}${path}${path.includes("?") ? "&" : "?"}key=${rig.key}`;
    const response = await fetch(url, { method, ...(method === "POST" ? { body: JSON.stringify(prompt()) } : {}) });
    expect([response.status, await response.text()]).toEqual([200, expect.not.stringContaining(rig.key)]);
  });

  test("the key of the header goes before that of Authorization", async () => {
    expect((await google(rig, "/v1beta/models", undefined, { authorization: "Bearer something-else" })).status).toBe(200);
  });
});

describe("32: bodies as clients send them", () => {
  test("snake_case, as Open WebUI edits", async () => {
    const contents = [{ role: "user", parts: [{ text: "blue" }, { inline_data: { mime_type: "image/png", data: PIXEL } }] }];
    const generation_config = { response_modalities: ["IMAGE"], image_config: { aspect_ratio: "16:9", image_size: "2K" } };
    const { status, answer } = await google(rig, `/v1beta/models/${MODEL}:generateContent`, { contents, generation_config });
    expect([status, partsOf(answer).some(({ inlineData }) => inlineData)]).toEqual([200, true]);
    const sent = lastSent(rig) as { generationConfig: object };
    expect(sent.generationConfig).toMatchObject({ imageConfig: { aspectRatio: "16:9", imageSize: "2K" } });
  });

  test("instances as an object, as Open WebUI predicts", async () => {
    const body = { instances: { prompt: "a fox" }, parameters: { sampleCount: 1, outputOptions: { mimeType: "image/png" } } };
    const { status, answer } = await google(rig, "/v1beta/models/imagen-4.0-generate-001:predict", body);
    expect([status, (answer.predictions as { bytesBase64Encoded: string }[]).map((one) => isPng(one.bytesBase64Encoded))]).toEqual([
      200,
      [true],
    ]);
  });
});

describe("32b: 40 silent seconds", () => {
  test.each([
    ["3", clientOf],
    ["1", oldClientOf as unknown as typeof clientOf],
    ["3.3", newestClientOf as unknown as typeof clientOf],
  ])("a stream stays readable by @google/genai %s", async (_version, clientFor) => {
    const clock = virtualClock(Date.now());
    await using own = await startRig({ clock, simulator: { faults: "gemini.generate=latency(1500)" } });
    const reading = clientFor(own)
      .models.generateContentStream({ model: MODEL, contents: "a fox" })
      .then((stream) => Array.fromAsync(stream));
    await until(() => own.simulator.counts().total.inFlight === 1);
    for (let second = 0; second < 40; second += 5) await clock.advance(5000);
    expect((await reading).flatMap(partsOf).filter(({ inlineData }) => inlineData)).toHaveLength(1);
  });

  /** A stream over an upstream that is silent for 40 s. */
  const slowStream = async (query: string): Promise<string> => {
    const clock = virtualClock(Date.now());
    await using own = await startRig({ clock, simulator: { faults: "gemini.generate=latency(500)" } });
    const reading = fetch(`${own.url}/v1beta/models/${MODEL}:streamGenerateContent?${query}key=${own.key}`, {
      method: "POST",
      body: JSON.stringify(prompt()),
    }).then((response) => response.text());
    await until(() => own.simulator.counts().total.inFlight === 1);
    for (let second = 0; second < 40; second += 5) await clock.advance(5000);
    return reading;
  };

  /** The loop of @google/generative-ai 0.24.1: what does not begin with `data: ` ends it. */
  const legacyEvents = (text: string): unknown[] => {
    const events: unknown[] = [];
    let rest = text;
    for (let match = /^data: (.*)(?:\n\n|\r\r|\r\n\r\n)/.exec(rest); match; match = /^data: (.*)(?:\n\n|\r\r|\r\n\r\n)/.exec(rest)) {
      events.push(JSON.parse(match[1]!));
      rest = rest.slice(match[0].length);
    }
    if (rest !== "") throw new Error(`Failed to parse stream: ${rest.slice(0, 40)}`);
    return events;
  };
  const isEmptyText = (event: unknown) => Bun.deepEquals(partsOf(event as never), [{ text: "" }]);

  test("is events of data alone, its silence filled with empty texts", async () => {
    const events = legacyEvents(await slowStream("alt=sse&"));
    expect(isEmptyText(events[0])).toBe(true);
    expect(events.filter(isEmptyText).length).toBeGreaterThan(3);
    expect(events.flatMap((event) => partsOf(event as never)).filter(({ inlineData }) => inlineData)).toHaveLength(1);
  });

  test("without alt=sse is an array from its first byte to its last", async () => {
    const text = await slowStream("");
    expect([text[0], text.at(-1)]).toEqual(["[", "]"]);
    const events = JSON.parse(text) as unknown[];
    expect(events.filter(isEmptyText).length).toBeGreaterThan(2);
  });

  test("of an interaction is filled with its status", async () => {
    const clock = virtualClock(Date.now());
    await using own = await startRig({ clock, simulator: { faults: "gemini.generate=latency(500)" } });
    const reading = fetch(`${own.url}/v1beta/interactions?key=${own.key}`, {
      method: "POST",
      body: JSON.stringify({ model: MODEL, input: "a fox", stream: true }),
    }).then((response) => response.text());
    await until(() => own.simulator.counts().total.inFlight === 1);
    for (let second = 0; second < 40; second += 5) await clock.advance(5000);
    const blocks = (await reading).split("\n\n");
    expect(blocks.pop()).toBe("");
    expect(blocks.filter((block) => !/^event: [\w.]+\ndata: .+$/.test(block))).toEqual([]);
    expect(blocks.filter((block) => block.startsWith("event: interaction.status_update")).length).toBeGreaterThan(2);
  });
});

test("33: interim images and thoughts are returned only when they are asked for", async () => {
  await using own = await startRig({ simulator: { faults: "gemini.generate=draft" } });
  const ask = async (thinkingConfig?: object) => {
    const body = { ...prompt(), ...(thinkingConfig ? { generationConfig: { thinkingConfig } } : {}) };
    const whole = partsOf((await google(own, `/v1beta/models/${MODEL}:generateContent`, body)).answer);
    const response = await fetch(`${own.url}/v1beta/models/${MODEL}:streamGenerateContent?alt=sse&key=${own.key}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const streamed = framesOf(await response.text()).flatMap((data) => partsOf(JSON.parse(data)));
    return [whole, streamed].map((parts) => [
      parts.filter(({ thought }) => thought).length,
      parts.filter(({ inlineData, thought }) => inlineData && !thought).length,
    ]);
  };
  expect(await ask()).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect(await ask({ includeThoughts: false })).toEqual([
    [0, 1],
    [0, 1],
  ]);
  for (const [thoughts, pictures] of await ask({ includeThoughts: true })) expect([thoughts! > 0, pictures]).toEqual([true, 1]);
});

describe("34: Veo lives on", () => {
  /** As SillyTavern does it: every step by hand. */
  const sequence = async (own: Rig, parameters: object = {}) => {
    const start = await google(own, "/v1beta/models/veo-3.1-generate-preview:predictLongRunning", {
      instances: [{ prompt: "a fox" }],
      parameters: { negativePrompt: "", aspectRatio: "16:9", durationSeconds: 8, seed: 7, ...parameters },
    });
    expect([start.status, start.answer.name]).toEqual([
      200,
      expect.stringMatching(/^models\/veo-3\.1-generate-preview\/operations\/[a-z0-9]+$/),
    ]);
    return until(async () => {
      for (const version of ["v1", "v1beta"]) {
        const { status, answer } = await google(own, `/${version}/${start.answer.name}`);
        expect([status, answer.name]).toEqual([200, start.answer.name]);
        if (answer.done) return answer as { error?: object; response?: { generateVideoResponse: Record<string, unknown> } };
      }
      return null;
    });
  };

  test("as a raw sequence, to an address that its key opens, in three ways", async () => {
    const { response } = await sequence(rig);
    const [sample] = response!.generateVideoResponse.generatedSamples as { video: { uri: string } }[];
    const url = sample!.video.uri;
    const carriers: [string, HeadersInit][] = [
      [url, { "x-goog-api-key": rig.key }],
      [`${url}&key=${rig.key}`, {}],
      [url, { authorization: `Bearer ${rig.key}` }],
    ];
    for (const [address, headers] of carriers) {
      const download = await fetch(address, { headers });
      expect([download.status, download.headers.get("content-type"), isMp4(await download.bytes())]).toEqual([200, "video/mp4", true]);
    }
    expect((await fetch(url)).status).toBe(400);
  });

  test("numbers as text and words without a meaning are borne", async () => {
    const { response } = await sequence(rig, {
      durationSeconds: "6",
      personGeneration: "allow_all",
      enhancePrompt: true,
      sampleCount: 1,
      fps: 24,
    });
    expect(response?.generateVideoResponse).toHaveProperty("generatedSamples");
  });

  test("filtered: done, without samples and with a reason", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.interaction=text", videoMs: 0 } });
    const { response } = await sequence(own);
    expect(response!.generateVideoResponse).toMatchObject({
      raiMediaFilteredCount: 1,
      raiMediaFilteredReasons: [expect.stringMatching(/./)],
    });
    expect(response!.generateVideoResponse.generatedSamples ?? []).toEqual([]);
  });

  test("failed: done, with an error", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.interaction=fail", videoMs: 0 } });
    expect((await sequence(own)).error).toMatchObject({ code: expect.any(Number), message: expect.stringMatching(/./) });
  });
});

describe("35: uploads", () => {
  const bytes = Buffer.from(PIXEL, "base64");
  const begin = async () => {
    const headers = {
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": String(bytes.length),
      "x-goog-upload-header-content-type": "image/png",
    };
    const response = await fetch(`${rig.url}/upload/v1beta/files?key=${rig.key}`, { method: "POST", headers });
    expect([response.status, response.headers.get("x-goog-upload-status")]).toEqual([200, "active"]);
    return response.headers.get("x-goog-upload-url")!;
  };
  const send = (url: string) =>
    fetch(url, { method: "POST", headers: { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" }, body: bytes });

  test("the address needs no key and works once", async () => {
    const url = await begin();
    expect(url).not.toContain(rig.key);
    const first = await send(url);
    const { file } = (await first.json()) as { file: { name: string; uri: string } };
    expect([first.status, file.name]).toEqual([200, expect.stringMatching(/^files\/[a-z0-9]+$/)]);
    expect((await send(url)).status).toBe(404);
    const stranger = await addKey(rig);
    for (const path of [file.name, `${file.name}:download?alt=media`])
      expect((await google(rig, `/v1beta/${path}`, undefined, { "x-goog-api-key": stranger })).status).toBe(403);
    const before = rig.simulator.counts().total.requests;
    const contents = [{ role: "user", parts: [{ fileData: { fileUri: file.uri, mimeType: "image/png" } }, { text: "blue" }] }];
    const used = await google(rig, `/v1beta/models/${MODEL}:generateContent`, { contents }, { "x-goog-api-key": stranger });
    expect([used.status === 403, rig.simulator.counts().total.requests]).toEqual([true, before]);
  });

  test("an address that nobody was given is 404", async () => {
    expect((await send(`${rig.url}/upload/v1beta/files/${"a".repeat(26)}`)).status).toBe(404);
  });
});

test.each([
  ["a bad key", "/v1beta/models", undefined, { "x-goog-api-key": "wrong" }, 400, "INVALID_ARGUMENT"],
  ["no key", "/v1beta/models", undefined, { "x-goog-api-key": "" }, 400, "INVALID_ARGUMENT"],
  ["an unknown model", "/v1beta/models/nothing:generateContent", prompt(), {}, 404, "NOT_FOUND"],
  ["an unknown method", `/v1beta/models/${MODEL}:nothing`, prompt(), {}, 404, "NOT_FOUND"],
  ["an unknown path", "/v1beta/nothing", undefined, {}, 404, "NOT_FOUND"],
  ["an empty conversation", `/v1beta/models/${MODEL}:generateContent`, { contents: [] }, {}, 400, "INVALID_ARGUMENT"],
  ["an unknown file", "/v1beta/files/nothing", undefined, {}, 403, "PERMISSION_DENIED"],
  [
    "an unknown file in a request",
    `/v1beta/models/${MODEL}:generateContent`,
    { contents: [{ parts: [{ fileData: { fileUri: "files/nothing" } }, { text: "a" }] }] },
    {},
    403,
    "PERMISSION_DENIED",
  ],
  ["an unknown operation", "/v1beta/models/m/operations/nothing", undefined, {}, 404, "NOT_FOUND"],
  ["an unknown interaction", "/v1beta/interactions/nothing", undefined, {}, 400, "INVALID_ARGUMENT"],
])("36: %s has a number, a word and a message", async (name, path, json, headers, status, word) => {
  const { status: got, answer } = await google(rig, path, json, headers as Record<string, string>);
  expect([got, answer.error]).toMatchObject([status, { code: status, status: word, message: expect.stringMatching(/./) }]);
  if (/key/.test(name)) expect(answer.error!.details).toMatchObject([{ reason: "API_KEY_INVALID" }]);
});

test.each([
  ["429-minute", 429, "RESOURCE_EXHAUSTED"],
  ["503", 503, "UNAVAILABLE"],
  ["504", 504, "DEADLINE_EXCEEDED"],
])("36: an upstream's %s", async (fault, status, word) => {
  await using own = await startRig({
    tokens: [GEMINI, GEMINI_TWO],
    simulator: { faults: `gemini.generate=${fault}` },
    settings: { "pool.wait_ms": 0 },
  });
  const { status: got, answer } = await google(own, `/v1beta/models/${MODEL}:generateContent`, prompt());
  expect([got, answer.error?.status]).toEqual([status, word]);
});

test.each([
  ["image-safety", "IMAGE_SAFETY"],
  ["prohibited", "PROHIBITED_CONTENT"],
  ["recitation", "RECITATION"],
  ["no-image", "NO_IMAGE"],
  ["image-other", "IMAGE_OTHER"],
  ["max-tokens", "MAX_TOKENS"],
  ["blocklist", "BLOCKLIST"],
  ["spii", "SPII"],
])("37: %s is an answer with the upstream's own %s", async (fault, finishReason) => {
  await using own = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
  const { status, answer } = await google(own, `/v1beta/models/${MODEL}:generateContent`, prompt());
  expect([status, answer.candidates?.[0]?.finishReason]).toEqual([200, finishReason]);
  const response = await fetch(`${own.url}/v1beta/models/${MODEL}:streamGenerateContent?alt=sse&key=${own.key}`, {
    method: "POST",
    body: JSON.stringify(prompt()),
  });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(`"finishReason":"${finishReason}"`)]);
});

test.each([
  ["blocked", "PROHIBITED_CONTENT"],
  ["blocked-safety", "SAFETY"],
  ["blocked-image", "IMAGE_SAFETY"],
])("37: %s is an answer with promptFeedback %s", async (fault, blockReason) => {
  await using own = await startRig({ simulator: { faults: `gemini.generate=${fault}` } });
  const { status, answer } = await google(own, `/v1beta/models/${MODEL}:generateContent`, prompt());
  expect([status, answer.promptFeedback?.blockReason]).toEqual([200, blockReason]);
});
