// Tests: ends, refusals and usage in Google's words.
import { describe, expect, test } from "bun:test";
import { NO_USAGE } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import { errorBody, rpcStatus } from "../errors.ts";
import { encodeResponse, encodeUsage, endOf, endOfFailure } from "./encode.ts";

const ENVELOPE = { model: "gemini-3-pro-image", responseId: "id" };
const done = (finish: Parameters<typeof endOf>[0]["finish"], upstreamReason: string, message?: string) =>
  endOf({ finish, upstreamReason, message, usage: NO_USAGE });
const failed = (kind: AppError["kind"], detail: object) =>
  endOfFailure(new AppError(kind, "why", { detail: { scope: "request", ...detail } as AppError["detail"] }));

describe("ends", () => {
  test.each([
    ["stop", "STOP", "STOP"],
    ["policy_output", "IMAGE_SAFETY", "IMAGE_SAFETY"],
    ["policy_output", "SPII", "SPII"],
    ["no_image", "NO_IMAGE", "NO_IMAGE"],
    ["length", "MAX_TOKENS", "MAX_TOKENS"],
    // Words that nobody knows yet.
    ["no_image", "MISSING_THOUGHT_SIGNATURE", "MISSING_THOUGHT_SIGNATURE"],
    ["policy_output", "MODEL_ARMOR", "MODEL_ARMOR"],
    ["stop", "A_WORD_OF_2027", "A_WORD_OF_2027"],
    // Words of another upstream.
    ["policy_output", "PUBLIC_ERROR_UNSAFE_GENERATION", "IMAGE_SAFETY"],
    ["stop", "", "STOP"],
    ["malformed", "CONTINUATION", "MALFORMED_RESPONSE"],
  ] as const)("%s of %j is finishReason %s", (finish, upstreamReason, finishReason) => {
    expect(done(finish, upstreamReason)).toMatchObject({ finishReason });
  });

  test.each([
    ["PROHIBITED_CONTENT", "PROHIBITED_CONTENT"],
    ["SAFETY", "SAFETY"],
    ["PUBLIC_ERROR_MINOR", "PROHIBITED_CONTENT"],
  ])("a prompt blocked for %s has blockReason %s and no candidates", (upstreamReason, blockReason) => {
    const response = encodeResponse(ENVELOPE, [], done("policy_input", upstreamReason, "not this"));
    expect(response).toMatchObject({
      promptFeedback: { blockReason, blockReasonMessage: "not this" },
      ...{ modelVersion: ENVELOPE.model },
    });
    expect(response).not.toHaveProperty("candidates");
  });

  test("a refusal has no content, and says why", () => {
    const response = encodeResponse(ENVELOPE, [], done("policy_output", "IMAGE_SAFETY", "not this"));
    expect(response).toMatchObject({ candidates: [{ index: 0, finishReason: "IMAGE_SAFETY", finishMessage: "not this" }] });
    expect(JSON.stringify(response)).not.toContain('content"');
  });

  test("what an upstream threw as a refusal is answered as one; other failures are errors", () => {
    expect(failed("content_policy", { reason: "policy_input" })).toMatchObject({ blockReason: "PROHIBITED_CONTENT" });
    expect(failed("content_policy", { reason: "policy_output" })).toMatchObject({ finishReason: "IMAGE_SAFETY" });
    expect(failed("no_result", { reason: "text_only", upstreamReason: "IMAGE_OTHER" })).toMatchObject({ finishReason: "IMAGE_OTHER" });
    expect(failed("no_result", { reason: "text_only" })).toBeNull();
    expect(failed("upstream_unavailable", { reason: "overloaded" })).toBeNull();
    expect(endOfFailure(new Error("bug"))).toBeNull();
  });
});

test("the upstream's own name of the model goes before the family", () => {
  expect(encodeResponse(ENVELOPE, [], { finishReason: "STOP", usage: null, modelVersion: "gemini-3-pro-image-001" })).toMatchObject({
    modelVersion: "gemini-3-pro-image-001",
    usageMetadata: { promptTokenCount: 0, totalTokenCount: 0 },
  });
});

test("usage is reported in sum and by modality", () => {
  expect(encodeUsage({ inputText: 5, inputImage: 258, outputText: 2, outputImage: 1120, thoughts: 9, total: 1394 })).toEqual({
    promptTokenCount: 263,
    candidatesTokenCount: 1122,
    thoughtsTokenCount: 9,
    totalTokenCount: 1394,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: 5 },
      { modality: "IMAGE", tokenCount: 258 },
    ],
    candidatesTokensDetails: [
      { modality: "TEXT", tokenCount: 2 },
      { modality: "IMAGE", tokenCount: 1120 },
    ],
  });
});

test("36: an error has a numeric code and a status; one inside an operation has the code of google.rpc", () => {
  const error = new AppError("limit_exceeded", "too many", { retryAfterMs: 1500 });
  expect(errorBody(error).error).toMatchObject({ code: 429, status: "RESOURCE_EXHAUSTED", details: [{ retryDelay: "2s" }] });
  expect(rpcStatus(error)).toEqual({ code: 8, message: "too many", status: "RESOURCE_EXHAUSTED" });
});
