// What an interaction reports of a video: every status, refusals in words, usage.
import { describe, expect, test } from "bun:test";
import { findVideo, toVideoStatus, toVideoUsage } from "./interaction-status.ts";
import type { JsonRecord } from "./json.ts";

const URI = "https://generativelanguage.googleapis.com/v1beta/files/xyz:download?alt=media";
const thought = { type: "thought", signature: "c2ln", summary: [{ type: "text", text: "thinking" }] };
const output = (...content: unknown[]) => ({ type: "model_output", content });
const video = { type: "video", mime_type: "video/mp4", uri: URI };
const text = (words: string) => ({ type: "text", text: words });
const videoTokens = {
  total_input_tokens: 12,
  total_output_tokens: 57920,
  total_thought_tokens: 5,
  total_tokens: 57937,
  input_tokens_by_modality: [{ modality: "text", tokens: 12 }],
  output_tokens_by_modality: [{ modality: "video", tokens: 57920 }],
};

const statusOf = (interaction: JsonRecord) => toVideoStatus(interaction, "v1_a", 0);
const failureOf = (interaction: JsonRecord) => {
  const status = statusOf(interaction);
  return status.state === "failed" ? status.error : null;
};

test.each(["queued", "in_progress", "pondering", "", undefined, 7, "toString"])("%p is no end", (status) => {
  expect(statusOf({ status, steps: [output(video)] })).toEqual({ state: "pending", progress: null });
});

test("an idle interaction is done when its video is there, and goes on when it is not", () => {
  expect(statusOf({ status: "idle", steps: [output(video)] })).toMatchObject({ state: "done", result: { uri: URI } });
  expect(statusOf({ status: "idle", steps: [output(text("Soon."))] })).toEqual({ state: "pending", progress: null });
});

describe("a completed interaction", () => {
  test("is done with its file and what it used", () => {
    expect(statusOf({ status: "completed", steps: [thought, output(text("Here."), video)], usage: videoTokens })).toEqual({
      state: "done",
      result: { uri: URI },
      usage: { inputText: 12, inputImage: 0, outputText: 0, outputImage: 57920, thoughts: 5, total: 57937 },
    });
  });

  test("with bytes in place of a file is done, and the bytes stay where they are", () => {
    const steps = [output({ type: "video", mime_type: "video/mp4", data: "AAAA" })];
    expect(statusOf({ status: "completed", steps })).toEqual({
      state: "done",
      result: { interactionId: "v1_a", inline: true },
      usage: null,
    });
  });

  test("with words alone is a refusal in these words, which does not touch the token", () => {
    const steps = [thought, output(text("I cannot "), text("make that."))];
    expect(failureOf({ status: "completed", steps })).toMatchObject({
      kind: "content_policy",
      message: "I cannot make that.",
      charged: false,
      detail: { scope: "request", reason: "policy_output" },
    });
  });

  test.each([
    ["nothing", {}],
    ["no steps", { steps: [] }],
    ["a thought alone", { steps: [thought] }],
    ["an empty output", { steps: [output()] }],
    ["white space", { steps: [output(text(" \n"))] }],
    ["what is no video", { steps: [output({ type: "video" }, { type: "image", uri: URI }, 7)] }],
    ["what has no shape", { steps: "x" }],
  ])("with %s has no result and says where that happens", (_, rest) => {
    const error = failureOf({ status: "completed", ...rest });
    expect(error).toMatchObject({ kind: "no_result", charged: false, detail: undefined });
    expect(error!.message).toContain("EEA");
  });
});

describe("other ends", () => {
  test.each(["incomplete", "budget_exceeded", "requires_action", "requires_continuation"])(
    "%s has no result, whatever it says",
    (status) => {
      expect(failureOf({ status, steps: [output(text("words"))] })).toMatchObject({ kind: "no_result", charged: false });
    },
  );

  test("incomplete with a video is done", () => {
    expect(statusOf({ status: "incomplete", steps: [output(video)] })).toMatchObject({ state: "done", result: { uri: URI } });
  });

  test("what used tokens of video without giving one may have been charged", () => {
    expect(failureOf({ status: "incomplete", usage: videoTokens })!.charged).toBe(true);
  });

  test("cancelled is cancelled", () => {
    expect(failureOf({ status: "cancelled", steps: [output(video)] })).toMatchObject({ kind: "cancelled" });
  });

  test.each([
    [[{ code: "internal_error", message: "The generation failed." }], "upstream_unavailable", "internal"],
    [[{ code: "internal_error" }, { code: "invalid_request", message: "Too short." }], "upstream_invalid", undefined],
    [[{ code: "safety", message: "Blocked." }], "content_policy", "policy_input"],
    [[{ code: "RESOURCE_EXHAUSTED" }], "upstream_rate_limited", "no_details"],
    [[{ code: "deadline_exceeded" }], "upstream_unavailable", "internal"],
    [[{ code: 13 }], "upstream_unavailable", "internal"],
    [[], "upstream_unavailable", "internal"],
    ["x", "upstream_unavailable", "internal"],
    [undefined, "upstream_unavailable", "internal"],
  ] as const)("failed with %j is %s %p, not charged", (errors, kind, reason) => {
    const error = failureOf({ status: "failed", errors });
    expect({ kind: error?.kind, reason: error?.detail?.reason, charged: error?.charged } as object).toEqual({
      kind,
      reason,
      charged: false,
    });
  });
});

describe("the video", () => {
  test.each([
    ["the last of the last output", [output(video), output({ ...video, uri: "first" }, { ...video, uri: "last" })], { uri: "last" }],
    ["before an output of words", [output(video), output(text("done"))], { uri: URI }],
    ["a file rather than bytes", [output({ ...video, data: "AAAA" })], { uri: URI }],
    ["bytes without a type", [output({ type: "video", data: "AAAA" })], { data: "AAAA", mime: "video/mp4" }],
    ["of an input is none", [{ type: "user_input", content: [video] }], null],
  ])("%s", (_, steps, found) => {
    expect<unknown>(findVideo({ steps })).toEqual(found);
  });
});

test.each([
  ["nothing", undefined, true, null],
  ["no details, a video", { total_output_tokens: "9" }, true, [0, 0, 0, 9, 0, 9]],
  ["no details, no video", { total_output_tokens: 9 }, false, [0, 0, 9, 0, 0, 9]],
  [
    "media among the input",
    {
      total_input_tokens: 30,
      input_tokens_by_modality: [
        { modality: "text", tokens: 4 },
        { modality: "video", tokens: 20 },
        { modality: "AUDIO", tokens: 6 },
      ],
    },
    true,
    [4, 26, 0, 0, 0, 30],
  ],
  ["nonsense", { total_input_tokens: -3, total_tokens: "x", output_tokens_by_modality: [7] }, true, [0, 0, 0, 0, 0, 0]],
] as const)("usage: %s", (_, usage, hasVideo, counts) => {
  const read = toVideoUsage(usage, hasVideo);
  expect<unknown>(read && [read.inputText, read.inputImage, read.outputText, read.outputImage, read.thoughts, read.total]).toEqual(counts);
});
