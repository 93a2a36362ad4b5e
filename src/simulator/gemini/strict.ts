// What generateContent refuses beside shape: types of scalars, ranges, and what image models do not do. Source: Gemini API reference, 2026-11-29.
import { hashText } from "../chance.ts";
import { type Fields, Refusal, textOf } from "../exchange.ts";
import { googleError, invalidArgument } from "../google-errors.ts";
import { decodeBase64 } from "../media/input-media.ts";
import { numberValue, repeated } from "../proto-json.ts";
import type { GeminiModel } from "./models.ts";

const MOST_STOPS = 5;
const MOST_OUTPUT_TOKENS = 65_536;

/** @throws {Refusal} 400 when present and neither true nor false: proto JSON takes no words for a flag */
export function flagValue(value: unknown, place: string): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  throw invalidArgument(`Invalid value at '${place}' (TYPE_BOOL), ${JSON.stringify(value)}`, place);
}

/** @throws {Refusal} 400 when present and no whole number in the range */
export function integerValue(value: unknown, least: number, most: number, place: string): number | undefined {
  const number = numberValue(value, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, place);
  if (number !== undefined && !Number.isInteger(number))
    throw invalidArgument(`Invalid value at '${place}' (TYPE_INT32), ${number}`, place);
  return numberValue(value, least, most, place);
}

/** The configuration's numbers, and switches that image models lack. @throws {Refusal} */
export function checkConfig(config: Fields, model: GeminiModel): void {
  integerValue(config.seed, -(2 ** 31), 2 ** 31 - 1, "seed");
  integerValue(config.topK, 1, 1000, "topK");
  integerValue(config.maxOutputTokens, 1, MOST_OUTPUT_TOKENS, "maxOutputTokens");
  if (repeated(config.stopSequences).length > MOST_STOPS) throw invalidArgument(`stop_sequences must have at most ${MOST_STOPS} entries.`);
  if (!model.image) return;
  const name = `models/${model.id}`;
  const isJson = config.responseMimeType !== undefined && config.responseMimeType !== "text/plain";
  if (isJson || config.responseSchema !== undefined || config.responseJsonSchema !== undefined)
    throw invalidArgument(`JSON mode is not enabled for ${name}`);
  if (config.speechConfig !== undefined) throw invalidArgument(`speech_config is not supported by ${name}.`);
  if (config.responseLogprobs === true || config.logprobs !== undefined) throw invalidArgument(`Logprobs is not enabled for ${name}`);
  if (config.presencePenalty !== undefined || config.frequencyPenalty !== undefined)
    throw invalidArgument(`Penalty is not enabled for ${name}`);
}

/** @throws {Refusal} 400 for tools that an image model lacks */
export function checkTool(tool: Fields, model: GeminiModel): void {
  const name = `models/${model.id}`;
  if (tool.codeExecution !== undefined) throw invalidArgument(`Code execution is not enabled for ${name}`);
  if (tool.urlContext !== undefined) throw invalidArgument(`Browse tool is not enabled for ${name}`);
  if (tool.googleMaps !== undefined) throw invalidArgument(`Google Maps tool is not enabled for ${name}`);
  if (tool.fileSearch !== undefined) throw invalidArgument(`File search tool is not enabled for ${name}`);
  if (tool.computerUse !== undefined) throw invalidArgument(`Computer Use is not enabled for ${name}`);
}

/** @throws {Refusal} 400 for a category named twice or not at all */
export function checkCategories(settings: readonly Fields[]): void {
  const categories = settings.map(({ category }) => textOf(category).toUpperCase());
  if (categories.includes("")) throw invalidArgument("Invalid value at 'safety_settings.category', a category is expected");
  if (new Set(categories).size < categories.length)
    throw invalidArgument("There must not be more than one setting for each category in safety_settings.");
}

/** @throws {Refusal} 403: no cache is ever made here */
export function checkCache(fields: Fields): void {
  if (fields.cachedContent !== undefined) throw new Refusal(googleError(403, "CachedContent not found (or permission denied)"));
}

const MARK = 0x51_6d_a7_0b;
const WORDS = 25;

/** The signature of a part that an account of this project got. */
export function signPart(text: string, seed: number, project: string): string {
  const words = new Uint32Array(WORDS).map((_, index) => hashText(text, seed + index));
  words[0] = MARK;
  words[1] = hashText(project, 1);
  return Buffer.from(words.buffer).toString("base64");
}

/** Thought flag and signature of a part. @throws {Refusal} 400, also for a signature of ours that another project got */
export function checkSignatures(part: Fields, place: string, project: string): void {
  flagValue(part.thought, `${place}.thought`);
  const { thoughtSignature } = part;
  if (thoughtSignature === undefined || thoughtSignature === "" || thoughtSignature === "skip_thought_signature_validator") return;
  const bytes = typeof thoughtSignature === "string" ? decodeBase64(thoughtSignature) : null;
  if (!bytes)
    throw invalidArgument(
      `Invalid value at '${place}.thought_signature' (TYPE_BYTES), Base64 decoding failed for ${JSON.stringify(thoughtSignature)}`,
    );
  if (bytes.length !== WORDS * 4 || bytes.readUInt32LE(0) !== MARK) return;
  if (bytes.readUInt32LE(4) !== hashText(project, 1) >>> 0) throw invalidArgument("Corrupted thought signature.");
}
