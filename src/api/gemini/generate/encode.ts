// Encoder of GenerateContentResponse. Pure; base64 is written when the response is sent.
// Source: Gemini API reference, GenerateContentResponse; enums of @google/genai 3.1.0 (read 2026-11-23).

import type { Finish, GenerateEvent, OutputExtras, Usage } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { BodyBytes } from "../../json-bytes.ts";

export type Done = Extract<GenerateEvent, { type: "done" }>;

type Marks = { thought?: true; thoughtSignature?: string };
/** A part on the wire. `data` is the bytes, which `json-bytes.ts` writes as base64; a video is named, not sent. */
export type WirePart = (
  | { text: string }
  | { inlineData: { mimeType: string; data: BodyBytes } }
  | { fileData: { mimeType: string; fileUri: string } }
) &
  Marks;

/** How a response ends: the prompt was blocked, or a candidate has stopped. */
export type End = ({ blockReason: string } | { finishReason: string }) & {
  message?: string;
  usage: Usage | null;
  modelVersion?: string;
  /** What the upstream reported besides, passed on as it came. */
  extras?: OutputExtras;
};

/** Flow's words, and the one that asks for a continuation, which is not passed on. */
const OWN_WORDS = /^(PUBLIC_ERROR_|CONTINUATION$)/;

/** A word of Google's vocabulary, which is open: one that is not known yet passes to the client as it came. */
const wordOf = (word: string): string | null => (/^[A-Z][A-Z0-9_]{1,63}$/.test(word) && !OWN_WORDS.test(word) ? word : null);

/** Google's word where the upstream that answered has another one. */
const REASONS = {
  stop: "STOP",
  length: "MAX_TOKENS",
  policy_input: "PROHIBITED_CONTENT",
  policy_output: "IMAGE_SAFETY",
  no_image: "NO_IMAGE",
  malformed: "MALFORMED_RESPONSE",
} as const satisfies Record<Finish, string>;

/** The end of a generation in Google's words: the upstream's own where it is one of them. */
export function endOf({ finish, upstreamReason, message, usage, modelVersion, extras }: Omit<Done, "type" | "provider">): End {
  const rest = { message, usage, modelVersion, extras };
  if (finish === "policy_input") return { blockReason: wordOf(upstreamReason) ?? REASONS[finish], ...rest };
  return { finishReason: wordOf(upstreamReason) ?? REASONS[finish], ...rest };
}

/** The end that a failure stands for, because Google answers so with HTTP 200: refusals, and responses without an image. Null: an error. */
export function endOfFailure(error: unknown): End | null {
  if (!(error instanceof AppError)) return null;
  const upstreamReason = error.detail?.upstreamReason ?? "";
  const rest = { upstreamReason, message: error.message, usage: (error.usage ?? null) as Usage };
  if (error.kind === "content_policy") {
    return endOf({ finish: error.detail?.reason === "policy_input" ? "policy_input" : "policy_output", ...rest });
  }
  if (!wordOf(upstreamReason) && (error.kind !== "no_result" || upstreamReason === "")) return null;
  return endOf({ finish: error.detail?.reason === "malformed" ? "malformed" : "no_image", ...rest });
}

/** What all objects of one response share. */
export type Envelope = { model: string; responseId: string };

/** A response, or a piece of a streamed one; the last piece has an end. */
export function encodeResponse({ model, responseId }: Envelope, parts: WirePart[], end: End | null) {
  const facts = { modelVersion: end?.modelVersion ?? model, responseId };
  const usage = end ? { usageMetadata: encodeUsage(end.usage) } : {};
  if (end && "blockReason" in end) {
    const message = end.message ? { blockReasonMessage: end.message } : {};
    return { promptFeedback: { ...end.extras?.promptFeedback, blockReason: end.blockReason, ...message }, ...usage, ...facts };
  }
  const content = parts.length > 0 ? { content: { role: "model" as const, parts } } : {};
  const message = end?.message && end.finishReason !== "STOP" ? { finishMessage: end.message } : {};
  const finish = end ? { finishReason: end.finishReason, ...message } : {};
  const feedback = end?.extras?.promptFeedback ? { promptFeedback: end.extras.promptFeedback } : {};
  return { candidates: [{ ...content, ...finish, ...end?.extras?.candidate, index: 0 }], ...feedback, ...usage, ...facts };
}

/** `usageMetadata`. Where the upstream reported nothing, zeros: clients read the fields unasked. */
export function encodeUsage(usage: Usage | null) {
  const { inputText = 0, inputImage = 0, outputText = 0, outputImage = 0, thoughts = 0, total = 0 } = usage ?? {};
  const prompt = modalities(inputText, inputImage);
  const candidates = modalities(outputText, outputImage);
  return {
    promptTokenCount: inputText + inputImage,
    candidatesTokenCount: outputText + outputImage,
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    totalTokenCount: total,
    ...(prompt.length > 0 ? { promptTokensDetails: prompt } : {}),
    ...(candidates.length > 0 ? { candidatesTokensDetails: candidates } : {}),
  };
}

/** `ModalityTokenCount`, those that are not zero. */
export function modalities(text: number, image: number) {
  return [
    { modality: "TEXT" as const, tokenCount: text },
    { modality: "IMAGE" as const, tokenCount: image },
  ].filter(({ tokenCount }) => tokenCount > 0);
}
