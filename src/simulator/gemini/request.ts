// Reads and checks a generateContent body as strictly as the upstream does. Source: GenerateContentRequest of the Gemini API v1beta, 2026-11-23.
import { hashText } from "../chance.ts";
import { type Fields, fieldsOf, Refusal, textOf } from "../exchange.ts";
import { googleError, invalidArgument } from "../google-errors.ts";
import type { RenderedSize } from "../media/images.ts";
import { type InputMedia, inputImage, inputVideo } from "../media/input-media.ts";
import { enumValue, message, numberValue, readProtoJson, repeated } from "../proto-json.ts";
import type { GeminiModel, ImageLimits } from "./models.ts";
import { checkCache, checkCategories, checkConfig, checkSignatures, checkTool, flagValue } from "./strict.ts";

export type ContentRequest = {
  model: GeminiModel;
  /** Whose account signs what is made. */
  project: string;
  /** What the image is drawn from: the text of the last user turn. */
  prompt: string;
  /** Images of all turns, in order. */
  inputs: InputMedia[];
  aspect: string;
  size: RenderedSize;
  seed: number | null;
  includeThoughts: boolean;
  wants: { text: boolean; image: boolean };
  /** A search was asked for: the reply reports its sources. */
  searches: boolean;
  textTokens: number;
};

/** Finds the image behind a Files API address. @throws {Refusal} */
export type FileLookup = (uri: string) => InputMedia;

const BODY = [
  "model",
  "contents",
  "systemInstruction",
  "safetySettings",
  "tools",
  "toolConfig",
  "generationConfig",
  "cachedContent",
  "serviceTier",
  "store",
  "continuationToken",
];
const PART = [
  "text",
  "inlineData",
  "fileData",
  "thought",
  "thoughtSignature",
  "functionCall",
  "functionResponse",
  "executableCode",
  "codeExecutionResult",
  "videoMetadata",
  "mediaResolution",
  "partMetadata",
];
const GENERATION = [
  "candidateCount",
  "seed",
  "temperature",
  "topP",
  "topK",
  "maxOutputTokens",
  "stopSequences",
  "responseModalities",
  "thinkingConfig",
  "imageConfig",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "presencePenalty",
  "frequencyPenalty",
  "responseLogprobs",
  "logprobs",
  "speechConfig",
  "mediaResolution",
  "enableEnhancedCivicAnswers",
];
const TOOLS = [
  "googleSearch",
  "functionDeclarations",
  "codeExecution",
  "urlContext",
  "googleSearchRetrieval",
  "googleMaps",
  "fileSearch",
  "computerUse",
];
const CATEGORIES = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY"].map(
  (name) => `HARM_CATEGORY_${name}`,
);
const VERTEX_CATEGORIES = [
  ...CATEGORIES,
  ...["IMAGE_HATE", "IMAGE_DANGEROUS_CONTENT", "IMAGE_HARASSMENT", "IMAGE_SEXUALLY_EXPLICIT", "JAILBREAK"].map(
    (name) => `HARM_CATEGORY_${name}`,
  ),
];
const IMAGE = ["aspectRatio", "imageSize"];
const VERTEX_IMAGE = [...IMAGE, "personGeneration", "imageOutputOptions", "outputMimeType", "outputCompressionQuality", "prominentPeople"];
const THRESHOLDS = [
  "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
  "BLOCK_LOW_AND_ABOVE",
  "BLOCK_MEDIUM_AND_ABOVE",
  "BLOCK_ONLY_HIGH",
  "BLOCK_NONE",
  "OFF",
];
/** Of one image; what is larger is read from Cloud Storage (Vertex image generation guide, 2026-11-29). */
const MOST_INLINE_BYTES = 7 * 1024 * 1024;
const LEVELS = ["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];

/** @throws {Refusal} 400 INVALID_ARGUMENT as the upstream words it */
export function readContentRequest(body: Fields | null, model: GeminiModel, findFile: FileLookup, project = ""): ContentRequest {
  if (!body) throw invalidArgument("Invalid JSON payload received. Unexpected token.");
  const fields = message(readProtoJson(body), model.vertex ? [...BODY, "labels"] : BODY, "");
  const turns = repeated(fields.contents).map((turn, index) => readTurn(turn, index, findFile, project));
  if (turns.length === 0) throw invalidArgument("* GenerateContentRequest.contents: contents is not specified");
  checkSafety(fields, model);
  const config = message(fields.generationConfig, GENERATION, "generation_config");
  checkTools(fields, model);
  checkConfig(config, model);
  checkCache(fields);
  const system = message(fields.systemInstruction, ["parts", "role"], "system_instruction");
  const systemText = repeated(system.parts)
    .map((part) => textOf(message(part, PART, "system_instruction.parts").text))
    .join("\n");
  const inputs = turns.flatMap((turn) => turn.inputs);
  if (model.vertex && inputs.some(({ bytes }) => bytes > MOST_INLINE_BYTES))
    throw invalidArgument("Request contains an image that is larger than 7 MB: use a Cloud Storage URI.");
  const videos = inputs.filter(({ mime }) => mime.startsWith("video/"));
  if (model.image && videos.length > 0 && !model.image.videos) throw invalidArgument(`Video input is not supported by models/${model.id}.`);
  if (model.image && inputs.length - videos.length > model.image.maxInputs) {
    throw invalidArgument(
      `Too many images in the request: ${inputs.length}. The model ${model.id} supports at most ${model.image.maxInputs}.`,
    );
  }
  const image = readImageConfig(config, model);
  const lastUser = turns.findLast((turn) => turn.role === "user") ?? turns.at(-1)!;
  return {
    model,
    project,
    prompt: lastUser.text,
    inputs,
    ...image,
    seed: numberValue(config.seed, -(2 ** 31), 2 ** 31 - 1, "seed") ?? null,
    includeThoughts: readThinking(config, model),
    wants: readModalities(config),
    searches: repeated(fields.tools).some((tool) => fieldsOf(tool).googleSearch !== undefined),
    textTokens: Math.ceil((systemText.length + turns.reduce((sum, turn) => sum + turn.text.length, 0)) / 4),
  };
}

function readTurn(
  value: unknown,
  index: number,
  findFile: FileLookup,
  project: string,
): { role: string; text: string; inputs: InputMedia[] } {
  const place = `contents[${index}]`;
  const turn = message(value, ["role", "parts"], place);
  const role = textOf(turn.role) || "user";
  if (role !== "user" && role !== "model") throw invalidArgument("Please use a valid role: user, model.");
  const parts = repeated(turn.parts).map((part, at) => message(part, PART, `${place}.parts[${at}]`));
  if (parts.length === 0) throw invalidArgument(`* GenerateContentRequest.${place}.parts: contents.parts must not be empty.`);
  for (const [at, part] of parts.entries()) checkPart(part, `${place}.parts[${at}]`, project);
  return {
    role,
    text: parts
      .map((part) => textOf(part.text))
      .join("\n")
      .trim(),
    inputs: parts.flatMap((part, at) => imageOf(part, `${place}.parts[${at}]`, findFile)),
  };
}

function checkPart(part: Fields, place: string, project: string): void {
  checkSignatures(part, place, project);
  const data = ["text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"];
  const filled = data.filter((name) => part[name] !== undefined);
  if (filled.length === 0)
    throw invalidArgument(`* GenerateContentRequest.${place}.data: required oneof field 'data' must have one initialized field`);
  if (filled.length > 1)
    throw invalidArgument(`Invalid value at '${place}' (oneof), oneof field 'data' is already set. Cannot set '${filled[1]}'`);
  if (part.text !== undefined && typeof part.text !== "string")
    throw invalidArgument(`Invalid value at '${place}.text' (TYPE_STRING)`, `${place}.text`);
}

function imageOf(part: Fields, place: string, findFile: FileLookup): InputMedia[] {
  if (part.inlineData !== undefined) {
    const inline = message(part.inlineData, ["mimeType", "data"], `${place}.inline_data`);
    const type = textOf(inline.mimeType);
    const read = type.startsWith("video/") ? inputVideo : inputImage;
    return [read(textOf(inline.data), type, `${place}.inline_data`)];
  }
  if (part.fileData === undefined) return [];
  const uri = textOf(fieldsOf(part.fileData).fileUri);
  if (YOUTUBE.test(uri)) return [{ mime: "video/mp4", bytes: 0, hash: hashText(uri) }];
  return [findFile(textOf(message(part.fileData, ["mimeType", "fileUri"], `${place}.file_data`).fileUri))];
}

const YOUTUBE = /^https:\/\/www\.youtube\.com\/watch\?v=|^https:\/\/youtu\.be\//;

function checkSafety(fields: Fields, model: GeminiModel): void {
  for (const value of repeated(fields.safetySettings)) {
    const setting = message(value, ["category", "threshold"], "safety_settings");
    enumValue(setting.category, model.vertex ? VERTEX_CATEGORIES : CATEGORIES, "safety_settings.category");
    enumValue(setting.threshold, THRESHOLDS, "safety_settings.threshold");
  }
  checkCategories(repeated(fields.safetySettings).map(fieldsOf));
}

function checkTools(fields: Fields, model: GeminiModel): void {
  for (const value of repeated(fields.tools)) {
    const tool = message(value, TOOLS, "tools");
    if (!model.image) continue;
    checkTool(tool, model);
    if (tool.functionDeclarations !== undefined) throw invalidArgument(`Function calling is not enabled for models/${model.id}`);
    if (tool.googleSearch !== undefined && !model.image.search) throw invalidArgument("Search Grounding is not supported.");
  }
}

function readThinking(config: Fields, model: GeminiModel): boolean {
  const thinking = message(
    config.thinkingConfig,
    ["includeThoughts", "thinkingLevel", "thinkingBudget"],
    "generation_config.thinking_config",
  );
  flagValue(thinking.includeThoughts, "generation_config.thinking_config.include_thoughts");
  if (thinking.thinkingLevel !== undefined && thinking.thinkingBudget !== undefined)
    throw invalidArgument("You can only set only one of thinking budget and thinking level.");
  const level = enumValue(thinking.thinkingLevel, LEVELS, "generation_config.thinking_config.thinking_level");
  if (!model.image || Object.keys(thinking).length === 0) return thinking.includeThoughts === true;
  if (!model.image.thinks) throw invalidArgument(`Thinking is not enabled for models/${model.id}`);
  if (level !== undefined && !model.image.thinkingLevels.includes(level)) {
    throw invalidArgument(`Thinking level ${level} is not supported for this model. Please retry with other thinking level.`);
  }
  return thinking.includeThoughts === true;
}

function readModalities(config: Fields): { text: boolean; image: boolean } {
  const wanted = repeated(config.responseModalities).map((value) =>
    enumValue(value, ["TEXT", "IMAGE", "AUDIO"], "generation_config.response_modalities"),
  );
  if (wanted.includes("AUDIO"))
    throw invalidArgument("The requested combination of response modalities (AUDIO) is not supported by the model.");
  return wanted.length === 0 ? { text: true, image: true } : { text: wanted.includes("TEXT"), image: wanted.includes("IMAGE") };
}

function readImageConfig(config: Fields, model: GeminiModel): { aspect: string; size: RenderedSize } {
  const candidates = numberValue(config.candidateCount, 1, 8, "candidateCount") ?? 1;
  numberValue(config.temperature, 0, 2, "temperature");
  numberValue(config.topP, 0, 1, "topP");
  const image = message(config.imageConfig, model.vertex ? VERTEX_IMAGE : IMAGE, "generation_config.image_config");
  const limits = model.image;
  if (!limits) {
    if (config.imageConfig !== undefined) throw invalidArgument("Image config is not supported by this model.");
    return { aspect: "1:1", size: "1K" };
  }
  if (candidates > 1) throw invalidArgument("Multiple candidates is not enabled for this model");
  if (!limits.sampling && (config.temperature !== undefined || config.topP !== undefined)) {
    throw invalidArgument(`temperature and topP are not supported by models/${model.id}.`);
  }
  return { aspect: readAspect(image.aspectRatio, limits), size: readSize(image.imageSize, limits, model.id) };
}

function readAspect(value: unknown, limits: ImageLimits): string {
  if (value === undefined) return "1:1";
  if (typeof value === "string" && limits.aspects.includes(value)) return value;
  throw invalidArgument(`aspect_ratio must be one of ${limits.aspects.map((aspect) => `'${aspect}'`).join(", ")}`);
}

function readSize(value: unknown, limits: ImageLimits, model: string): RenderedSize {
  if (value === undefined) return "1K";
  const size = limits.sizes.find((known) => known === value);
  if (size) return size;
  if (limits.sizes.length === 0) throw invalidArgument(`image_size is not supported by models/${model}.`);
  throw invalidArgument(`image_size must be one of ${limits.sizes.map((known) => `'${known}'`).join(", ")}`);
}

/** The address of a file that is not there, or not this project's: the upstream does not report which. */
export function noSuchFile(name: string): Refusal {
  return new Refusal(googleError(403, `You do not have permission to access the File ${name} or it may not exist.`));
}

/** The part of a request body that countTokens wraps, or the body itself. */
export function countedBody(body: Fields | null): Fields | null {
  if (!body) return null;
  const wrapped = body.generateContentRequest ?? body.generate_content_request;
  return wrapped === undefined ? body : fieldsOf(wrapped);
}
