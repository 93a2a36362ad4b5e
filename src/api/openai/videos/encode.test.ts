// A job as OpenAI's clients see it, in every state.
import { describe, expect, test } from "bun:test";
import type { Media } from "../../../domain/generation.ts";
import type { Job, JobState } from "../../../domain/job.ts";
import { encodeVideo, forOpenRouter, sizeOf } from "./encode.ts";

const ORIGIN = "https://gateway.example";
const JOB: Job = {
  id: "video_abc",
  kind: "video",
  keyId: 1,
  requestId: "req_1",
  dialect: "openai",
  state: "running",
  model: "sora-2",
  family: "gemini-omni-1.2-flash",
  provider: "gemini",
  tokenId: 1,
  prompt: "a fox",
  mode: "text",
  aspect: "16:9",
  resolution: "720p",
  seconds: 8,
  progress: 40.7,
  createdAt: 1_762_000_000_900,
  submittedAt: null,
  endedAt: null,
  deadlineAt: 0,
  error: null,
  mediaIds: [],
  thumbnailId: null,
  sourceJobId: null,
  usage: null,
  usd: 0,
  webhookUrl: null,
  echo: { size: "1792x1024" },
};
const MEDIA = { id: "m".repeat(26), ext: "mp4", expiresAt: 1_763_000_000_000 } as Media;
const DONE: Job = { ...JOB, state: "completed", progress: 100, endedAt: 1_762_000_060_000, mediaIds: [MEDIA.id] };
const failed = (error: Partial<NonNullable<Job["error"]>>, state: JobState = "failed"): Job => ({
  ...JOB,
  state,
  error: { kind: "upstream_unavailable", message: "no", reason: null, detail: null, charged: false, ...error },
});

test.each([
  [
    { position: 2, waitMs: 33_400 },
    { queue_position: 2, estimated_wait_seconds: 34 },
  ],
  [
    { position: 1, waitMs: 0 },
    { queue_position: 1, estimated_wait_seconds: 1 },
  ],
  [
    { position: 7, waitMs: null },
    { queue_position: 7, estimated_wait_seconds: null },
  ],
] as const)("a queue position of %p is returned", (place, reported) =>
  expect(encodeVideo({ ...JOB, state: "queued", place }, null, ORIGIN)).toMatchObject(reported),
);

test("23: a job under way has every field of a Video, and no error", () =>
  expect(encodeVideo(JOB, null, ORIGIN)).toEqual({
    id: "video_abc",
    object: "video",
    model: "sora-2",
    status: "in_progress",
    progress: 40,
    created_at: 1_762_000_000,
    completed_at: null,
    expires_at: null,
    prompt: "a fox",
    seconds: "8",
    size: "1792x1024",
    resolution: "720p",
    aspect_ratio: "16:9",
    remixed_from_video_id: null,
    error: null,
    polling_url: "https://gateway.example/v1/videos/video_abc",
  }));

test("23: a completed job has an absolute address without query that ends in .mp4", () => {
  const url = `${ORIGIN}/media/${MEDIA.id}.mp4`;
  expect(encodeVideo(DONE, MEDIA, ORIGIN)).toMatchObject({
    ...{ status: "completed", progress: 100, url, unsigned_urls: [url], error: null },
    completed_at: 1_762_000_060,
    expires_at: 1_763_000_000,
  });
});

test("a completed job whose video is past its age has no address", () => expect("url" in encodeVideo(DONE, null, ORIGIN)).toBe(false));

test.each<[JobState, string]>([
  ["queued", "queued"],
  ["submitting", "in_progress"],
  ["running", "in_progress"],
  ["storing", "in_progress"],
])("23: %s is %s", (state, status) => expect(encodeVideo({ ...JOB, state }, null, ORIGIN).status).toBe(status as never));

describe("a job that failed", () => {
  test.each<[string, Job, string]>([
    ["by policy", failed({ kind: "content_policy", message: "No foxes." }), "moderation_blocked"],
    ["with words", failed({ kind: "no_result", message: "I cannot." }), "no_output"],
    ["by time", failed({ kind: "upstream_timeout" }), "timeout"],
    ["for want of an upstream", failed({}), "overloaded"],
    ["with a reason of its own", failed({ kind: "invalid_request", reason: "file_not_found" }), "file_not_found"],
    ["by the client", { ...JOB, state: "cancelled" }, "cancelled"],
    ["without anybody knowing", failed({ charged: true }, "unknown"), "unknown"],
  ])("%s says so in a code", (_, job, code) => {
    const { status, error } = encodeVideo(job, null, ORIGIN);
    expect([status, error?.code]).toEqual(["failed", code]);
  });

  test("25: the model's words are the message", () =>
    expect(encodeVideo(failed({ kind: "no_result", message: "I cannot." }), null, ORIGIN).error?.message).toBe("I cannot."));

  test("one whose outcome is unknown says who decides", () =>
    expect(encodeVideo(failed({}, "unknown"), null, ORIGIN).error?.message).toContain("operator decides"));

  test("OpenRouter's client gets the message alone, and no null", () => {
    expect(forOpenRouter(encodeVideo(failed({}), null, ORIGIN))).toMatchObject({
      status: "failed",
      error: expect.stringContaining("The model"),
    });
    expect(JSON.stringify(forOpenRouter(encodeVideo(JOB, null, ORIGIN)))).not.toContain('"error"');
  });
});

test("an edit names its source, an extension does not", () =>
  expect(
    (["edit", "extend"] as const).map((mode) => encodeVideo({ ...JOB, mode, sourceJobId: "video_x" }, null, ORIGIN).remixed_from_video_id),
  ).toEqual(["video_x", null]));

test.each([
  [{ echo: null, aspect: "9:16", resolution: "1080p" }, "1080x1920"],
  [{ echo: { n: 1 }, aspect: "16:9", resolution: null }, "1280x720"],
  [{ echo: null, aspect: null, resolution: "720p" }, null],
  [{ echo: { size: "800x600" }, aspect: "16:9", resolution: "720p" }, "800x600"],
] as const)("the size of %p is %p", (job, size) => expect(sizeOf(job as never)).toBe(size));
