// From the responses of `generateContent` to what happened: texts, images, why it stopped, what it used.
// Source: Gemini API reference, GenerateContentResponse, read 2026-11-23.
import type { ImageFinish, OutputExtras, Usage } from "../../domain/generation.ts";
import { damaged } from "../json-stream.ts";
import type { NewsKind } from "../news.ts";
import { wordsToClient } from "./errors.ts";
import { readExtras } from "./extras.ts";
import { arrayOf, isRecord, type JsonRecord, numberOf, stringOf } from "./json.ts";
import { BLOCK_REASONS, FIELDS, FINISH_REASONS, PARTS, toFinish } from "./vocabulary.ts";

/** An image whose bytes `value` stands for: base64, or a placeholder of `json-media.ts`. */
export type ResponseImage = { type: "image"; value: string; mime: string; thought: boolean; signature?: string };
export type ResponseItem = { type: "text"; text: string; thought: boolean; signature?: string } | ResponseImage;

/** Records what no table knows, with the body that held it. */
export type UpdateFacts = (kind: NewsKind, word: string, body: unknown) => void;

const NO_RECORD: JsonRecord = {};
const NO_ITEMS: readonly ResponseItem[] = [];

/** Collects one call's response: one response object, or those of a stream in order. */
export class ResponseReader {
  /** The final one, as far as is known. */
  image: ResponseImage | null = null;
  private hasText = false;
  private begun = false;
  private reason = "";
  private message: string | undefined;
  private block = "";
  private usage: unknown;
  private modelVersion: string | undefined;
  private responseId: string | undefined;
  private extras: OutputExtras | undefined;

  constructor(private readonly learn: UpdateFacts = () => {}) {}

  /**
   * What the next response object of the same call says. The final image is the last one that is no thought, known only at the end:
   * an earlier one comes out as an interim image when another follows.
   * @throws {AppError} `upstream_unavailable` with reason `malformed` when it is no object
   */
  read(response: unknown): readonly ResponseItem[] {
    if (!isRecord(response)) throw damaged("malformed", "The upstream's answer is not an object.");
    for (const name in response) if (!FIELDS.has(name)) this.learn("field", name, response);
    const feedback = isRecord(response.promptFeedback) ? response.promptFeedback : NO_RECORD;
    const candidate = candidateOf(response.candidates);
    this.extras = readExtras(this.extras, response, candidate);
    this.readEnd(response, feedback, candidate);
    let items: ResponseItem[] | null = null;
    let hasParts = false;
    for (const part of isRecord(candidate.content) ? arrayOf(candidate.content.parts) : NO_ITEMS) {
      if (!isRecord(part)) continue;
      hasParts = true;
      const item = this.readPart(part);
      if (!item) continue;
      items ??= [];
      items.push(item);
    }
    this.begun ||= hasParts || this.isFinished();
    return items ?? NO_ITEMS;
  }

  /** How it ended; {@link image} is the final one, if there is one. */
  finish(): ImageFinish {
    const { image, block, reason, message, modelVersion, responseId, extras } = this;
    return {
      finish: block ? "policy_input" : toFinish(reason, image !== null, this.hasText),
      upstreamReason: block || reason,
      message: message && wordsToClient(message),
      usage: toUsage(this.usage, image !== null),
      modelVersion,
      responseId,
      extras,
    };
  }

  /** Whether anything but usage has come. */
  hasBegun(): boolean {
    return this.begun;
  }

  /** Whether the upstream said why it stopped. */
  isFinished(): boolean {
    return this.block !== "" || this.reason !== "";
  }

  private readEnd(response: JsonRecord, feedback: JsonRecord, candidate: JsonRecord): void {
    const reported = stringOf(candidate.finishReason);
    const blocked = stringOf(feedback.blockReason);
    this.block = blocked ?? this.block;
    this.reason = reported ?? this.reason;
    this.message = stringOf(candidate.finishMessage) ?? stringOf(feedback.blockReasonMessage) ?? this.message;
    this.usage = response.usageMetadata ?? this.usage;
    this.modelVersion = stringOf(response.modelVersion) ?? this.modelVersion;
    this.responseId = stringOf(response.responseId) ?? this.responseId;
    if (reported && !FINISH_REASONS.has(reported)) this.learn("finish_reason", reported, response);
    if (blocked && !BLOCK_REASONS.has(blocked)) this.learn("block_reason", blocked, response);
  }

  /** Null for one that says nothing, and for the image that may be the final one. */
  private readPart(part: JsonRecord): ResponseItem | null {
    const thought = part.thought === true;
    const signature = stringOf(part.thoughtSignature);
    const media = isRecord(part.inlineData) ? part.inlineData : null;
    const value = stringOf(media?.data);
    if (value) {
      const mime = stringOf(media?.mimeType) ?? "application/octet-stream";
      const found: ResponseImage = signature ? { type: "image", value, mime, thought, signature } : { type: "image", value, mime, thought };
      if (thought) return found;
      const superseded = this.image;
      this.image = found;
      return superseded && { ...superseded, thought: true };
    }
    const text = stringOf(part.text) ?? "";
    for (const name in part) if (!PARTS.has(name)) this.learn("part", name, part);
    if (!text && !signature) return null;
    if (text && !thought) this.hasText = true;
    return signature ? { type: "text", text, thought, signature } : { type: "text", text, thought };
  }
}

/** One is asked for; where there are more, the one with an image is what was paid for. */
function candidateOf(candidates: unknown): JsonRecord {
  let first: JsonRecord | null = null;
  for (const candidate of arrayOf(candidates)) {
    if (!isRecord(candidate)) continue;
    if (holdsImage(candidate)) return candidate;
    first ??= candidate;
  }
  return first ?? NO_RECORD;
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
  let tokens = 0;
  for (const entry of details) if (isRecord(entry) && entry.modality === "IMAGE") tokens += numberOf(entry.tokenCount);
  return tokens;
}

function holdsImage({ content }: JsonRecord): boolean {
  if (!isRecord(content)) return false;
  for (const part of arrayOf(content.parts)) if (isRecord(part) && isRecord(part.inlineData) && part.thought !== true) return true;
  return false;
}
