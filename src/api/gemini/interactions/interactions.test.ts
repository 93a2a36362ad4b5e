// Tests: bodies of interactions, and jobs in their shape.
import { describe, expect, test } from "bun:test";
import type { Job } from "../../../domain/job.ts";
import { InteractionBody, tolerant } from "../schema.ts";
import { aspectOf, resolutionOf } from "../video-options.ts";
import { decodeInteraction } from "./decode.ts";
import { encodeInteraction, statusOf, writeEcho } from "./encode.ts";

const validate = tolerant(InteractionBody);
const decode = (body: object) => decodeInteraction(validate({ model: "gemini-omni-1.2-flash", input: "a fox", ...body }));
const IMAGE = { type: "image", data: "QUJD", mime_type: "image/png" };
const VIDEO = { type: "video", uri: "files/abcdefghijklmnopqrstuvwxyz" };

describe("input", () => {
  const shapes: [string, unknown, object][] = [
    ["a text", "a fox", { prompt: "a fox" }],
    ["one block", { type: "text", text: "a fox" }, { prompt: "a fox" }],
    ["blocks", [IMAGE, { type: "text", text: "a fox" }], { prompt: "a fox", images: [{ url: "data:image/png;base64,QUJD" }] }],
    ["a step", [{ type: "user_input", content: [IMAGE, "a fox"] }], { prompt: "a fox", images: [{ param: "input[0].content[0].data" }] }],
    ["a turn with a text", [{ role: "user", content: "a fox" }], { prompt: "a fox" }],
    ["a video", [VIDEO, { type: "text", text: "snow" }], { prompt: "snow", videos: [{ fields: { uri: VIDEO.uri }, param: "input[0]" }] }],
    [
      "a conversation",
      [
        { type: "user_input", content: ["a fox"] },
        { type: "model_output", content: [IMAGE] },
        { type: "user_input", content: ["snow"] },
      ],
      { turns: [{ role: "user" }, { role: "model" }, { role: "user" }], prompt: "a fox\nsnow", images: [] },
    ],
  ];
  test.each(shapes)("%s", (_, input, expected) => {
    expect(decode({ input })).toMatchObject(expected);
  });

  test.each([[""], [[]], [[{ type: "thought" }]], [[{ type: "model_output", content: ["I"] }]]])("%j asks for nothing", (input) => {
    expect(() => decode({ input })).toThrow(expect.objectContaining({ kind: "invalid_request", param: "input" }));
  });
});

test.each([
  [{ type: "text", text: 5 }, "input.text"],
  [[{ type: "text", text: ["a"] }], "input[0].text"],
  [["a fox", 5], "input[1]"],
  [[{ type: "user_input", content: [{ text: false }] }], "input[0].content[0].text"],
])("%j is refused, naming the field", (input, param) => {
  expect(() => decode({ input })).toThrow(expect.objectContaining({ kind: "invalid_request", param }));
});

test("the format says shape, length and delivery, by itself or in a list", () => {
  const format = { type: "video", aspect_ratio: "9:16", resolution: "1080p", duration: "4.5s", delivery: "uri" };
  const expected = { delivery: "uri", video: { aspect: "9:16", resolution: "1080p", seconds: 4.5 } };
  expect(decode({ response_format: format })).toMatchObject(expected);
  expect(decode({ responseFormat: [{ type: "text" }, format] })).toMatchObject(expected);
  expect(decode({}).delivery).toBe("inline");
});

test.each([
  ["text_to_video", "text"],
  ["image_to_video", undefined],
  ["reference_to_video", "references"],
  ["EXTEND", "extend"],
  ["constructor", undefined],
])("task %s is mode %s", (task, mode) => {
  expect(decode({ generation_config: { video_config: { task } } }).video.mode).toBe(mode as never);
});

test.each([
  ["16:9", "16:9"],
  ["9x16", "9:16"],
  ["", undefined],
  [7, undefined],
])("aspect %p is %p", (value, aspect) => {
  expect(aspectOf(value, "aspect_ratio")).toBe(aspect as never);
});

test.each([["1:1"], ["4:3"], ["7:77"], ["wide"]])("aspect %p is refused: no video has it", (value) => {
  expect(() => aspectOf(value, "aspect_ratio")).toThrow(expect.objectContaining({ kind: "invalid_request", param: "aspect_ratio" }));
});

test("a resolution is known in any case", () => {
  expect([resolutionOf("4K"), resolutionOf("720P"), resolutionOf("8k")]).toEqual(["4k", "720p", undefined]);
});

const error = (kind: string) => ({ kind, message: "why", reason: null, detail: null, charged: false }) as Job["error"];
const job = (facts: Partial<Job>) =>
  ({
    id: "video_abc",
    kind: "video",
    model: "veo-3.1",
    state: "running",
    createdAt: 0,
    submittedAt: null,
    endedAt: null,
    error: null,
    usage: null,
    echo: null,
    ...facts,
  }) as Job;

test.each([
  ["queued", null, "in_progress"],
  ["submitting", null, "in_progress"],
  ["storing", null, "in_progress"],
  ["completed", null, "completed"],
  ["failed", "content_policy", "completed"],
  ["failed", "no_result", "completed"],
  ["failed", "upstream_unavailable", "failed"],
  ["cancelled", null, "cancelled"],
  ["unknown", null, "failed"],
] as const)("a job %s (%s) is %s, a word that the AI SDK knows", (state, kind, status) => {
  expect(statusOf(job({ state, error: kind && error(kind) }))).toBe(status);
});

test("an interaction reports its steps when it has ended and what it went on from", () => {
  const echo = writeEcho({ delivery: "uri", previous: "v1_video_before" });
  const content = [{ type: "video" as const, mime_type: "video/mp4", uri: "https://host/v1beta/files/abc:download?alt=media" }];
  expect(encodeInteraction(job({ state: "completed", endedAt: 1000, echo }), content)).toEqual({
    id: "v1_video_abc",
    object: "interaction",
    model: "veo-3.1",
    status: "completed",
    created: "1970-01-01T00:00:00.000Z",
    updated: "1970-01-01T00:00:01.000Z",
    previous_interaction_id: "v1_video_before",
    steps: [{ type: "model_output", content }],
    usage: expect.objectContaining({ total_tokens: 0 }),
  });
  expect(encodeInteraction(job({ state: "running" }), [])).not.toHaveProperty("steps");
  expect(encodeInteraction(job({ state: "failed", error: error("upstream_unavailable") }), [])).toMatchObject({
    errors: [{ code: "unavailable", message: expect.stringContaining("not available") }],
  });
});
