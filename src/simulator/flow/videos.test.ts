// Tests of Flow's video endpoints over HTTP: submit, status in both forms, media, upscale, concatenation.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 9 });
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ videoMs: 5, flowVideoReply: "workflows" });
});

// biome-ignore lint/suspicious/noExplicitAny: replies are asserted field by field
type Json = any;
const SESSION = ";1764000000000";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const cookie = (secret: string) => ({ cookie: `__Secure-next-auth.session-token=${secret}` });

async function accessOf(secret: string): Promise<string> {
  return ((await (await fetch(`${simulator.flowLabsBaseUrl}/auth/session`, { headers: cookie(secret) })).json()) as Json).access_token;
}

async function api(path: string, access: string, body?: unknown): Promise<{ status: number; json: Json }> {
  const headers = { authorization: `Bearer ${access}`, "content-type": "text/plain;charset=UTF-8" };
  const response = await fetch(
    `${simulator.flowApiBaseUrl}${path}`,
    body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) },
  );
  return { status: response.status, json: await response.json() };
}

const request = (more: object = {}) => ({
  aspectRatio: "VIDEO_ASPECT_RATIO_LANDSCAPE",
  seed: 11,
  textInput: { structuredPrompt: { parts: [{ text: "a train" }] } },
  videoModelKey: "veo_3_1_t2v_fast",
  metadata: {},
  ...more,
});
const submit = (access: string, mode: string, ...requests: object[]) =>
  api(`/video:batchAsyncGenerateVideo${mode}`, access, {
    mediaGenerationContext: { batchId: "b", audioFailurePreference: "BLOCK_SILENCED_VIDEOS" },
    clientContext: { sessionId: SESSION, projectId: "p1", tool: "PINHOLE", userPaygateTier: "PAYGATE_TIER_ONE" },
    requests,
    useV2ModelConfig: true,
  });
const status = async (access: string, name: string): Promise<Json> =>
  (await api("/video:batchCheckAsyncVideoGenerationStatus", access, { media: [{ name, projectId: "p1" }] })).json.media[0];
const wordOf = (media: Json): string => media.mediaMetadata.mediaStatus.mediaGenerationStatus;

async function finished(access: string, name: string): Promise<Json> {
  for (;;) {
    const media = await status(access, name);
    if (!/_(PENDING|ACTIVE)$/.test(wordOf(media))) return media;
    await Bun.sleep(2);
  }
}

async function video(access: string, more: object = {}): Promise<string> {
  const { name } = (await submit(access, "Text", request(more))).json.media[0];
  await finished(access, name);
  return name;
}

async function upload(access: string): Promise<string> {
  const body = { clientContext: { sessionId: SESSION, tool: "PINHOLE" }, fileName: "a", imageBytes: PNG, mimeType: "image/png" };
  return (await api("/flow/uploadImage", access, body)).json.media.name;
}

describe("a submitted video", () => {
  test("is pending, then successful without a link; bytes and redirect follow", async () => {
    simulator.setOptions({ videoMs: 20 });
    const access = await accessOf("pro-1");
    const { json } = await submit(access, "Text", request());
    expect(json).toMatchObject({
      remainingCredits: 980,
      workflows: [{ projectId: "p1", metadata: { primaryMediaId: json.media[0].name } }],
    });
    expect(wordOf(json.media[0])).toBe("MEDIA_GENERATION_STATUS_PENDING");
    const { name } = json.media[0];
    expect((await api(`/media/${name}`, access)).status).toBe(404);
    const done = await finished(access, name);
    expect(wordOf(done)).toBe("MEDIA_GENERATION_STATUS_SUCCESSFUL");
    expect(JSON.stringify(done)).not.toContain("http");
    const { encodedVideo } = (await api(`/media/${name}`, access)).json.video;
    const redirect = await fetch(
      `${simulator.flowLabsBaseUrl}/trpc/media.getMediaUrlRedirect?name=${name}&mediaUrlType=MEDIA_URL_TYPE_FULL_MEDIA`,
      {
        headers: cookie("pro-1"),
        redirect: "manual",
      },
    );
    expect(redirect.status).toBe(307);
    const link = redirect.headers.get("location")!;
    expect(new URL(link).pathname).toEndWith(`/video/${name}`);
    const response = await fetch(link);
    expect(response.headers.get("content-type")).toBe("video/mp4");
    expect(Buffer.from(await response.arrayBuffer()).toString("base64")).toBe(encodedVideo);
  });

  test("has a thumbnail of its shape", async () => {
    const name = await video(await accessOf("pro-1"), { aspectRatio: "VIDEO_ASPECT_RATIO_PORTRAIT" });
    const url = `${simulator.flowLabsBaseUrl}/trpc/media.getMediaUrlRedirect?name=${name}&mediaUrlType=MEDIA_URL_TYPE_THUMBNAIL`;
    const response = await fetch(url, { headers: cookie("pro-1") });
    expect(await new Bun.Image(await response.arrayBuffer()).metadata()).toMatchObject({ width: 180, height: 320, format: "jpeg" });
  });

  test("answers in the old form when asked to, with the link in the operation", async () => {
    simulator.setOptions({ flowVideoReply: "operations" });
    const access = await accessOf("pro-1");
    const old = { ...request(), textInput: { prompt: "a train" }, metadata: { sceneId: "scene" } };
    const { json } = await submit(access, "Text", old);
    const [submitted] = json.operations;
    expect({ ...submitted, operation: null }).toEqual({ operation: null, sceneId: "scene", status: "MEDIA_GENERATION_STATUS_PENDING" });
    for (;;) {
      const [operation] = (await api("/video:batchCheckAsyncVideoGenerationStatus", access, { operations: json.operations })).json
        .operations;
      if (operation.status === "MEDIA_GENERATION_STATUS_SUCCESSFUL") {
        expect((await fetch(operation.operation.metadata.video.fifeUrl)).status).toBe(200);
        break;
      }
      await Bun.sleep(2);
    }
  });

  test("starts from frames, references and earlier videos", async () => {
    const access = await accessOf("ultra-1");
    const [first, last, source] = [await upload(access), await upload(access), await video(access)];
    const reference = (mediaId: string) => ({ mediaId, imageUsageType: "IMAGE_USAGE_TYPE_ASSET" });
    const accepted: [string, object][] = [
      ["StartImage", { videoModelKey: "veo_3_1_i2v_s_fast", startImage: { mediaId: first } }],
      ["StartAndEndImage", { videoModelKey: "veo_3_1_i2v_s_fast_fl", startImage: { mediaId: first }, endImage: { mediaId: last } }],
      ["StartAndEndImage", { videoModelKey: "veo_3_1_i2v_s_fast_fl", startImage: { mediaId: first } }],
      ["ReferenceImages", { videoModelKey: "abra_r2v_8s", referenceImages: [reference(first), reference(last)] }],
      ["ExtendVideo", { videoModelKey: "veo_3_1_extend_landscape", videoInput: { mediaId: source }, metadata: { workflowId: "w" } }],
      [
        "UpsampleVideo",
        { videoModelKey: "veo_3_1_upsampler_4k", videoInput: { mediaId: source }, resolution: "VIDEO_RESOLUTION_4K", textInput: undefined },
      ],
    ];
    for (const [mode, more] of accepted) expect(await submit(access, mode, request(more))).toMatchObject({ status: 200 });
    expect(simulator.counts().operations["flow.video"]).toEqual({ requests: 7, accepted: 7, charged: 7 });
  });

  test.each([
    ["a model key of another mode", "Text", { videoModelKey: "veo_3_1_i2v_s_fast" }, 400],
    ["an unknown model key", "Text", { videoModelKey: "sora_2" }, 400],
    ["an image aspect", "Text", { aspectRatio: "IMAGE_ASPECT_RATIO_LANDSCAPE" }, 400],
    ["a portrait key for a landscape", "Text", { videoModelKey: "veo_3_1_t2v_fast_portrait" }, 400],
    ["a seed beyond the range", "Text", { seed: 100_000 }, 400],
    ["no prompt", "Text", { textInput: {} }, 400],
    ["a key of the highest plan", "Text", { videoModelKey: "veo_3_1_t2v_fast_ultra" }, 403],
    ["no first frame", "StartImage", { videoModelKey: "veo_3_1_i2v_s_fast" }, 400],
    ["an unknown first frame", "StartImage", { videoModelKey: "veo_3_1_i2v_s_fast", startImage: { mediaId: "nothing" } }, 404],
    ["no references", "ReferenceImages", { videoModelKey: "abra_r2v_8s", referenceImages: [] }, 400],
    [
      "an extension without workflow",
      "ExtendVideo",
      { videoModelKey: "veo_3_1_extend_landscape", videoInput: { mediaId: "nothing" } },
      400,
    ],
    [
      "an unknown resolution",
      "UpsampleVideo",
      { videoModelKey: "veo_3_1_upsampler_4k", videoInput: { mediaId: "x" }, resolution: "8K" },
      400,
    ],
  ] as const)("%s is refused and costs nothing", async (_, mode, more, expected) => {
    const result = await submit(await accessOf("pro-1"), mode, request(more));
    expect(result.status).toBe(expected);
    expect(simulator.counts().total.accepted).toBe(0);
  });

  test("costs credits until there are none", async () => {
    const access = await accessOf("free");
    const quality = request({ videoModelKey: "veo_3_1_t2v" });
    expect((await submit(access, "Text", quality)).json.remainingCredits).toBe(0);
    expect(await submit(access, "Text", quality)).toMatchObject({
      status: 429,
      json: { error: { details: [{ reason: "PUBLIC_ERROR_USER_QUOTA_REACHED" }] } },
    });
  });
});

test("an hour passes at once when it is asked for: for the video, and for the access that was given", async () => {
  simulator.setOptions({ videoMs: 1_800_000 });
  const access = await accessOf("pro-one");
  const { name } = (await submit(access, "Text", request())).json.media[0];
  const word = async (by: string) => (await status(by, name)).mediaMetadata.mediaStatus.mediaGenerationStatus;
  expect(await word(access)).toBe("MEDIA_GENERATION_STATUS_PENDING");
  simulator.advance(900_000);
  expect(await word(access)).toBe("MEDIA_GENERATION_STATUS_ACTIVE");
  simulator.advance(900_000);
  expect(await word(access)).toBe("MEDIA_GENERATION_STATUS_SUCCESSFUL");
  simulator.advance(3_600_000);
  expect((await api("/credits", access)).status).toBe(401);
  expect(await word(await accessOf("pro-one"))).toBe("MEDIA_GENERATION_STATUS_SUCCESSFUL");
});

describe("video faults", () => {
  test.each([
    ["fail", "MEDIA_GENERATION_STATUS_FAILED", "Internal error encountered."],
    ["job-unsafe", "MEDIA_GENERATION_STATUS_FAILED", "PUBLIC_ERROR_UNSAFE_GENERATION"],
    ["job-audio", "MEDIA_GENERATION_STATUS_FAILED", "PUBLIC_ERROR_AUDIO_FILTERED"],
    ["job-timeout", "MEDIA_GENERATION_STATUS_FAILED", "PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT"],
    ["job-error", "MEDIA_GENERATION_STATUS_ERROR_UNKNOWN", "Internal error encountered."],
  ])("%s ends as %s and is free", async (fault, word, message) => {
    const access = await accessOf("pro-1");
    simulator.setFaults(`flow.video=${fault}`);
    const { json } = await submit(access, "Text", request());
    const done = await finished(access, json.media[0].name);
    expect(wordOf(done)).toBe(word);
    expect(done.mediaMetadata.mediaStatus.error.message).toBe(message);
    expect(json.remainingCredits).toBe(1000);
    expect(simulator.counts().total).toMatchObject({ accepted: 1, charged: 0 });
  });

  test("stuck never ends, strange-status says what nobody knows", async () => {
    const access = await accessOf("pro-1");
    simulator.setFaults("flow.video=stuck,flow.video-status=strange-status:1");
    const { name } = (await submit(access, "Text", request())).json.media[0];
    expect(wordOf(await status(access, name))).toBe("MEDIA_GENERATION_STATUS_PONDERING");
    await Bun.sleep(15);
    expect(wordOf(await status(access, name))).toMatch(/_(PENDING|ACTIVE)$/);
  });

  test("lost: the job exists and is charged, its handle is not known", async () => {
    const access = await accessOf("pro-1");
    simulator.setFaults("flow.video=lost:once");
    await submit(access, "Text", request()).catch(() => null);
    expect(simulator.counts().secrets["pro-1"]).toMatchObject({ accepted: 1, charged: 1 });
    expect((await api("/credits", access)).json.credits).toBe(980);
  });
});

describe("concatenation", () => {
  const input = (mediaGenerationId: string) => ({ mediaGenerationId, lengthNanos: 8000, startTimeOffset: "0s", endTimeOffset: "8s" });

  test("joins two videos behind a link", async () => {
    const access = await accessOf("pro-1");
    const sources = [await video(access), await video(access)];
    const started = await api(":runVideoFxConcatenation", access, { inputVideos: sources.map(input) });
    const { operation } = started.json;
    for (;;) {
      const { json } = await api(":runVideoFxCheckConcatenationStatus", access, { operation });
      if (json.status === "MEDIA_GENERATION_STATUS_SUCCESSFUL") {
        const bytes = await (await fetch(json.outputUri)).arrayBuffer();
        expect(Buffer.from(bytes).toString("base64")).toBe(json.encodedVideo);
        break;
      }
      await Bun.sleep(2);
    }
    expect(simulator.counts().operations["flow.concat"]).toEqual({ requests: 1, accepted: 1, charged: 1 });
  });

  test("needs two finished videos of the account", async () => {
    const access = await accessOf("pro-1");
    const mine = await video(access);
    const theirs = await video(await accessOf("pro-2"));
    expect((await api(":runVideoFxConcatenation", access, { inputVideos: [input(mine)] })).status).toBe(400);
    expect((await api(":runVideoFxConcatenation", access, { inputVideos: [input(mine), input(theirs)] })).status).toBe(404);
  });
});
