// Chat with a video model, end to end: progress, the link in each of its forms, and a job that outlives the client.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { addKey, until } from "../keys.ts";
import { framesOf, GEMINI, hurriedClock, type Rig, type RigOptions, startRig } from "../rig.ts";

const MODEL = "gemini-omni-1.2-flash";
const PICTURE = { type: "image_url", image_url: { url: `data:image/png;base64,${PIXEL_PNG.toBase64()}` } };
const LINK = /^\[▶ video \(mp4\)\]\((http:\/\/[^)?&]+\.mp4)\)$/;

type Chunk = {
  choices: { delta: { role?: string; content?: string; reasoning_content?: string }; finish_reason: string | null }[];
  usage?: unknown;
  error?: { code: string; message: string };
};
type Completion = { model: string; choices: { message: { content: string }; finish_reason: string }[]; error?: { code: string } };

const startHurried = (options: RigOptions = {}) => startRig({ tokens: [GEMINI], clock: hurriedClock(), ...options });

let rig: Rig;
beforeAll(async () => {
  rig = await startHurried();
});
afterAll(() => rig[Symbol.asyncDispose]());

const ask = (body: object = {}, headers: Record<string, string> = {}, on = rig) => on.chat({ model: MODEL, ...body }, { headers });
const completionOf = async (response: Response) => (await response.json()) as Completion;
const contentOf = async (response: Response) => (await completionOf(response)).choices[0]!.message.content;
const chunksOf = (text: string) =>
  framesOf(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as Chunk);
const accepted = (on = rig) => on.simulator.counts().total.accepted;
const tasks = (on = rig) =>
  on.simulator
    .calls()
    .filter(({ operation }) => operation === "gemini.interaction")
    .map(({ body }) => (body as { generation_config: { video_config: { task: string } } }).generation_config.video_config.task);

test("15: a stream reports the progress as reasoning and ends with a link that can be played from any place", async () => {
  const response = await ask({ stream: true, stream_options: { include_usage: true } });
  expect(response.headers.get("x-flow2api-job")).toMatch(/^video_/);
  const text = await response.text();
  const chunks = chunksOf(text);
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  expect(deltas[0]).toEqual({ role: "assistant", content: "" });
  const reasoning = deltas.flatMap(({ reasoning_content }) => reasoning_content ?? []);
  expect([reasoning[0], reasoning.join("")]).toEqual([
    expect.stringContaining(`/v1/videos/${response.headers.get("x-flow2api-job")}`),
    expect.stringMatching(/Making the video: \d+ %/),
  ]);
  const contents = deltas.flatMap(({ content }) => content || []);
  const [, url] = LINK.exec(contents.join("")) ?? [];
  expect(contents.length).toBe(1);
  const part = await fetch(url!, { headers: { range: "bytes=0-99" } });
  expect([part.status, part.headers.get("content-type")]).toEqual([206, "video/mp4"]);
  expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  expect([chunks.at(-1)?.choices.length, typeof chunks.at(-1)?.usage, framesOf(text).at(-1)]).toEqual([0, "object", "[DONE]"]);
});

test("a stream that waits for a token reports its queue position, and so do the other readers of the job", async () => {
  await using own = await startRig({ tokens: [{ ...GEMINI, videoConcurrency: 1 }], simulator: { videoMs: 60_000 } });
  const post = async () => (await (await own.call("/v1/videos", { json: { prompt: "a fox", model: MODEL } })).json()) as { id: string };
  const look = async (id: string) => (await (await own.call(`/v1/videos/${id}`)).json()) as Record<string, unknown>;
  const first = await post();
  await until(async () => (await look(first.id)).status === "in_progress");
  const left = new AbortController();
  const response = await own.chat({ model: MODEL, stream: true }, { signal: left.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("Waiting in the queue: position 1"); ) text += (await reader.read()).value;
  left.abort();
  const id = response.headers.get("x-flow2api-job")!;
  expect(await look(id)).toMatchObject({ status: "queued", queue_position: 1 });
  const operation = await fetch(`${own.url}/v1beta/operations/${id.replace("video_", "")}`, { headers: { "x-goog-api-key": own.key } });
  expect(await operation.json()).toMatchObject({ metadata: { progressPercent: 0, queuePosition: 1 } });
  expect(await look(first.id)).not.toHaveProperty("queue_position");
});

test("without streaming the response is the link", async () => expect(await contentOf(await ask())).toMatch(LINK));

test.each([
  ["html_block", /^<video src="(http\S+\.mp4)" controls>\n\1\n<\/video>$/],
  ["html_fence", /^```html\n<video src="http\S+\.mp4" controls><\/video>\n```$/],
  ["whatever", LINK],
])("15: x-video-output %s has its form", async (form, expected) =>
  expect(await contentOf(await ask({}, { "x-video-output": form }))).toMatch(expected),
);

test("the request gives the form, else its key, else the setting", async () => {
  await using own = await startHurried({ settings: { "chat.video_form": "html_block" } });
  const key = { authorization: `Bearer ${await addKey(own, { videoForm: "html_fence" })}` };
  expect(await contentOf(await ask({}, {}, own))).toStartWith("<video ");
  expect(await contentOf(await ask({}, key, own))).toStartWith("```html");
  expect(await contentOf(await ask({}, { ...key, "x-video-output": "link" }, own))).toMatch(LINK);
});

test("a client that goes away leaves the job, which its id and its Idempotency-Key lead back to", async () => {
  const left = new AbortController();
  const headers = { "idempotency-key": "a fox, once" };
  const response = await rig.chat({ model: MODEL, stream: true }, { headers, signal: left.signal });
  const id = response.headers.get("x-flow2api-job")!;
  left.abort();
  const again = await ask({ stream: true }, headers);
  expect(again.headers.get("x-flow2api-job")).toBe(id);
  expect(chunksOf(await again.text()).some(({ choices }) => LINK.test(choices[0]?.delta.content ?? ""))).toBe(true);
  expect(((await (await rig.call(`/v1/videos/${id}`)).json()) as { status: string }).status).toBe("completed");
});

test("images of the conversation are what the video begins with", async () => {
  const ask2 = (...messages: object[]) => ask({ messages });
  const user = (...content: object[]) => ({ role: "user", content });
  const said = { type: "text", text: "let it move" };
  await ask2(user(said, PICTURE));
  await ask2(user({ type: "text", text: "a fox" }, PICTURE), { role: "assistant", content: "Nice." }, user(said));
  await ask2(user(said, PICTURE, PICTURE, PICTURE));
  expect(tasks().slice(-3)).toEqual(["image_to_video", "image_to_video", "reference_to_video"]);
});

test("a video in the last message is changed, on the token that made it", async () => {
  const [, url] = LINK.exec(await contentOf(await ask()))!;
  const content = [
    { type: "text", text: "make it night" },
    { type: "video_url", video_url: { url } },
  ];
  expect(await contentOf(await ask({ messages: [{ role: "user", content }] }))).toMatch(LINK);
  const { body } = rig.simulator.calls().findLast(({ operation }) => operation === "gemini.interaction")!;
  expect([tasks().at(-1), "previous_interaction_id" in (body as object)]).toEqual(["edit", true]);
});

test("titles and greetings get words, and no video", async () => {
  const before = accepted();
  expect(await contentOf(await ask({ messages: [{ role: "user", content: "hi" }] }))).toContain("Hello");
  expect(accepted()).toBe(before);
});

test("several videos at once are refused before anything is made", async () => {
  const before = accepted();
  const response = await ask({ n: 2 });
  expect([response.status, accepted() - before]).toEqual([400, 0]);
});

describe("failures", () => {
  test("13: a refusal is content_filter with the model's words, or an error by setting", async () => {
    const faults = "gemini.interaction=text";
    await using own = await startHurried({ simulator: { faults } });
    const [choice] = (await completionOf(await ask({}, {}, own))).choices;
    expect([choice!.finish_reason, choice!.message.content]).toEqual(["content_filter", expect.stringContaining("cannot make that video")]);
    await using strict = await startHurried({ simulator: { faults }, settings: { "generation.refusal": "error" } });
    const response = await ask({}, {}, strict);
    expect([response.status, (await completionOf(response)).error?.code]).toEqual([400, "moderation_blocked"]);
  });

  test("4: a lost response is reported as an error that is not retried, and in a stream within it", async () => {
    await using own = await startHurried({ simulator: { faults: "gemini.interaction=lost" } });
    const response = await ask({}, {}, own);
    expect([response.status, response.headers.get("x-should-retry"), accepted(own)]).toEqual([502, "false", 1]);
    const chunks = chunksOf(await (await ask({ stream: true }, {}, own)).text());
    expect(chunks.at(-1)?.error).toMatchObject({ code: "upstream_error", message: expect.stringContaining("operator") });
  });

  test("a video that is deleted while a client waits for it ends the stream with an error", async () => {
    await using own = await startRig({ simulator: { videoMs: 60_000 } });
    const response = await ask({ stream: true }, {}, own);
    const id = response.headers.get("x-flow2api-job")!;
    const text = response.text();
    await own.call(`/v1/videos/${id}`, { method: "DELETE" });
    expect(chunksOf(await text).at(-1)?.error?.code).toMatch(/^(cancelled|job_deleted)$/);
  });
});
