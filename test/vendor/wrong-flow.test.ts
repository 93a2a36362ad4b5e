// Requests that Flow refuses with "Request contains an invalid argument", refused by the simulator, too. Source: public third-party clients.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";

let simulator: Simulator;
let accessToken = "";
let projectId = "";
const COOKIE = { cookie: "__Secure-next-auth.session-token=flow-session-ultra-strict" };

beforeAll(async () => {
  simulator = await startSimulator({ latencyMs: 0, videoMs: 0 });
  const session = await fetch(`${simulator.flowLabsBaseUrl}/auth/session`, { headers: COOKIE });
  accessToken = ((await session.json()) as { access_token: string }).access_token;
  const project = await fetch(`${simulator.flowLabsBaseUrl}/trpc/project.createProject`, {
    method: "POST",
    headers: { ...COOKIE, "content-type": "application/json" },
    body: JSON.stringify({ json: { projectTitle: "strict", toolName: "PINHOLE" } }),
  });
  const made = (await project.json()) as { result: { data: { json: { result: { projectId: string } } } } };
  projectId = made.result.data.json.result.projectId;
});
afterAll(() => simulator.stop());

type Fields = Record<string, unknown>;
const context = (change: Fields = {}) => ({ sessionId: ";1764000000000", projectId, tool: "PINHOLE", ...change });
const prompt = { parts: [{ text: "a fox" }] };

const imageBody = (request: Fields = {}, clientContext: Fields = {}) => ({
  clientContext: context(clientContext),
  mediaGenerationContext: { batchId: crypto.randomUUID() },
  useNewMedia: true,
  requests: [
    {
      clientContext: context(clientContext),
      seed: 7,
      imageModelName: "NARWHAL",
      imageAspectRatio: "IMAGE_ASPECT_RATIO_SQUARE",
      structuredPrompt: prompt,
      imageInputs: [],
      ...request,
    },
  ],
});
const videoBody = (request: Fields = {}, clientContext: Fields = {}) => ({
  mediaGenerationContext: { batchId: crypto.randomUUID(), audioFailurePreference: "BLOCK_SILENCED_VIDEOS" },
  clientContext: context({ userPaygateTier: "PAYGATE_TIER_TWO", ...clientContext }),
  requests: [
    {
      aspectRatio: "VIDEO_ASPECT_RATIO_LANDSCAPE",
      seed: 7,
      textInput: { structuredPrompt: prompt },
      videoModelKey: "veo_3_1_t2v_fast",
      metadata: {},
      ...request,
    },
  ],
  useV2ModelConfig: true,
});

async function statusOf(path: string, body: unknown): Promise<[number, string | undefined]> {
  const response = await fetch(`${simulator.flowApiBaseUrl}/${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const { error } = (await response.json()) as { error?: { status: string } };
  return [response.status, error?.status];
}
const image = (body: unknown, id = projectId) => statusOf(`projects/${id}/flowMedia:batchGenerateImages`, body);
const video = (body: unknown, mode = "Text") => statusOf(`video:batchAsyncGenerateVideo${mode}`, body);

test("what the adapter's form says is taken", async () => {
  expect(await image(imageBody())).toEqual([200, undefined]);
  expect(await video(videoBody())).toEqual([200, undefined]);
});

test.each<[name: string, send: () => Promise<[number, string | undefined]>]>([
  ["no requests", () => image({ ...imageBody(), requests: [] })],
  ["five requests", () => image({ ...imageBody(), requests: Array.from({ length: 5 }, () => imageBody().requests[0]) })],
  ["an unknown image model", () => image(imageBody({ imageModelName: "IMAGEN_9" }))],
  ["a ratio in numbers", () => image(imageBody({ imageAspectRatio: "16:9" }))],
  ["a seed of zero", () => image(imageBody({ seed: 0 }))],
  ["a seed beyond six digits", () => image(imageBody({ seed: 1_000_000 }))],
  ["a seed in words", () => image(imageBody({ seed: "x" }))],
  ["no prompt", () => image(imageBody({ structuredPrompt: { parts: [] } }))],
  ["a session id without its semicolon", () => image(imageBody({}, { sessionId: "1764000000000" }))],
  ["an unknown tool", () => image(imageBody({}, { tool: "PAINT" }))],
  ["an input of an unknown kind", () => image(imageBody({ imageInputs: [{ name: "x", imageInputType: "IMAGE_INPUT_TYPE_MASK" }] }))],
  ["an unknown video model", () => video(videoBody({ videoModelKey: "sora_2" }))],
  ["a model of another mode", () => video(videoBody({ videoModelKey: "veo_3_1_i2v_s_fast_fl" }))],
  ["a square video", () => video(videoBody({ aspectRatio: "VIDEO_ASPECT_RATIO_SQUARE" }))],
  ["a video seed beyond five digits", () => video(videoBody({ seed: 100_000 }))],
  ["a video without a prompt", () => video(videoBody({ textInput: {} }))],
  ["a first frame that is missing", () => video(videoBody({ videoModelKey: "veo_3_1_i2v_s_fast" }), "StartImage")],
])("%s is refused", async (_, send) => {
  expect(await send()).toEqual([400, "INVALID_ARGUMENT"]);
});

test("an input of nobody is not found", async () => {
  expect((await image(imageBody({ imageInputs: [{ name: crypto.randomUUID(), imageInputType: "IMAGE_INPUT_TYPE_REFERENCE" }] })))[0]).toBe(
    404,
  );
});
