// The Gemini API end to end: bodies as clients write them, the AI SDK, owners, repetitions and what only this gateway does.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { experimental_generateVideo, generateText, streamText } from "ai";
import { type Clock, systemClock } from "../../src/clock.ts";
import { addKey, until } from "../keys.ts";
import { FLOW, framesOf, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const MODEL = "gemini-3.1-flash-image";
const OMNI = "gemini-omni-1.2-flash";
type Part = {
  text?: string;
  thought?: boolean;
  inlineData?: { mimeType: string; data: string };
  fileData?: { mimeType: string; fileUri: string };
};
/** What responses hold, of all routes; a test reads what its route gives. */
type Answer = {
  candidates?: { content: { role: string; parts: Part[] }; finishReason: string }[];
  promptFeedback?: { blockReason: string };
  predictions: { mimeType: string; bytesBase64Encoded: string }[];
  models: { name: string }[];
  file: { name: string; uri: string };
  data: { url: string }[];
  error: { status: string; message: string };
  name: string;
  done?: boolean;
  response: { generateVideoResponse: { generatedSamples: { video: { uri: string } }[] } };
  id: string;
  status: string;
  steps: { content: { type: string; data: string; uri: string }[] }[];
  errors: object[];
};
/** What the gateway sent upstream. */
type Sent = {
  contents: { role: string; parts: Part[] }[];
  generationConfig: { imageConfig: object };
  input: object[];
  previous_interaction_id?: string;
};

/** Every pause of the gateway is a fiftieth: videos are polled every 40 ms and not every 2 s. */
const clock: Clock = { now: Date.now, after: (ms, task) => systemClock.after(ms / 50, task) };

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ clock, tokens: [GEMINI, GEMINI_TWO], simulator: { videoMs: 0, fileMs: 0 } });
});
afterAll(() => rig[Symbol.asyncDispose]());

type Init = { json?: unknown; headers?: Record<string, string>; method?: string; rig?: Rig };

/** A request with a Google-style credential and nothing else. */
function google(path: string, { json, headers, method, rig: own = rig }: Init = {}): Promise<Response> {
  return fetch(`${own.url}${path}`, {
    method: method ?? (json === undefined ? "GET" : "POST"),
    headers: { "x-goog-api-key": own.key, "content-type": "application/json", ...headers },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
}
const answerOf = async (response: Response) => (await response.json()) as Answer;
const generate = (body: object, init: Init = {}) => google(`/v1beta/models/${MODEL}:generateContent`, { json: body, ...init });
const partsOf = (response: Answer): Part[] => response.candidates?.[0]?.content?.parts ?? [];
const pictures = (response: Answer) =>
  partsOf(response).flatMap(({ inlineData }) => (inlineData ? [Buffer.from(inlineData.data, "base64")] : []));
const isImage = (bytes: Uint8Array | undefined) => bytes?.[0] === 0x89 || bytes?.[0] === 0xff;
const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.slice(4, 8)).toString() === "ftyp";
const lastSent = (operation = "gemini.generate") => rig.simulator.calls().findLast((call) => call.operation === operation)!.body as Sent;
const requests = () => rig.simulator.counts().total.requests;

describe("bodies as clients write them (wire reference, part D)", () => {
  test("Open WebUI: edits in snake_case, its images always called PNG", async () => {
    const body = { contents: [{ parts: [{ text: "blue" }, { inline_data: { mime_type: "image/png", data: PIXEL } }] }] };
    expect(pictures(await answerOf(await generate(body))).map(isImage)).toEqual([true]);
  });

  test("Open WebUI: predicts with instances as an object", async () => {
    const json = { instances: { prompt: "a fox" }, parameters: { sampleCount: 2, outputOptions: { mimeType: "image/png" } } };
    const { predictions } = await answerOf(await google("/v1beta/models/imagen-3.0-generate-002:predict", { json }));
    expect(predictions.map(({ mimeType }) => mimeType)).toEqual(["image/png", "image/png"]);
  });

  test("SillyTavern: predicts with fields that mean nothing here and parameters that are null", async () => {
    const parameters = {
      sampleCount: 1,
      seed: null,
      enhancePrompt: false,
      negativePrompt: "",
      aspectRatio: "3:4",
      personGeneration: "allow_all",
      language: "auto",
      safetySetting: "block_low_and_above",
      addWatermark: false,
    };
    const json = { instances: [{ prompt: "a fox" }], parameters };
    const { predictions } = await answerOf(await google("/v1beta/models/imagen-4.0-generate-001:predict", { json }));
    expect(isImage(Buffer.from(predictions[0]!.bytesBase64Encoded, "base64"))).toBe(true);
    expect(lastSent().generationConfig.imageConfig).toEqual({ aspectRatio: "3:4" });
    const bare = await google("/v1beta/models/imagen-4.0-generate-001:predict", {
      json: { instances: [{ prompt: "a fox" }], parameters: null },
    });
    expect(bare.status).toBe(200);
  });

  test("n8n: the list has ids with imagen, veo and gemini; a file is sent without a key and edited by its URI", async () => {
    const { models } = await answerOf(await fetch(`${rig.url}/v1beta/models?pageSize=1000&key=${rig.key}`));
    for (const word of ["imagen", "veo", "gemini"]) expect(models.some(({ name }) => name.includes(word))).toBe(true);
    const start = await fetch(`${rig.url}/upload/v1beta/files?key=${rig.key}`, {
      method: "POST",
      headers: {
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": "70",
        "X-Goog-Upload-Header-Content-Type": "image/png",
        "Content-Type": "application/json",
      },
    });
    const sent = await fetch(start.headers.get("x-goog-upload-url")!, {
      method: "POST",
      headers: { "Content-Length": "70", "X-Goog-Upload-Offset": "0", "X-Goog-Upload-Command": "upload, finalize" },
      body: Buffer.from(PIXEL, "base64"),
    });
    const { file } = await answerOf(sent);
    const body = {
      contents: [{ role: "user", parts: [{ fileData: { mimeType: "image/png", fileUri: file.uri } }, { text: "blue" }] }],
      generationConfig: { responseModalities: ["IMAGE"] },
    };
    const url = `${rig.url}/v1beta/models/${MODEL}:generateContent?key=${rig.key}`;
    const edited = await answerOf(await fetch(url, { method: "POST", body: JSON.stringify(body) }));
    expect(pictures(edited).map(isImage)).toEqual([true]);
    expect(lastSent().contents[0]!.parts[0]).toHaveProperty("inlineData");
  });

  test("LobeHub: an instruction, modalities and a shape", async () => {
    const body = {
      contents: [{ role: "user", parts: [{ text: "a fox" }] }],
      systemInstruction: { role: "user", parts: [{ text: "Draw." }] },
      generationConfig: { responseModalities: ["Image"], imageConfig: { aspectRatio: "21:9" }, thinkingConfig: { includeThoughts: true } },
    };
    const result = await answerOf(await generate(body));
    expect(partsOf(result).some((part) => part.inlineData && !part.thought)).toBe(true);
    expect(lastSent()).toMatchObject({
      systemInstruction: { parts: [{ text: "Draw." }] },
      generationConfig: { responseModalities: ["IMAGE"], imageConfig: { aspectRatio: "21:9" } },
    });
  });

  test("LibreChat: both credentials; the Google-style one counts", async () => {
    const response = await generate({ contents: "a fox" }, { headers: { authorization: "Bearer something-else" } });
    expect(response.status).toBe(200);
  });

  test("Dify: a stream in which every image is a result", async () => {
    const json = {
      contents: [{ role: "user", parts: [{ text: "a fox" }] }],
      systemInstruction: { role: null, parts: [{ text: "brief" }] },
    };
    const response = await google(`/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`, { json });
    const chunks = framesOf(await response.text()).map((data) => JSON.parse(data));
    expect(chunks.flatMap(partsOf).filter(({ inlineData }) => inlineData)).toHaveLength(1);
    expect(chunks.at(-1)).toMatchObject({ candidates: [{ finishReason: "STOP" }], usageMetadata: { totalTokenCount: expect.any(Number) } });
  });

  test("without alt=sse a stream is one JSON array", async () => {
    const response = await google(`/v1beta/models/${MODEL}:streamGenerateContent`, { json: { contents: "a fox" } });
    const chunks = (await response.json()) as Answer[];
    expect([response.headers.get("content-type"), chunks.flatMap(partsOf).filter(({ inlineData }) => inlineData).length]).toEqual([
      expect.stringContaining("application/json"),
      1,
    ]);
  });
});

describe("conversations", () => {
  test("the token that generated the image is asked again when its mark comes back", async () => {
    for (let turn = 0; turn < 4; turn++) {
      const first = await answerOf(await generate({ contents: "a fox" }));
      const drawnBy = rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!.secret;
      const contents = [
        { role: "user", parts: [{ text: "a fox" }] },
        first.candidates![0]!.content,
        { role: "user", parts: [{ text: "blue" }] },
      ];
      await generate({ contents });
      expect(rig.simulator.calls().findLast(({ operation }) => operation === "gemini.generate")!.secret).toBe(drawnBy);
    }
  });

  test("an image of another conversation is named by its media link", async () => {
    const { data } = (await (
      await rig.call("/v1/images/generations", { json: { model: MODEL, prompt: "a fox", response_format: "url" } })
    ).json()) as Answer;
    const contents = [{ parts: [{ text: "blue" }, { fileData: { fileUri: data[0]!.url } }] }];
    expect(pictures(await answerOf(await generate({ contents }))).map(isImage)).toEqual([true]);
  });

  test("a private address is not fetched", async () => {
    const before = requests();
    const contents = [{ parts: [{ text: "blue" }, { fileData: { fileUri: `${rig.simulator.url}/secret.png` } }] }];
    const response = await generate({ contents });
    expect([response.status, (await answerOf(response)).error.status, requests()]).toEqual([400, "INVALID_ARGUMENT", before]);
  });
});

test("the same Idempotency-Key makes one image, also by predict; another body is a conflict", async () => {
  const accepted = () => rig.simulator.counts().total.accepted;
  const before = accepted();
  const headers = { "idempotency-key": "gemini-one" };
  const [first, second] = [
    await answerOf(await generate({ contents: "a fox" }, { headers })),
    await answerOf(await generate({ contents: "a fox" }, { headers })),
  ];
  expect([accepted() - before, pictures(first)[0]!.equals(pictures(second)[0]!)]).toEqual([1, true]);
  const other = await generate({ contents: "a cat" }, { headers });
  expect([other.status, (await answerOf(other)).error.status]).toEqual([409, "ABORTED"]);
  const predict = () => google("/v1beta/models/imagen-4.0-generate-001:predict", { json: { instances: [{ prompt: "a fox" }] }, headers });
  const [once, twice] = [await answerOf(await predict()), await answerOf(await predict())];
  expect([accepted() - before, once.predictions]).toEqual([2, twice.predictions]);
});

describe("refusals", () => {
  const IMAGEN = "/v1beta/models/imagen-4.0-generate-001:predict";
  const predict = (own: Rig) =>
    google(IMAGEN, { json: { instances: [{ prompt: "a fox" }], parameters: { sampleCount: 2, includeRaiReason: true } }, rig: own });

  test("predict gives what was made and why the rest was not; when all was refused it is an error", async () => {
    await using own = await startRig({ simulator: { faults: "gemini.generate=image-safety:once" } });
    const { predictions } = await answerOf(await predict(own));
    expect(predictions).toEqual([
      { mimeType: expect.stringMatching(/^image\//), bytesBase64Encoded: expect.any(String) },
      { raiFilteredReason: expect.stringMatching(/./) },
    ] as never);
    own.simulator.setFaults("gemini.generate=blocked");
    const refused = await predict(own);
    expect([refused.status, (await answerOf(refused)).error]).toMatchObject([
      400,
      { status: "INVALID_ARGUMENT", message: expect.stringContaining("PROHIBITED_CONTENT") },
    ]);
    own.simulator.setFaults("gemini.generate=text");
    expect((await predict(own)).status).toBe(400);
  });

  test("those of an upstream without Google's words are responses in Google's words", async () => {
    await using own = await startRig({ tokens: [FLOW], simulator: { faults: "flow.image=unsafe" } });
    const response = await google("/v1beta/models/gemini-3-pro-image:generateContent", { json: { contents: "a fox" }, rig: own });
    const { candidates, promptFeedback } = await answerOf(response);
    expect([response.status, promptFeedback?.blockReason ?? candidates?.[0]?.finishReason]).toEqual([
      200,
      expect.stringMatching(/^(PROHIBITED_CONTENT|IMAGE_SAFETY)$/),
    ]);
  });
});

test("a video model answers generateContent with the video's address, as python-flow2api did", async () => {
  const response = await answerOf(
    await google(`/models/${OMNI}:generateContent`, { json: { contents: "a fox", systemInstruction: "At dusk." } }),
  );
  const [part] = partsOf(response);
  expect(part!.fileData).toEqual({ mimeType: "video/mp4", fileUri: expect.stringMatching(/\.mp4$/) });
  expect(isMp4(await (await fetch(part!.fileData!.fileUri)).bytes())).toBe(true);
  expect(JSON.stringify(lastSent("gemini.interaction").input)).toContain("At dusk.\\n\\na fox");
});

describe("interactions", () => {
  const create = (body: object, init: Init = {}) =>
    google("/v1beta/interactions", { json: { model: OMNI, input: "a fox", ...body }, ...init });
  const outputOf = (interaction: Answer) => interaction.steps.at(-1)!.content[0]!;

  test("one that is waited for holds the video, or its address where that was asked for", async () => {
    const inline = await answerOf(await create({ response_format: { type: "video", duration: "4s" } }));
    expect(inline).toMatchObject({
      object: "interaction",
      status: "completed",
      usage: { output_tokens_by_modality: [{ modality: "video" }] },
    });
    expect(isMp4(Buffer.from(outputOf(inline).data, "base64"))).toBe(true);
    const { uri } = outputOf(await answerOf(await create({ response_format: { type: "video", delivery: "uri" } })));
    const ranged = await fetch(uri, { headers: { "x-goog-api-key": rig.key, range: "bytes=4-7" } });
    expect([ranged.status, await ranged.text()]).toEqual([206, "ftyp"]);
    expect((await fetch(uri)).status).toBe(400);
  });

  test("one of an image model says what the model said, and the next one knows it", async () => {
    const first = await answerOf(await create({ model: MODEL }));
    const said = first.steps[0]!.content.find(({ type }) => type === "text") as { text?: string };
    expect([first.steps[0]!.content.map(({ type }) => type).toSorted(), said.text]).toEqual([["image", "text"], "Here is your image."]);
    await create({ model: MODEL, input: "bluer", previous_interaction_id: first.id });
    expect(lastSent().contents[1]).toMatchObject({ role: "model", parts: [{ text: said.text }, { inlineData: {} }] });
    const body = { model: MODEL, response_format: [{ type: "image", aspect_ratio: "1:1" }] };
    expect((await answerOf(await create(body))).steps[0]!.content.map(({ type }) => type)).toEqual(["image"]);
  });

  test("one in the background goes on from another, on the token that made it", async () => {
    const first = await answerOf(await create({}));
    const second = await answerOf(await create({ input: "bluer", background: true, previous_interaction_id: first.id }));
    expect(second).toMatchObject({ status: "in_progress", previous_interaction_id: first.id });
    await until(async () => (await answerOf(await google(`/v1/interactions/${second.id}`))).status === "completed");
    const [before, after] = rig.simulator
      .calls()
      .filter(({ operation }) => operation === "gemini.interaction")
      .slice(-2);
    expect([(after!.body as Sent).previous_interaction_id, after!.secret]).toEqual([expect.stringMatching(/^v1_/), before!.secret]);
  });

  test("as events, followed from the beginning or later, it ends with the same step", async () => {
    // What fills silence says the same status again.
    const typesOf = (text: string): string[] =>
      framesOf(text)
        .map((data) => (data === "[DONE]" ? data : JSON.parse(data).event_type))
        .filter((type, index, all) => type !== all[index - 1]);
    const sequence = [
      "interaction.created",
      "interaction.status_update",
      "step.start",
      "step.delta",
      "step.stop",
      "interaction.completed",
      "[DONE]",
    ];
    const text = await (await create({ stream: true, response_format: [{ type: "video", delivery: "uri" }] })).text();
    expect([typesOf(text), text.includes(": ping")]).toEqual([sequence, false]);
    const { interaction } = JSON.parse(framesOf(text)[0]!);
    expect(typesOf(await (await google(`/v1beta/interactions/${interaction.id}?stream=true`)).text())).toEqual(sequence);
  });

  test("an image model generates, and goes on from its image", async () => {
    const first = await answerOf(await create({ model: MODEL, response_format: { type: "image", aspect_ratio: "16:9" } }));
    expect([first.status, isImage(Buffer.from(outputOf(first).data, "base64"))]).toEqual(["completed", true]);
    const second = await answerOf(await create({ model: MODEL, input: "bluer", previous_interaction_id: first.id }));
    expect(second.status).toBe("completed");
    expect(lastSent().contents.map(({ role }) => role)).toEqual(["user", "model", "user"]);
  });

  test("its job is one of the OpenAI API as well", async () => {
    const { id } = await answerOf(await create({ model: MODEL, response_format: { type: "image", delivery: "uri" } }));
    const job = (await (await rig.call(`/v1/images/generations/${id.replace("v1_", "")}`)).json()) as { data: { b64_json: string }[] };
    expect(isImage(Buffer.from(job.data[0]!.b64_json, "base64"))).toBe(true);
  });

  test("a refusal has completed with words, as Google has it; a failure has failed", async () => {
    await using own = await startRig({ clock, simulator: { faults: "gemini.interaction=text", videoMs: 0 } });
    const refused = await answerOf(await create({}, { rig: own }));
    expect([refused.status, outputOf(refused)]).toMatchObject(["completed", { type: "text", text: expect.stringMatching(/./) }]);
    own.simulator.setFaults("gemini.interaction=fail");
    const failed = await answerOf(await create({}, { rig: own }));
    expect([failed.status, failed.errors[0]!]).toMatchObject(["failed", { code: expect.any(String), message: expect.any(String) }]);
  });

  test("one that never ends is cancelled, and then deleted", async () => {
    await using own = await startRig({ clock, simulator: { faults: "gemini.interaction=stuck" } });
    const { id } = await answerOf(await create({ background: true }, { rig: own }));
    await until(() => (own.simulator.counts().operations["gemini.interaction"]?.accepted ?? 0) > 0);
    await google(`/v1beta/interactions/${id}/cancel`, { method: "POST", rig: own });
    await until(async () => (await answerOf(await google(`/v1beta/interactions/${id}`, { rig: own }))).status === "cancelled");
    expect((await google(`/v1beta/interactions/${id}`, { method: "DELETE", rig: own })).status).toBe(200);
    expect((await google(`/v1beta/interactions/${id}`, { rig: own })).status).toBe(400);
  });
});

describe("owners", () => {
  test("what another key has is as if it were not there, by every carrier and without a call upstream", async () => {
    const { name } = await answerOf(
      await google("/v1beta/models/veo-3.1-generate-preview:predictLongRunning", { json: { instances: [{ prompt: "a fox" }] } }),
    );
    const { response } = await until(async () => {
      const operation = await answerOf(await google(`/v1beta/${name}`));
      return operation.done && operation;
    });
    const video = new URL(response.generateVideoResponse.generatedSamples[0]!.video.uri).pathname;
    const { id } = await answerOf(await google("/v1beta/interactions", { json: { model: OMNI, input: "a fox" } }));
    const stranger = await addKey(rig);
    const before = requests();
    const operationId = name.split("/").at(-1);
    const rows: [string, string, number, unknown?][] = [
      ["GET", `/v1beta/${name}`, 404],
      ["GET", `/v1beta/operations/${operationId}`, 404],
      ["GET", `/v1/${name}`, 404],
      ["GET", `/v1beta/files/${operationId}`, 403],
      ["GET", `${video}?alt=media`, 403],
      ["DELETE", `/v1beta/files/${operationId}`, 403],
      ["GET", `/v1beta/interactions/${id}`, 400],
      ["GET", `/v1beta/interactions/${id}?stream=true`, 400],
      ["POST", `/v1beta/interactions/${id}/cancel`, 400, {}],
      ["DELETE", `/v1beta/interactions/${id}`, 400],
      ["POST", "/v1beta/interactions", 400, { model: OMNI, input: "a fox", previous_interaction_id: id }],
    ];
    for (const [method, path, status, json] of rows) {
      const carriers: [string, Record<string, string>][] = [
        [path, { "x-goog-api-key": stranger }],
        [path, { authorization: `Bearer ${stranger}` }],
        [`${path}${path.includes("?") ? "&" : "?"}key=${stranger}`, {}],
      ];
      for (const [address, headers] of carriers) {
        const result = await fetch(`${rig.url}${address}`, { method, headers, ...(json ? { body: JSON.stringify(json) } : {}) });
        expect([method, address, result.status]).toEqual([method, address, status]);
      }
    }
    expect(requests()).toBe(before);
    expect((await google(`/v1beta/interactions/${id}`)).status).toBe(200);
  });
});

describe("uploads", () => {
  const bytes = Buffer.from(PIXEL, "base64");
  const begin = async (headers: Record<string, string> = {}) => {
    const response = await google("/upload/v1beta/files", {
      method: "POST",
      headers: { "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start", ...headers },
    });
    return response.headers.get("x-goog-upload-url")!;
  };
  const send = (url: string, command: string, offset: number, body: Buffer<ArrayBuffer>) =>
    fetch(url, { method: "POST", headers: { "x-goog-upload-command": command, "x-goog-upload-offset": String(offset) }, body });

  test("pieces at their offsets become one file; a wrong offset is refused and says where to go on", async () => {
    const url = await begin();
    expect((await send(url, "upload", 0, bytes.subarray(0, 30))).headers.get("x-goog-upload-status")).toBe("active");
    const wrong = await send(url, "upload", 10, bytes.subarray(30));
    expect([wrong.status, (await answerOf(wrong)).error.message]).toEqual([400, expect.stringContaining("expected 30")]);
    const asked = await fetch(url, { method: "POST", headers: { "x-goog-upload-command": "query" } });
    expect(asked.headers.get("x-goog-upload-size-received")).toBe("30");
    const last = await send(url, "upload, finalize", 30, bytes.subarray(30));
    expect([last.headers.get("x-goog-upload-status"), (await answerOf(last)).file]).toMatchObject([
      "final",
      { sizeBytes: "70", mimeType: "image/png" },
    ]);
  });

  test("what is no image and no video is refused", async () => {
    const sent = await send(await begin(), "upload, finalize", 0, Buffer.from("just words"));
    expect([sent.status, (await answerOf(sent)).error.status]).toEqual([400, "INVALID_ARGUMENT"]);
  });

  test("the address ends with the key that began it", async () => {
    const key = await addKey(rig, { enabled: true });
    const url = await begin({ "x-goog-api-key": key });
    const row = (await rig.context.store.listKeys()).at(-1)!;
    await rig.context.store.updateKey(row.id, { enabled: false });
    rig.context.keys.load(await rig.context.store.listKeys(), await rig.context.store.listKeyHashes());
    expect((await send(url, "upload, finalize", 0, bytes)).status).toBe(403);
  });
});

describe("the AI SDK", () => {
  const provider = () => createGoogleGenerativeAI({ baseURL: `${rig.url}/v1beta`, apiKey: rig.key });

  test("text generation gives the image as a file", async () => {
    const { files } = await generateText({ model: provider()(MODEL), prompt: "a fox" });
    expect(files.map(({ uint8Array }) => isImage(uint8Array))).toEqual([true]);
  });

  test("so does a stream", async () => {
    const stream = streamText({ model: provider()(MODEL), prompt: "a fox" });
    expect((await stream.files).map(({ uint8Array }) => isImage(uint8Array))).toEqual([true]);
  });

  test("34: a video of a Veo id that is long gone plays", async () => {
    const { video } = await experimental_generateVideo({
      model: provider().video("veo-3.1-generate-preview"),
      prompt: "a fox",
      aspectRatio: "16:9",
      duration: 8,
      poll: { intervalMs: 50 },
      // Its own refuses addresses of this machine.
      download: async ({ url }) => ({ data: await (await fetch(url)).bytes(), mediaType: "video/mp4" }),
    });
    expect([video.mediaType, isMp4(video.uint8Array)]).toEqual(["video/mp4", true]);
  });

  test("an interaction with an image model gives its image", async () => {
    const { files } = await generateText({ model: provider().interactions(MODEL), prompt: "a fox" });
    expect(files.map(({ uint8Array }) => isImage(uint8Array))).toEqual([true]);
  });
});
