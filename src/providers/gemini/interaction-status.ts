// From an interaction as the upstream reports it to how far a video is. Pure.
// Source: Gemini API reference, Interaction, read 2026-11-23.

import type { Usage } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { VideoStatus } from "../provider.ts";
import { excerpt, toJobError } from "./errors.ts";
import { GEMINI_API, type GoogleApi } from "./google-api.ts";
import { arrayOf, isRecord, type JsonRecord, numberOf, stringOf } from "./json.ts";

/** A video as it stands in an interaction: where its file is, or its bytes (base64, or a placeholder of `json-media.ts`). */
export type FoundVideo = { uri: string } | { data: string; mime: string };

/** Ends without a video, in words for the client that follow the API's title. Those not named are no end. */
const ENDS: Readonly<Record<string, string>> = {
  completed:
    "finished without a video and without a word. It does so where a region (EEA, Switzerland, UK, some US states) does not allow changing uploaded videos.",
  incomplete: "stopped before the video was complete.",
  budget_exceeded: "stopped: the budget of the request is used up.",
  requires_action: "asks for an action that no video needs.",
  requires_continuation: "stopped and asks to be continued, which videos cannot be.",
};

/**
 * How far an interaction is. A status that nobody has documented is no end: the deadline of the job decides.
 * @param now epoch ms, for failures that say how long they last
 */
export function toVideoStatus(interaction: JsonRecord, interactionId: string, now: number, api: GoogleApi = GEMINI_API): VideoStatus {
  const status = stringOf(interaction.status) ?? "";
  if (status === "failed")
    return { state: "failed", error: toJobError([...arrayOf(interaction.errors), interaction.error].filter(isRecord), now, api) };
  if (status === "cancelled") return { state: "failed", error: new AppError("cancelled", "The video was cancelled.") };
  const video = findVideo(interaction);
  // Of `idle` no more is documented than the word (SDK enum of 3.3.0): nothing is under way, so that a video that is there is whole.
  const isEnd = Object.hasOwn(ENDS, status) || (status === "idle" && video !== null);
  if (!isEnd) return { state: "pending", progress: null };
  const usage = toVideoUsage(interaction.usage, video !== null);
  if (video) return { state: "done", result: "uri" in video ? { uri: video.uri } : { interactionId, inline: true }, usage };
  const words = status === "completed" ? outputText(interaction) : "";
  if (words) {
    const detail = { scope: "request", reason: "policy_output" } as const;
    return { state: "failed", error: new AppError("content_policy", excerpt(words), { detail, upstreamStatus: 200 }) };
  }
  const charged = (usage?.outputImage ?? 0) > 0;
  return { state: "failed", error: new AppError("no_result", `${api.title} ${ENDS[status]!}`, { charged, upstreamStatus: 200 }) };
}

/** The last video of the model's output, or null. */
export function findVideo(interaction: JsonRecord): FoundVideo | null {
  for (const block of outputOf(interaction).toReversed()) {
    const [uri, data] = [stringOf(block.uri), stringOf(block.data)];
    if (block.type !== "video") continue;
    if (uri) return { uri };
    if (data) return { data, mime: stringOf(block.mime_type) ?? "video/mp4" };
  }
  return null;
}

/** Blocks of the model's output in order; thoughts are steps of their own. */
const outputOf = (interaction: JsonRecord): JsonRecord[] =>
  arrayOf(interaction.steps)
    .filter(isRecord)
    .filter((step) => step.type === "model_output")
    .flatMap((step) => arrayOf(step.content).filter(isRecord));

const outputText = (interaction: JsonRecord): string =>
  outputOf(interaction)
    .map((block) => (block.type === "text" ? (stringOf(block.text) ?? "") : ""))
    .join("")
    .trim();

/**
 * `usage` of an interaction as ours. Whatever is no text counts as image, videos too; without details per modality, output counts as
 * video when there is one.
 */
export function toVideoUsage(usage: unknown, hasVideo: boolean): Usage | null {
  if (!isRecord(usage)) return null;
  const input = numberOf(usage.total_input_tokens);
  const output = numberOf(usage.total_output_tokens);
  const thoughts = numberOf(usage.total_thought_tokens);
  const inputImage = Math.min(input, mediaTokens(usage.input_tokens_by_modality) ?? 0);
  const outputImage = Math.min(output, mediaTokens(usage.output_tokens_by_modality) ?? (hasVideo ? output : 0));
  const total = numberOf(usage.total_tokens) || input + output + thoughts;
  return { inputText: input - inputImage, inputImage, outputText: output - outputImage, outputImage, thoughts, total };
}

function mediaTokens(modalities: unknown): number | null {
  if (!Array.isArray(modalities)) return null;
  const media = modalities.filter(isRecord).filter((entry) => stringOf(entry.modality)?.toLowerCase() !== "text");
  return media.reduce((sum, entry) => sum + numberOf(entry.tokens), 0);
}
