// From the answers of `generateContent` to what happened: texts, images, why it stopped, what it used.
// Source: Gemini API reference, GenerateContentResponse, read 2026-11-23.
import type { ImageFinish, Usage } from "../../domain/generation.ts";
import { damaged } from "../json-stream.ts";
import type { NewsKind } from "../news.ts";
import { wordsToClient } from "./errors.ts";
import { createExtras } from "./extras.ts";
import { arrayOf, isRecord, type JsonRecord, numberOf, stringOf } from "./json.ts";
import { BLOCK_REASONS, FIELDS, FINISH_REASONS, PARTS, toFinish } from "./vocabulary.ts";

/** An image whose bytes `value` stands for: base64, or a placeholder of `json-media.ts`. */
export type ResponseImage = { type: "image"; value: string; mime: string; thought: boolean; signature?: string };
export type ResponseItem = { type: "text"; text: string; thought: boolean; signature?: string } | ResponseImage;

export type ResponseReader = {
  /**
   * What the next response object of the same call tells. The final image is the last one that is no thought, known only at the end:
   * an earlier one comes out as an interim image when another follows.
   * @throws {AppError} `upstream_unavailable` with reason `malformed` when it is no object
   */
  read(response: unknown): ResponseItem[];
  /** The final image, if there is one, and how it ended. */
  end(): { image: ResponseImage | null; finish: ImageFinish };
  /** Whether anything but usage has come. */
  hasBegun(): boolean;
  /** Whether the upstream said why it stopped. */
  isFinished(): boolean;
};

/** Records what no table knows, with the body that held it. */
export type UpdateFacts = (kind: NewsKind, word: string, body: unknown) => void;

/** Collects one call's answer: one response object, or those of a stream in order. */
export function createResponseReader(learn: UpdateFacts = () => {}): ResponseReader {
  let image: ResponseImage | null = null;
  let hasText = false;
  let begun = false;
  let reason = "";
  let message: string | undefined;
  let block = "";
  let usage: unknown;
  let modelVersion: string | undefined;
  const extras = createExtras();

  const readPart = (part: JsonRecord): ResponseItem[] => {
    const thought = part.thought === true;
    const signature = stringOf(part.thoughtSignature);
    const mark = signature ? { signature } : {};
    const media = isRecord(part.inlineData) ? part.inlineData : null;
    const value = stringOf(media?.data);
    if (value) {
      const found: ResponseImage = {
        type: "image",
        value,
        mime: stringOf(media?.mimeType) ?? "application/octet-stream",
        thought,
        ...mark,
      };
      if (thought) return [found];
      const superseded: ResponseItem[] = image ? [{ ...image, thought: true }] : [];
      image = found;
      return superseded;
    }
    const text = stringOf(part.text) ?? "";
    for (const name in part) if (!PARTS.has(name)) learn("part", name, part);
    if (!text && !signature) return [];
    if (text && !thought) hasText = true;
    return [{ type: "text", text, thought, ...mark }];
  };

  return {
    read(response) {
      if (!isRecord(response)) throw damaged("malformed", "The upstream's answer is not an object.");
      for (const name in response) if (!FIELDS.has(name)) learn("field", name, response);
      const feedback = isRecord(response.promptFeedback) ? response.promptFeedback : {};
      const candidates = arrayOf(response.candidates).filter(isRecord);
      // One is asked for; where there are more, the one with an image is what was paid for.
      const candidate = candidates.find(holdsImage) ?? candidates[0] ?? {};
      const parts = isRecord(candidate.content) ? arrayOf(candidate.content.parts).filter(isRecord) : [];
      extras.read(response, candidate);
      block = stringOf(feedback.blockReason) ?? block;
      reason = stringOf(candidate.finishReason) ?? reason;
      message = stringOf(candidate.finishMessage) ?? stringOf(feedback.blockReasonMessage) ?? message;
      usage = response.usageMetadata ?? usage;
      const told = stringOf(candidate.finishReason);
      if (told && !FINISH_REASONS.has(told)) learn("finish_reason", told, response);
      const blocked = stringOf(feedback.blockReason);
      if (blocked && !BLOCK_REASONS.has(blocked)) learn("block_reason", blocked, response);
      modelVersion = stringOf(response.modelVersion) ?? modelVersion;
      begun ||= parts.length > 0 || block !== "" || reason !== "";
      return parts.flatMap(readPart);
    },
    end() {
      const finish = block ? "policy_input" : toFinish(reason, image !== null, hasText);
      return {
        image,
        finish: {
          finish,
          upstreamReason: block || reason,
          ...(message ? { message: wordsToClient(message) } : {}),
          usage: toUsage(usage, image !== null),
          ...(modelVersion ? { modelVersion } : {}),
          ...extras.told(),
        },
      };
    },
    hasBegun: () => begun,
    isFinished: () => block !== "" || reason !== "",
  };
}

/** `usageMetadata` as our usage. Without details per modality, output counts as image when there is one. */
export function toUsage(metadata: unknown, hasImage: boolean): Usage | null {
  if (!isRecord(metadata)) return null;
  const input = numberOf(metadata.promptTokenCount);
  const output = numberOf(metadata.candidatesTokenCount);
  const thoughts = numberOf(metadata.thoughtsTokenCount);
  const inputImage = Math.min(input, imageTokens(metadata.promptTokensDetails) ?? 0);
  const outputImage = Math.min(output, imageTokens(metadata.candidatesTokensDetails) ?? (hasImage ? output : 0));
  const total = numberOf(metadata.totalTokenCount) || input + output + thoughts;
  return { inputText: input - inputImage, inputImage, outputText: output - outputImage, outputImage, thoughts, total };
}

function imageTokens(details: unknown): number | null {
  if (!Array.isArray(details)) return null;
  const images = details.filter(isRecord).filter((entry) => entry.modality === "IMAGE");
  return images.reduce((sum, entry) => sum + numberOf(entry.tokenCount), 0);
}

const holdsImage = ({ content }: JsonRecord): boolean =>
  isRecord(content) && arrayOf(content.parts).some((part) => isRecord(part) && isRecord(part.inlineData) && part.thought !== true);
