// Options of generateContent: safety, search, sampling and output format; other fields are reported as ignored. Pure.
// Source: Gemini API reference, GenerateContentRequest, SafetySetting, Tool and GenerationConfig, read 2026-11-29.
import { type Kind, type ModelOptions, SEARCH_TYPES, type SearchOptions } from "../../domain/generation.ts";
import { isRecord } from "../../domain/is-record.ts";
import { mustBe } from "../body/invalid.ts";
import { IMAGE_FORMATS, type ImageFormatOptions } from "../image-output.ts";
import { type Fields, fieldsOf, listOf, numberOf, textOf } from "./proto-json.ts";

export type DecodedOptions = {
  options?: ModelOptions;
  /** How images are encoded; null: as the model makes them. */
  output: ImageFormatOptions | null;
  /** Fields that change nothing here, as the client knows them. */
  ignored: string[];
};

/** Where image-config.ts finds shape and size for clients of other gateways. */
const HINT_PLACES = ["imageConfig", "extraBody", "google", "aspectRatio", "imageSize", "size", "quality"];

/** Fields that are read, here or in decode.ts. Every other one is reported as ignored: see the table in README.md. */
const READ = {
  body: ["contents", "systemInstruction", "safetySettings", "tools", "generationConfig", "model", "cachedContent", ...HINT_PLACES],
  generationConfig: [
    ...["candidateCount", "responseModalities", "responseMimeType", "seed", "temperature", "topP", "topK"],
    ...["imageConfig", "thinkingConfig", "responseSchema", "responseJsonSchema", ...HINT_PLACES],
  ],
  imageConfig: ["aspectRatio", "imageSize", "outputMimeType", "outputCompressionQuality", "imageOutputOptions", "personGeneration"],
  thinkingConfig: ["includeThoughts", "thinkingLevel"],
  safety: ["category", "threshold"],
} as const;
/** Fields of `generationConfig` that are objects. */
const OBJECTS = ["imageConfig", "thinkingConfig"] as const;
const NO_OUTER: Fields = {};
const NO_NAMES: readonly string[] = [];

/** A video model is asked for images by clients that know no other word. */
const MODALITIES = { image: ["MODALITY_UNSPECIFIED", "TEXT", "IMAGE"], video: ["MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO"] };
const THRESHOLDS: readonly string[] = [
  ...["HARM_BLOCK_THRESHOLD_UNSPECIFIED", "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"],
];
/** Those of the Gemini API, civic integrity apart, which Imagen's single setting never meant. */
const STANDARD = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"].map((name) => `HARM_CATEGORY_${name}`);

/** @throws {AppError} `invalid_request` for values that Google refuses as well */
export function decodeOptions(body: Fields, kind: Kind = "image"): DecodedOptions {
  const config = fieldsOf(body.generationConfig);
  const image = fieldsOf(config.imageConfig);
  refuseImpossible(body, config, kind);
  const ignored: string[] = [];
  addUnread(ignored, body, READ.body, "");
  addUnreadParts(ignored, body.contents);
  addUnread(ignored, config, READ.generationConfig, "generationConfig.");
  addUnread(ignored, image, READ.imageConfig, "generationConfig.imageConfig.");
  addUnread(ignored, fieldsOf(config.thinkingConfig), READ.thinkingConfig, "generationConfig.thinkingConfig.");
  addMisshapen(ignored, config, OBJECTS, "generationConfig.");
  if (isUnmadeText(config)) ignored.push("generationConfig.responseMimeType");
  const search = readTools(body.tools, ignored);
  const output = outputOf(image);
  ignored.push(...unmadeOutput(image, NO_OUTER, "generationConfig.imageConfig."));
  for (const one of listOf(body.safetySettings)) addUnread(ignored, fieldsOf(one), READ.safety, "safetySettings.");
  const options = present({
    safety: readSafety(body.safetySettings),
    search,
    temperature: ranged(config.temperature, 2, "generationConfig.temperature"),
    topP: ranged(config.topP, 1, "generationConfig.topP"),
    topK: ranged(config.topK, 1000, "generationConfig.topK"),
    personGeneration: textOf(image.personGeneration)?.toUpperCase(),
  });
  return { options, output, ignored };
}

const READ_OF_INTERACTIONS = {
  body: [
    ...["model", "input", "background", "stream", "store", "previousInteractionId", "systemInstruction", "responseFormat"],
    ...["responseModalities", "responseMimeType", "generationConfig", "webhookConfig", "safetySettings", "tools", ...HINT_PLACES],
  ],
  generationConfig: ["seed", "temperature", "topP", "thinkingLevel", "videoConfig", "imageConfig", ...HINT_PLACES],
};

/** The same of an interaction, whose tools are named by their type. @throws {AppError} as {@link decodeOptions} */
export function interactionOptions(body: Fields): Omit<DecodedOptions, "output"> {
  const config = fieldsOf(body.generationConfig);
  const { temperature, topP } = config;
  const tools = listOf(body.tools).map((tool) => {
    const { type, ...settings } = fieldsOf(tool);
    return { [toolName(type)]: settings };
  });
  const { options, ignored } = decodeOptions({ safetySettings: body.safetySettings, tools, generationConfig: { temperature, topP } });
  const others = [
    ...unread(body, READ_OF_INTERACTIONS.body, ""),
    ...unread(config, READ_OF_INTERACTIONS.generationConfig, "generationConfig."),
  ];
  return { ...(options ? { options } : {}), ignored: [...others, ...ignored] };
}

/** What is read of `response_format`, of an image's and of a video's. */
const FORMAT_FIELDS = ["type", "aspectRatio", "resolution", "duration", "imageSize", "delivery", "mimeType", ...HINT_PLACES];
/** `thought` is what a model says to itself: the client hands it back as it came. */
const BLOCKS = ["text", "image", "video", "thought", "user_input", "model_output"];

/** Names of what an interaction holds and nothing is made of: kinds of input, fields of a format. */
export function unreadOfInteraction({ input, responseFormat }: Fields): string[] {
  const formats = listOf(responseFormat);
  const blocks = listOf(input).flatMap((one) => (isRecord(one) && "content" in one ? listOf(one.content) : [one]));
  const kinds = blocks.flatMap((block) => textOf(fieldsOf(block).type) ?? []).filter((type) => !BLOCKS.includes(type));
  return [
    ...new Set([
      ...kinds.map((type) => `input.${type}`),
      ...formats.flatMap((format) => (isRecord(format) ? unread(format, FORMAT_FIELDS, "responseFormat.") : ["responseFormat"])),
    ]),
  ];
}

const toolName = (type: unknown) => (textOf(type) === "google_search" ? "googleSearch" : (textOf(type) ?? "unnamed"));

/** One threshold for all standard categories, as Imagen's clients send it; null for a word that is none. */
export function imagenSafety(value: unknown): ModelOptions["safety"] | null {
  const threshold = textOf(value)?.toUpperCase();
  if (threshold === undefined || !THRESHOLDS.includes(threshold)) return null;
  return STANDARD.map((category) => ({ category, threshold }));
}

/** Names of the fields that are not read; empty values do not count. */
export function unread(fields: Fields, read: readonly string[], prefix: string): string[] {
  const names: string[] = [];
  addUnread(names, fields, read, prefix);
  return names;
}

function addUnread(names: string[], fields: Fields, read: readonly string[], prefix: string): void {
  for (const name in fields) if (!read.includes(name) && !isEmpty(fields[name])) names.push(`${prefix}${name}`);
}

const PART_FIELDS = ["text", "inlineData", "fileData", "thought", "thoughtSignature"];

/** Names of fields of parts that are not read (`videoMetadata`, results of functions), each once. */
function addUnreadParts(names: string[], contents: unknown): void {
  let found: Set<string> | null = null;
  for (const content of listOf(contents)) {
    for (const part of listOf(fieldsOf(content).parts)) {
      const fields = fieldsOf(part);
      for (const name in fields) {
        if (PART_FIELDS.includes(name) || isEmpty(fields[name])) continue;
        found ??= new Set();
        found.add(`contents.parts.${name}`);
      }
    }
  }
  if (found) names.push(...found);
}

/** Names of fields that are no objects where only an object is read. */
function addMisshapen(ignored: string[], fields: Fields, names: readonly string[], prefix: string): void {
  for (const name of names) if (!isRecord(fields[name]) && !isEmpty(fields[name])) ignored.push(`${prefix}${name}`);
}

const MADE_TEXT = /^text\/plain$|json/i;
/** JSON is answered or refused elsewhere; plain text is what an image model says. */
const isUnmadeText = ({ responseMimeType }: Fields): boolean => !MADE_TEXT.test(textOf(responseMimeType) ?? "text/plain");

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === undefined || value === null || value === "" || value === false;
  return Object.keys(value).length === 0;
}

function refuseImpossible({ cachedContent }: Fields, { candidateCount, responseModalities }: Fields, kind: Kind): void {
  const count = candidateCount === undefined ? 1 : numberOf(candidateCount);
  if (count !== 1) throw mustBe("generationConfig.candidateCount", "1 (image models make one candidate)", candidateCount);
  if (textOf(cachedContent)) throw mustBe("cachedContent", "absent: nothing is cached here", cachedContent);
  for (const one of listOf(responseModalities)) {
    if (MODALITIES[kind].includes(String(one).toUpperCase())) continue;
    throw mustBe("generationConfig.responseModalities", "TEXT and IMAGE: this model makes nothing else", one);
  }
}

function readSafety(value: unknown): ModelOptions["safety"] {
  const list = listOf(value);
  if (list.length === 0) return undefined;
  return list.map((one, index) => {
    const { category, threshold } = fieldsOf(one);
    const [name, word] = [textOf(category)?.toUpperCase(), textOf(threshold)?.toUpperCase()];
    if (!name || !/^[A-Z_]{1,80}$/.test(name)) throw mustBe(`safetySettings[${index}].category`, "a harm category", category);
    if (!word || !THRESHOLDS.includes(word))
      throw mustBe(`safetySettings[${index}].threshold`, `one of ${THRESHOLDS.slice(1).join(", ")}`, threshold);
    return { category: name, threshold: word };
  });
}

/** The older name of the tool means the same; what else stands in a tool is added to `ignored`. */
function readTools(value: unknown, ignored: string[]): SearchOptions | undefined {
  let search: SearchOptions | undefined;
  for (const tool of listOf(value)) {
    if (!isRecord(tool)) ignored.push("tools");
    const { googleSearch, googleSearchRetrieval, ...others } = fieldsOf(tool);
    const settings = googleSearch ?? googleSearchRetrieval;
    if (settings !== undefined && settings !== false) search = readSearch(fieldsOf(settings), ignored);
    ignored.push(...Object.keys(others).map((name) => `tools.${name}`));
  }
  return search;
}

function readSearch(settings: Fields, ignored: string[]): SearchOptions {
  ignored.push(...unread(settings, ["searchTypes"], "tools.googleSearch."));
  const types = fieldsOf(settings.searchTypes);
  const known = SEARCH_TYPES.filter((type) => isRecord(types[`${type}Search`]));
  ignored.push(...unread(types, ["webSearch", "imageSearch"], "tools.googleSearch.searchTypes."));
  return known.length > 0 ? { types: known } : {};
}

function ranged(value: unknown, most: number, param: string): number | undefined {
  if (value === undefined) return undefined;
  const number = numberOf(value);
  if (number === undefined || number < 0 || number > most) throw mustBe(param, `between 0 and ${most}`, value);
  return number;
}

/** Name of the field that asks for an encoding that is not made here, in a list to be reported: the image is the same in another one. */
export function unmadeOutput(image: Fields, outer: Fields, prefix: string): readonly string[] {
  const asked = textOf(fieldsOf(image.imageOutputOptions).mimeType ?? image.outputMimeType ?? outer.mimeType);
  if (!asked || outputOf(image, outer)?.format) return NO_NAMES;
  return [`${prefix}${"outputMimeType" in image ? "outputMimeType" : "mimeType"}`];
}

/** What cannot be made here is passed over. */
export function outputOf(image: Fields, outer: Fields = NO_OUTER): ImageFormatOptions | null {
  const inner = fieldsOf(image.imageOutputOptions);
  const word = imageTypeOf(inner.mimeType ?? image.outputMimeType ?? outer.mimeType);
  const quality = numberOf(inner.compressionQuality ?? image.outputCompressionQuality ?? outer.compressionQuality);
  const format = word === undefined ? null : (IMAGE_FORMATS.find((one) => one === word) ?? null);
  const compression = quality === undefined ? null : Math.min(100, Math.max(0, Math.round(quality)));
  return format === null && compression === null ? null : { format, compression };
}

const imageTypeOf = (type: unknown): string | undefined => textOf(type)?.toLowerCase().replace("image/", "").replace("jpg", "jpeg");

/** The fields that have a value; undefined where none has one. */
function present<T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } | undefined {
  let found: Record<string, unknown> | undefined;
  for (const name in value) {
    if (value[name] === undefined) continue;
    found ??= {};
    found[name] = value[name];
  }
  return found as never;
}
