// Acceptance of /v1/videos with the official client and with raw bodies. The numbers are those of the wire reference, part E.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import OpenAI, { ConflictError, NotFoundError, toFile } from "openai";
import type { Video } from "openai/resources/videos";
import { temporaryFolder } from "../../src/testing.ts";
import { addKey, until } from "../keys.ts";
import { FLOW, GEMINI, GEMINI_TWO, type Rig, startRig } from "../rig.ts";

setDefaultTimeout(30_000);

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PIXEL_URL = `data:image/png;base64,${PIXEL}`;
const MODEL = "gemini-omni-1.2-flash";
type Wire = Video & { url?: string };

let rig: Rig;
let client: OpenAI;
const clientOf = (one: Rig, apiKey = one.key) => new OpenAI({ apiKey, baseURL: `${one.url}/v1`, maxRetries: 0 });

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, GEMINI_TWO], simulator: { videoMs: 0, fileMs: 0 } });
  client = clientOf(rig);
});
afterAll(() => rig[Symbol.asyncDispose]());

const settled = (one: OpenAI, id: string) =>
  until(async () => {
    const video = (await one.videos.retrieve(id)) as Wire;
    return (video.status === "completed" || video.status === "failed") && video;
  });
const post = async (body: object) => {
  const response = await rig.call("/v1/videos", { json: { model: "sora-2", prompt: "a fox", seconds: "4", ...body } });
  return { status: response.status, video: (await response.json()) as Wire };
};
const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.slice(4, 8)).toString() === "ftyp";
/** The input of the submission that made a video, found by its prompt. */
const submissionOf = (prompt: string) => {
  const calls = rig.simulator.calls().filter(({ operation }) => operation === "gemini.interaction");
  return calls.find(({ body }) => JSON.stringify(body).includes(JSON.stringify(prompt)))!;
};

describe("22: every form of create", () => {
  test("a file of the official client, through polling to the bytes", async () => {
    const input_reference = await toFile(Buffer.from(PIXEL, "base64"), "a.png", { type: "image/png" });
    const made = await client.videos.create({ model: "sora-2", prompt: "with a file", seconds: "4", size: "720x1280", input_reference });
    expect(made).toMatchObject({ object: "video", model: "sora-2", status: expect.stringMatching(/^(queued|in_progress)$/) });
    const { response } = await client.videos.retrieve(made.id).withResponse();
    expect(response.headers.get("openai-poll-after-ms")).toBe("3000");
    expect((await settled(client, made.id)).status).toBe("completed");
    const content = await client.videos.downloadContent(made.id);
    expect([content.headers.get("content-type"), isMp4(await content.bytes())]).toEqual(["video/mp4", true]);
    const thumbnail = await client.videos.downloadContent(made.id, { variant: "thumbnail" });
    expect(thumbnail.headers.get("content-type")).toMatch(/^image\//);
    expect(submissionOf("with a file").body).toMatchObject({ generation_config: { video_config: { task: "image_to_video" } } });
  });

  test("the image_url of the official client", async () => {
    await client.videos.create({ model: "sora-2", prompt: "with a URL", input_reference: { image_url: PIXEL_URL } });
    await until(() => submissionOf("with a URL"));
    expect(JSON.stringify(submissionOf("with a URL").body)).toContain('"type":"image"');
  });

  test.each([
    ["LobeHub's object", { input_reference: { image_url: PIXEL_URL } }],
    ["Cherry Studio's text", { input_reference: PIXEL_URL }],
    ["a list of references", { input_references: [{ type: "image_url", image_url: { url: PIXEL_URL } }] }],
    ["a first frame", { first_frame: PIXEL_URL }],
  ])("%s", async (name, body) => {
    const { status, video } = await post({ ...body, prompt: `picture as ${name}` });
    expect([status, video.object]).toEqual([200, "video"]);
    await until(() => submissionOf(`picture as ${name}`));
    expect(JSON.stringify(submissionOf(`picture as ${name}`).body)).toContain(PIXEL);
  });

  test("a field of a form that names an image", async () => {
    const form = new FormData();
    for (const [name, value] of [
      ["model", "sora-2"],
      ["prompt", "bracketed"],
      ["seconds", "4"],
      ["input_reference[image_url]", PIXEL_URL],
    ] as const)
      form.append(name, value);
    expect((await rig.call("/v1/videos", { method: "POST", body: form })).status).toBe(200);
    await until(() => submissionOf("bracketed"));
    expect(JSON.stringify(submissionOf("bracketed").body)).toContain(PIXEL);
  });

  test.each([
    [{ seconds: 8 }, "8s"],
    [{ seconds: "12" }, "12s"],
    [{ seconds: undefined, duration: 5 }, "5s"],
  ])("%j asks for %s", async (body, duration) => {
    const prompt = `lasts ${duration}`;
    expect((await post({ ...body, prompt })).status).toBe(200);
    await until(() => submissionOf(prompt));
    expect(submissionOf(prompt).body).toMatchObject({ response_format: { duration } });
  });
});

test("23: the object keeps its shape and its progress never goes back, from queued to completed", async () => {
  await using own = await startRig({ simulator: { videoMs: 1500 } });
  const sdk = clientOf(own);
  const { id } = await sdk.videos.create({ model: MODEL, prompt: "a fox", seconds: "8", size: "1280x720" });
  const seen: Wire[] = [];
  await until(async () => {
    seen.push((await sdk.videos.retrieve(id)) as Wire);
    return seen.at(-1)!.status === "completed";
  });
  for (const video of seen) {
    expect(video).toMatchObject({ id, object: "video", seconds: "8", size: "1280x720", error: null, remixed_from_video_id: null });
    expect(["queued", "in_progress", "completed"]).toContain(video.status);
    expect(Number.isInteger(video.progress)).toBe(true);
    expect("url" in video).toBe(video.status === "completed");
  }
  const progress = seen.map((video) => video.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress.at(-1)).toBe(100);
  expect(new Set(seen.map(({ status }) => status)).size).toBeGreaterThan(1);
  const last = seen.at(-1)!;
  expect(last.completed_at).toBeGreaterThanOrEqual(last.created_at);
  expect((await fetch(last.url!)).headers.get("content-type")).toBe("video/mp4");
});

test("24: pages of one hold every video; another key has none of them; a deleted one is gone with its bytes", async () => {
  await using own = await startRig({ simulator: { videoMs: 0, fileMs: 0 } });
  const sdk = clientOf(own);
  const ids = [];
  for (const prompt of ["one", "two", "three"]) ids.push((await sdk.videos.create({ model: MODEL, prompt })).id);
  expect((await Array.fromAsync(sdk.videos.list({ limit: 1 }))).map(({ id }) => id)).toEqual(ids.toReversed());
  expect((await Array.fromAsync(sdk.videos.list({ limit: 1, order: "asc" }))).map(({ id }) => id)).toEqual(ids);
  const stranger = clientOf(own, await addKey(own));
  expect(await Array.fromAsync(stranger.videos.list())).toEqual([]);
  const [id] = ids as [string];
  const { url } = await settled(sdk, id);
  for (const act of [
    stranger.videos.retrieve(id),
    stranger.videos.delete(id),
    stranger.videos.downloadContent(id),
    stranger.videos.remix(id, { prompt: "x" }),
  ])
    expect(await act.catch((error: unknown) => error)).toBeInstanceOf(NotFoundError);
  expect(await sdk.videos.delete(id)).toEqual({ id, object: "video.deleted", deleted: true });
  for (const act of [sdk.videos.retrieve(id), sdk.videos.downloadContent(id)])
    expect(await act.catch((error: unknown) => error)).toBeInstanceOf(NotFoundError);
  expect((await fetch(url!)).status).toBe(404);
});

test.each([
  ["text", "moderation_blocked", "I cannot"],
  ["fail", expect.any(String), ""],
])("25: %s ends as failed with its reason; the token stays as it was", async (fault, code, said) => {
  await using own = await startRig({ simulator: { faults: `gemini.interaction=${fault}`, videoMs: 0 } });
  const sdk = clientOf(own);
  const { id } = await sdk.videos.create({ model: MODEL, prompt: "a fox" });
  const video = await settled(sdk, id);
  expect(video).toMatchObject({ status: "failed", error: { code, message: expect.stringContaining(said) } });
  expect("url" in video).toBe(false);
  expect(own.context.pool.snapshot()[0]!.health.state).toBe("healthy");
  expect(await sdk.videos.downloadContent(id).catch((error: unknown) => error)).toBeInstanceOf(NotFoundError);
});

test("26: a restart in the middle of a job loses nothing and submits nothing again", async () => {
  using folder = temporaryFolder();
  const first = await startRig({ folder: folder.path, simulator: { videoMs: 1500 }, settings: { "server.drain_timeout": 0 } });
  const { id } = await clientOf(first).videos.create({ model: MODEL, prompt: "a fox" });
  await until(async () => (await first.context.jobs!.get(id, null))?.state === "running");
  const { simulator } = first;
  const { geminiBaseUrl } = simulator;
  // The upstream outlives the gateway.
  await first.stopGateway();
  await using second = await startRig({ folder: folder.path, tokens: [], settings: { "gemini.base_url": geminiBaseUrl } });
  expect((await settled(clientOf(second), id)).status).toBe("completed");
  expect(simulator.counts().operations["gemini.interaction"]).toMatchObject({ requests: 1, accepted: 1 });
  await simulator.stop();
});

test("27: a remix goes to the same token, with the handle of what it starts from", async () => {
  const { id } = await client.videos.create({ model: MODEL, prompt: "remix me" });
  await settled(client, id);
  const remixed = await client.videos.remix(id, { prompt: "the remix" });
  expect(remixed.remixed_from_video_id).toBe(id);
  expect((await settled(client, remixed.id)).status).toBe("completed");
  const [source, remix] = [submissionOf("remix me"), submissionOf("the remix")];
  expect(remix.secret).toBe(source.secret);
  expect(remix.body).toMatchObject({ previous_interaction_id: expect.stringMatching(/^v1_/) });
});

test("28: the content of a video that is being made is a conflict that clients do not repeat", async () => {
  await using own = await startRig({ simulator: { videoMs: 60_000 }, settings: { "server.drain_timeout": 0 } });
  let asked = 0;
  const counting = ((...args: Parameters<typeof fetch>) => {
    asked++;
    return fetch(...args);
  }) as typeof fetch;
  const sdk = new OpenAI({ apiKey: own.key, baseURL: `${own.url}/v1`, maxRetries: 2, fetch: counting });
  const { id } = await sdk.videos.create({ model: MODEL, prompt: "a fox" });
  asked = 0;
  const error = await sdk.videos.downloadContent(id).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(ConflictError);
  expect([(error as ConflictError).code, (error as ConflictError).headers?.get("x-should-retry"), asked]).toEqual([
    "video_not_ready",
    "false",
    1,
  ]);
});

test("by Flow as well: the same object from its oldest id", async () => {
  await using own = await startRig({ tokens: [FLOW], simulator: { videoMs: 0 } });
  const sdk = clientOf(own);
  const { id } = await sdk.videos.create({ model: "veo_3_1_t2v_fast_landscape", prompt: "a fox" });
  expect(await settled(sdk, id)).toMatchObject({ status: "completed", progress: 100, error: null, aspect_ratio: "16:9" });
});
