// Encoder of GenerateContentResponse. Pure; base64 is written when the response is sent.
// Source: Gemini API reference, GenerateContentResponse; enums of @google/genai 3.1.0 (read 2026-11-23).

import { type Finish, type GenerateEvent, NO_USAGE, type OutputExtras, type Usage } from "../../../domain/generation.ts";
import { AppError } from "../../../errors.ts";
import type { BodyBytes } from "../../json-bytes.ts";

export type Done = Extract<GenerateEvent, { type: "done" }>;

type Marks = { thought?: true; thoughtSignature?: string };
/** A part on the wire. `data` is base64, or bytes that `json-bytes.ts` writes as such; a video is named, not sent. */
export type WirePart = (
  | { text: string }
  | { inlineData: { mimeType: string; data: BodyBytes | string } }
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
  const word = wordOf(upstreamReason) ?? REASONS[finish];
  if (finish === "policy_input") return { blockReason: word, message, usage, modelVersion, extras };
  return { finishReason: word, message, usage, modelVersion, extras };
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

/** A response, or a piece of a streamed one; the last piece has an end. What is undefined is left out of the JSON. */
export function encodeResponse({ model, responseId }: Envelope, parts: WirePart[], end: End | null) {
  const modelVersion = end?.modelVersion ?? model;
  const usageMetadata = end ? encodeUsage(end.usage) : undefined;
  if (end && "blockReason" in end) {
    const { blockReason, message, extras } = end;
    const promptFeedback = { ...extras?.promptFeedback, blockReason, blockReasonMessage: message || undefined };
    return { promptFeedback, usageMetadata, modelVersion, responseId };
  }
  return { candidates: [candidateOf(parts, end)], promptFeedback: end?.extras?.promptFeedback, usageMetadata, modelVersion, responseId };
}

const candidateOf = (parts: WirePart[], end: Extract<End, { finishReason: string }> | null) => ({
  content: parts.length > 0 ? { role: "model" as const, parts } : undefined,
  finishReason: end?.finishReason,
  finishMessage: end?.finishReason === "STOP" ? undefined : end?.message || undefined,
  ...end?.extras?.candidate,
  index: 0,
});

/** `usageMetadata`. Where the upstream reported nothing, zeros: clients read the fields unasked. */
export function encodeUsage(usage: Usage | null) {
  const { inputText = 0, inputImage = 0, outputText = 0, outputImage = 0, thoughts = 0, total = 0 } = usage ?? NO_USAGE;
  return {
    promptTokenCount: inputText + inputImage,
    candidatesTokenCount: outputText + outputImage,
    thoughtsTokenCount: thoughts > 0 ? thoughts : undefined,
    totalTokenCount: total,
    promptTokensDetails: inputText + inputImage > 0 ? modalities(inputText, inputImage) : undefined,
    candidatesTokensDetails: outputText + outputImage > 0 ? modalities(outputText, outputImage) : undefined,
  };
}

/** `ModalityTokenCount`, those that are not zero. */
export function modalities(text: number, image: number): { modality: "TEXT" | "IMAGE"; tokenCount: number }[] {
  const counts: ReturnType<typeof modalities> = [];
  if (text > 0) counts.push({ modality: "TEXT", tokenCount: text });
  if (image > 0) counts.push({ modality: "IMAGE", tokenCount: image });
  return counts;
}
