// Reads and checks a create-interaction body as strictly as the upstream does. Source: Gemini API reference, interactions, 2026-11-23.

import { hashText } from "../chance.ts";
import { type Exchange, type Fields, fieldsOf, isFields, listOf, Refusal, textOf } from "../exchange.ts";
import { interactionError } from "../google-errors.ts";
import type { ClipAspect } from "../media/clips.ts";
import type { RenderedSize } from "../media/images.ts";
import { decodeBase64, hashBytes, type InputMedia, imageBytes, sniff } from "../media/input-media.ts";
import { findFile, type GeminiFile } from "./files.ts";
import type { GeminiModel } from "./models.ts";

export type VideoInput = InputMedia & { clip?: GeminiFile["clip"] };

export type InteractionRequest = {
  prompt: string;
  images: InputMedia[];
  videos: VideoInput[];
  task: string | null;
  video: { aspect: ClipAspect | null; resolution: string; seconds: number; delivery: "inline" | "uri" };
  image: { aspect: string; size: RenderedSize };
  seed: number | null;
  background: boolean;
  store: boolean;
  stream: boolean;
  previous: string | null;
};

const BODY = [
  "model",
  "input",
  "response_format",
  "response_modalities",
  "response_mime_type",
  "generation_config",
  "background",
  "store",
  "stream",
  "previous_interaction_id",
  "labels",
  "service_tier",
  "webhook_config",
  "system_instruction",
  "safety_settings",
  "tools",
];
const GENERATION = [
  "video_config",
  "image_config",
  "seed",
  "temperature",
  "top_p",
  "max_output_tokens",
  "stop_sequences",
  "thinking_level",
  "thinking_summaries",
  "speech_config",
  "tool_choice",
];
const VIDEO_FORMAT = ["type", "aspect_ratio", "resolution", "duration", "delivery", "gcs_uri"];
const IMAGE_FORMAT = ["type", "aspect_ratio", "image_size", "mime_type", "delivery"];
const TASKS = ["text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale"];
const RESOLUTIONS = ["360p", "720p", "1080p", "4k"];
const TIERS = ["flex", "standard", "priority", "deferred"];
const MOST_IMAGES = 6;
const MOST_VIDEOS = 3;
const DEFAULT_SECONDS = 10;

/** A 400 in the form of this API, ready to throw. */
export function invalidInteraction(message: string): Refusal {
  return new Refusal(interactionError(400, "invalid_request", message));
}

/** @throws {Refusal} 400 with the code `invalid_request` */
export function readInteraction(exchange: Exchange, model: GeminiModel): InteractionRequest {
  const body = exchange.incoming.json();
  if (!body) throw invalidInteraction("The request body is not valid JSON.");
  only(body, BODY, "");
  const config = optional(body.generation_config, "generation_config");
  only(config, GENERATION, "generation_config.");
  if (model.kind === "video") refuseForOmni(body, config);
  if (body.service_tier !== undefined && !TIERS.includes(textOf(body.service_tier)))
    throw invalidInteraction("service_tier: unknown value");
  checkOptions(body);
  const background = flag(body.background, false, "background");
  const store = flag(body.store, true, "store");
  const previous = body.previous_interaction_id === undefined ? null : textOf(body.previous_interaction_id);
  if (!store && (background || previous !== null))
    throw invalidInteraction("background and previous_interaction_id need store to be true.");
  const request = {
    ...readInput(exchange, body.input),
    task: readTask(config),
    ...readFormats(body, model),
    seed: readSeed(config.seed),
    background,
    store,
    stream: flag(body.stream, false, "stream"),
    previous,
  };
  if (model.kind === "video") checkTask(request);
  return request;
}

function only(fields: Fields, known: string[], place: string): void {
  const stranger = Object.keys(fields).find((name) => !known.includes(name));
  if (stranger !== undefined) throw invalidInteraction(`Unknown parameter '${place}${stranger}'.`);
}

function optional(value: unknown, place: string): Fields {
  if (value === undefined || value === null) return {};
  if (!isFields(value)) throw invalidInteraction(`${place}: expected an object`);
  return value;
}

function flag(value: unknown, otherwise: boolean, place: string): boolean {
  if (value === undefined || value === null) return otherwise;
  if (typeof value !== "boolean") throw invalidInteraction(`${place}: expected a boolean`);
  return value;
}

function refuseForOmni(body: Fields, config: Fields): void {
  for (const name of ["safety_settings", "system_instruction", "response_mime_type", "tools"]) {
    if (body[name] !== undefined) throw invalidInteraction(`${name} is not supported by this model.`);
  }
  if (config.image_config !== undefined) throw invalidInteraction("image_config is not supported by this model.");
}

function readTask(config: Fields): string | null {
  const video = optional(config.video_config, "generation_config.video_config");
  only(video, ["task"], "generation_config.video_config.");
  if (video.task === undefined) return null;
  if (!TASKS.includes(textOf(video.task)))
    throw invalidInteraction(`generation_config.video_config.task must be one of ${TASKS.join(", ")}`);
  return textOf(video.task);
}

function readSeed(seed: unknown): number | null {
  if (seed === undefined || seed === null) return null;
  if (typeof seed !== "number" || !Number.isInteger(seed) || Math.abs(seed) > 2 ** 31 - 1)
    throw invalidInteraction("generation_config.seed: expected a 32-bit integer");
  return seed;
}

function checkOptions(body: Fields): void {
  if (body.labels !== undefined && !isFields(body.labels)) throw invalidInteraction("labels: expected an object");
  if (body.webhook_config === undefined) return;
  const webhook = optional(body.webhook_config, "webhook_config");
  only(webhook, ["uris", "user_metadata"], "webhook_config.");
  const uris = listOf(webhook.uris).map(textOf);
  if (uris.length === 0 || !uris.every((uri) => uri.startsWith("https://")))
    throw invalidInteraction("webhook_config.uris: expected https addresses");
}

type Formats = Pick<InteractionRequest, "video" | "image">;

function readFormats(body: Fields, model: GeminiModel): Formats {
  const given = body.response_format ?? {};
  const formats = Array.isArray(given) ? given : [given];
  const wanted: Formats = {
    video: { aspect: null, resolution: "720p", seconds: DEFAULT_SECONDS, delivery: "inline" },
    image: { aspect: "1:1", size: "1K" },
  };
  for (const value of formats) {
    const format = optional(value, "response_format");
    if (format.type === "video" || (model.kind === "video" && format.type === undefined)) wanted.video = readVideoFormat(format, model);
    else if (format.type === "image" || (model.kind === "image" && format.type === undefined))
      wanted.image = readImageFormat(format, model);
    else if (format.type !== "text") throw invalidInteraction("response_format.type: unknown value");
  }
  return wanted;
}

function readVideoFormat(format: Fields, model: GeminiModel): Formats["video"] {
  only(format, VIDEO_FORMAT, "response_format.");
  if (model.kind !== "video") throw invalidInteraction(`The model ${model.id} does not make videos.`);
  if (format.gcs_uri !== undefined && !model.vertex) throw invalidInteraction("gcs_uri is not supported in the Gemini API.");
  if (model.vertex && format.delivery === "uri" && format.gcs_uri === undefined)
    throw invalidInteraction("response_format.gcs_uri is required when delivery is uri.");
  const aspect = format.aspect_ratio ?? null;
  if (aspect !== null && aspect !== "16:9" && aspect !== "9:16")
    throw invalidInteraction("response_format.aspect_ratio must be 16:9 or 9:16");
  const resolution = textOf(format.resolution ?? "720p");
  if (!RESOLUTIONS.includes(resolution)) throw invalidInteraction(`response_format.resolution must be one of ${RESOLUTIONS.join(", ")}`);
  const delivery = format.delivery ?? "inline";
  if (delivery !== "inline" && delivery !== "uri") throw invalidInteraction("response_format.delivery must be inline or uri");
  return { aspect, resolution, seconds: readSeconds(format.duration, model), delivery };
}

function readSeconds(duration: unknown, model: GeminiModel): number {
  if (duration === undefined) return DEFAULT_SECONDS;
  const text = /^(\d+(?:\.\d+)?)s$/.exec(textOf(duration))?.[1];
  if (!text) throw invalidInteraction("response_format.duration must be a string such as '8s'");
  const most = model.id === "gemini-omni-1.1-flash" ? 10 : 15;
  const seconds = Number(text);
  if (seconds < 3 || seconds > most) throw invalidInteraction(`response_format.duration must be between 3s and ${most}s`);
  return seconds;
}

function readImageFormat(format: Fields, model: GeminiModel): Formats["image"] {
  only(format, IMAGE_FORMAT, "response_format.");
  if (!model.image) throw invalidInteraction(`The model ${model.id} does not make images.`);
  const aspect = textOf(format.aspect_ratio ?? "1:1");
  if (!model.image.aspects.includes(aspect))
    throw invalidInteraction(`response_format.aspect_ratio must be one of ${model.image.aspects.join(", ")}`);
  if (format.image_size === undefined) return { aspect, size: "1K" };
  const size = model.image.sizes.find((known) => known === format.image_size);
  if (!size) throw invalidInteraction(`response_format.image_size must be one of ${model.image.sizes.join(", ")}`);
  return { aspect, size };
}

type Input = Pick<InteractionRequest, "prompt" | "images" | "videos">;

function readInput(exchange: Exchange, input: unknown): Input {
  if (typeof input === "string") return { prompt: input, images: [], videos: [] };
  const blocks = (Array.isArray(input) ? input : [input]).flatMap((value, index) => blocksOf(value, `input[${index}]`));
  if (blocks.length === 0) throw invalidInteraction("input: expected a string, content blocks or steps");
  const read: Input = { prompt: "", images: [], videos: [] };
  for (const [block, place] of blocks) {
    if (block.type === "text") read.prompt = `${read.prompt}\n${textOf(block.text)}`.trim();
    else if (block.type === "image") read.images.push(readImage(exchange, block, place));
    else if (block.type === "video") read.videos.push(readVideo(exchange, block, place));
    else if (block.type !== "audio" && block.type !== "document") throw invalidInteraction(`${place}.type: unknown value`);
  }
  return read;
}

function blocksOf(value: unknown, place: string): [Fields, string][] {
  const fields = fieldsOf(value);
  if (fields.type === "thought") return [];
  if (fields.type !== "user_input" && fields.type !== "model_output") return isFields(value) ? [[fields, place]] : [];
  return listOf(fields.content).map((block, index) => [fieldsOf(block), `${place}.content[${index}]`]);
}

function readImage(exchange: Exchange, block: Fields, place: string): InputMedia {
  only(block, ["type", "data", "uri", "mime_type", "resolution"], `${place}.`);
  if (typeof block.uri === "string") {
    if (/\/files\/[a-z0-9]+/.test(block.uri)) return findFile(exchange.world, exchange.incoming, block.uri);
    return { mime: textOf(block.mime_type), bytes: 0, hash: hashText(block.uri) };
  }
  const bytes = decodeBase64(textOf(block.data));
  if (!bytes) throw invalidInteraction(`${place}.data: expected base64`);
  return imageBytes(bytes);
}

function readVideo(exchange: Exchange, block: Fields, place: string): VideoInput {
  only(block, ["type", "data", "uri", "mime_type", "resolution"], `${place}.`);
  if (typeof block.uri === "string" && !block.uri.includes("/files/"))
    throw invalidInteraction(`${place}.uri: videos are taken inline or from the Files API only`);
  if (typeof block.uri === "string") return findFile(exchange.world, exchange.incoming, block.uri);
  const bytes = decodeBase64(textOf(block.data));
  if (!bytes || sniff(bytes) !== "video/mp4") throw invalidInteraction(`${place}.data: expected a video in base64`);
  return { mime: "video/mp4", bytes: bytes.length, hash: hashBytes(bytes) };
}

function checkTask(request: InteractionRequest): void {
  const { task, images, videos, video, previous } = request;
  if (images.length > MOST_IMAGES) throw invalidInteraction(`At most ${MOST_IMAGES} images are supported.`);
  if (videos.length > MOST_VIDEOS) throw invalidInteraction(`At most ${MOST_VIDEOS} videos are supported.`);
  const source = videos.length === 1 || previous !== null;
  if (task === "text_to_video" && images.length + videos.length > 0) throw invalidInteraction("text_to_video takes no images or videos.");
  if (task === "image_to_video" && (images.length < 1 || images.length > 2))
    throw invalidInteraction("image_to_video takes one or two images.");
  if (task === "image_to_video" && images.length === 2 && video.seconds > 10)
    throw invalidInteraction("With a last frame the duration is at most 10s.");
  if (task === "reference_to_video" && images.length + videos.length === 0)
    throw invalidInteraction("reference_to_video takes at least one reference.");
  if ((task === "edit" || task === "extend" || task === "upscale") && !source) throw invalidInteraction(`${task} takes exactly one video.`);
  if ((task === "edit" || task === "extend") && video.aspect !== null)
    throw invalidInteraction(`${task} keeps the aspect ratio of its source.`);
  if (request.prompt === "" && task !== "upscale") throw invalidInteraction("input: a text is expected");
}
