// Videos with the official OpenAI SDK and OpenRouter's provider against the executable. Numbers are those of the acceptance checks.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { experimental_generateVideo as generateVideo } from "ai";
import OpenAI, { ConflictError, NotFoundError, toFile } from "openai";
import type { Video } from "openai/resources/videos";
import { PIXEL_PNG } from "../../src/gateway/media/media.fixtures.ts";
import { type Program, startProgram } from "../executable.ts";

const MODEL = "gemini-omni-1.2-flash";
const VIDEO = { model: MODEL, prompt: "a red fox", seconds: "4", size: "1280x720" } as const;
const SLOW = 30_000;

let program: Program;
let client: OpenAI;
let done: Video;

beforeAll(async () => {
  program = await startProgram();
  client = new OpenAI({ baseURL: `${program.url}/v1`, apiKey: program.key });
  done = await finished(await client.videos.create(VIDEO));
}, SLOW);
afterAll(() => program[Symbol.asyncDispose]());

/** As `create_and_poll` of the Python SDK does, only sooner. */
async function finished(video: Video): Promise<Video> {
  let last = video;
  while (last.status === "queued" || last.status === "in_progress") {
    await Bun.sleep(20);
    last = await client.videos.retrieve(video.id);
  }
  return last;
}

const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error) => error as InstanceType<typeof OpenAI.APIError>,
  );
const picture = () => toFile(PIXEL_PNG, "a.png", { type: "image/png" });
const isMp4 = (bytes: Uint8Array) => Buffer.from(bytes.subarray(4, 8)).toString() === "ftyp";

describe("openai", () => {
  test("22: a video is made, polled as often as the header says, and downloaded", async () => {
    expect(done).toMatchObject({ status: "completed", progress: 100, seconds: "4", size: "1280x720", error: null });
    const { response } = await client.videos.retrieve(done.id).withResponse();
    expect(response.headers.get("openai-poll-after-ms")).toBe("3000");
    const content = await client.videos.downloadContent(done.id);
    expect([content.headers.get("content-type"), isMp4(await content.bytes())]).toEqual(["video/mp4", true]);
  });

  test(
    "22: input_reference works as a file and as image_url",
    async () => {
      const image_url = `data:image/png;base64,${PIXEL_PNG.toBase64()}`;
      const made = await Promise.all([
        client.videos.create({ ...VIDEO, input_reference: await picture() }),
        client.videos.create({ ...VIDEO, input_reference: { image_url } }),
      ]);
      const ends = await Promise.all(made.map(finished));
      expect(ends.map(({ status }) => status)).toEqual(["completed", "completed"]);
      const still = await client.videos.downloadContent(ends[0]!.id, { variant: "thumbnail" });
      expect(still.headers.get("content-type")).toBe("image/png");
    },
    SLOW,
  );

  test("23: the object has what the SDK's type promises", () =>
    expect(Object.keys(done)).toEqual(
      expect.arrayContaining(["id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at", "error"]),
    ));

  test(
    "24: pages of one show every video, and a deleted one is gone with its content",
    async () => {
      const video = await finished(await client.videos.create(VIDEO));
      const list = async () => {
        const ids: string[] = [];
        for await (const { id } of client.videos.list({ limit: 1 })) ids.push(id);
        return ids;
      };
      const before = await list();
      expect(new Set(before).size).toBe(before.length);
      expect(before).toEqual(expect.arrayContaining([video.id, done.id]));
      expect(await client.videos.delete(video.id)).toMatchObject({ id: video.id, object: "video.deleted", deleted: true });
      expect(await failureOf(client.videos.downloadContent(video.id))).toBeInstanceOf(NotFoundError);
      expect(await list()).toEqual(before.filter((id) => id !== video.id));
    },
    SLOW,
  );

  test(
    "27: remix, edit and extend go on from a video of ours, edit from an uploaded one too",
    async () => {
      const clip = await toFile(await client.videos.downloadContent(done.id), "a.mp4");
      const made = await Promise.all([
        client.videos.remix(done.id, { prompt: "make it blue" }),
        client.videos.edit({ prompt: "make it night", video: { id: done.id } }),
        client.videos.edit({ prompt: "make it night", video: clip }),
        client.videos.extend({ prompt: "it runs away", seconds: "4", video: { id: done.id } }),
      ]);
      const ends = await Promise.all(made.map(finished));
      expect(ends.map(({ status }) => status)).toEqual(["completed", "completed", "completed", "completed"]);
      expect(ends[0]!.remixed_from_video_id).toBe(done.id);
    },
    SLOW,
  );

  test("28: content before completion is a ConflictError after one request", async () => {
    program.simulator.setOptions({ videoMs: 60_000 });
    const { id } = await client.videos.create(VIDEO);
    let requests = 0;
    const counting = client.withOptions({
      fetch: (...args: Parameters<typeof fetch>) => {
        requests++;
        return fetch(...args);
      },
    });
    const error = await failureOf(counting.videos.downloadContent(id));
    program.simulator.setOptions({ videoMs: 200 });
    expect([error instanceof ConflictError, error?.code, requests]).toEqual([true, "video_not_ready", 1]);
    await client.videos.delete(id);
  });

  test(
    "15: a video model in chat streams its progress and ends with a link",
    async () => {
      const messages = [{ role: "user" as const, content: "a red fox" }];
      const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
      let [content, reasoning] = ["", ""];
      for await (const { choices } of stream) {
        const delta = choices[0]?.delta as { content?: string; reasoning_content?: string };
        content += delta.content ?? "";
        reasoning += delta.reasoning_content ?? "";
      }
      const [, url] = /^\[▶ video \(mp4\)\]\((http[^?&)]+\.mp4)\)$/.exec(content) ?? [];
      expect([(await fetch(url!, { headers: { range: "bytes=0-99" } })).status, reasoning]).toEqual([
        206,
        expect.stringContaining("Making the video"),
      ]);
    },
    SLOW,
  );
});

test(
  "the AI SDK makes a video with OpenRouter's provider, and learns why one fails",
  async () => {
    const openrouter = createOpenRouter({ baseURL: `${program.url}/v1`, apiKey: program.key });
    const model = openrouter.videoModel(MODEL, { pollIntervalMs: 50 });
    // Its own way to download refuses addresses of this machine.
    const download = async ({ url }: { url: URL }) => ({ data: await (await fetch(url)).bytes(), mediaType: "video/mp4" });
    const { video } = await generateVideo({ model, prompt: "a red fox", aspectRatio: "16:9", duration: 4, download });
    expect([video.mediaType, isMp4(video.uint8Array)]).toEqual(["video/mp4", true]);
    program.simulator.setFaults("gemini.interaction=text:1");
    const error = await failureOf(generateVideo({ model, prompt: "a red fox", maxRetries: 0 }));
    expect(error?.message).toContain("cannot make that video");
  },
  SLOW,
);
