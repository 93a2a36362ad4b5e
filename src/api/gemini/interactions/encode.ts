// Encoder of interactions from jobs. Pure; base64 is written when the response is sent.
// Source: Gemini API reference, interactions; types of @google/genai 3.1.0 and schemas of @ai-sdk/google 4.0.121 (read 2026-11-23).

import type { Json, Usage } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import type { AppError } from "../../../errors.ts";
import { failureOf } from "../../../gateway/jobs/job-state.ts";
import { IMAGE_FORMATS, type ImageFormat } from "../../image-output.ts";
import { errorBody } from "../errors.ts";
import { interactionId } from "../job-names.ts";
import { fieldsOf, listOf, textOf } from "../proto-json.ts";
import type { Delivery } from "./decode.ts";

/** What an interaction gives back as it was asked for; stored with its job. */
export type InteractionEcho = { delivery: Delivery; previous: string | null; ignored?: string[]; format?: ImageFormat | null };

export const writeEcho = (echo: InteractionEcho): Json => ({ interaction: echo });

/** Jobs that were made in another way have none: their results come inside the response. */
export function readEcho({ echo }: Pick<Job, "echo">): InteractionEcho {
  const { delivery, previous, ignored, format } = fieldsOf(fieldsOf(echo).interaction);
  const names = listOf(ignored).map(String);
  return {
    delivery: delivery === "uri" ? "uri" : "inline",
    previous: textOf(previous) ?? null,
    ...(names.length > 0 ? { ignored: names } : {}),
    format: IMAGE_FORMATS.find((one) => one === format) ?? null,
  };
}

/** A content block of what was made. `data` is the bytes, which `json-bytes.ts` writes as base64. */
export type OutputBlock =
  | { type: "text"; text: string }
  | ({ type: "image" | "video"; mime_type: string } & ({ data: Blob } | { uri: string }));

/** Only the words that the AI SDK's schema knows. A refusal is an interaction that completed with words, as Google has it. */
export type Status = "in_progress" | "completed" | "failed" | "cancelled";

export function statusOf(job: Pick<Job, "state" | "error">): Status {
  if (job.state === "completed" || isRefusal(failureOf(job))) return "completed";
  if (job.state === "cancelled") return "cancelled";
  return job.state === "failed" || job.state === "unknown" ? "failed" : "in_progress";
}

const isRefusal = (failure: AppError | null): failure is AppError => failure?.kind === "content_policy" || failure?.kind === "no_result";

/** What the upstream said instead of making something; null where it made it, or failed. */
export function wordsOf(job: Pick<Job, "state" | "error">): string | null {
  const failure = failureOf(job);
  return isRefusal(failure) ? failure.message : null;
}

/** @param content what was made, or said instead; null leaves the steps out, as events do */
export function encodeInteraction(job: Job, content: OutputBlock[] | null) {
  const status = statusOf(job);
  const { previous } = readEcho(job);
  const failure = failureOf(job);
  return {
    id: interactionId(job),
    object: "interaction" as const,
    model: job.model,
    status,
    created: new Date(job.createdAt).toISOString(),
    updated: new Date(job.endedAt ?? job.submittedAt ?? job.createdAt).toISOString(),
    ...(previous ? { previous_interaction_id: previous } : {}),
    ...(status === "completed" && content ? { steps: content.length > 0 ? [{ type: "model_output" as const, content }] : [] } : {}),
    ...(status === "completed" ? { usage: encodeUsage(job.usage, job.kind) } : {}),
    ...(status === "failed" && failure ? { errors: [encodeFailure(failure)] } : {}),
  };
}

/** An error inside of an interaction has a word for a code, unlike an error of the request. */
export function encodeFailure(failure: unknown) {
  const { status, message } = errorBody(failure).error;
  return { code: status.toLowerCase(), message };
}

function encodeUsage(usage: Usage | null, kind: Job["kind"]) {
  const { inputText = 0, inputImage = 0, outputText = 0, outputImage = 0, thoughts = 0, total = 0 } = usage ?? {};
  const by = (text: number, media: number, modality: string) =>
    [
      { modality: "text", tokens: text },
      { modality, tokens: media },
    ].filter(({ tokens }) => tokens > 0);
  return {
    total_input_tokens: inputText + inputImage,
    total_output_tokens: outputText + outputImage,
    total_thought_tokens: thoughts,
    total_tokens: total,
    input_tokens_by_modality: by(inputText, inputImage, "image"),
    output_tokens_by_modality: by(outputText, outputImage, kind),
  };
}
