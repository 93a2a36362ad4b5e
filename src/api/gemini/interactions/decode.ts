// Interaction body decoder: conversation or prompt, options and delivery. Pure: URLs are not fetched.
// Source: docs/wire/gemini.md.

import type { ImageOptions, VideoOptions } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import type { InputReference, UnresolvedTurn } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import type { ImageHints } from "../../../gateway/models/image-options.ts";
import { mustBe } from "../../body/invalid.ts";
import { collectImageHints } from "../../image-config.ts";
import type { ImageFormatOptions } from "../../image-output.ts";
import { foldSeed } from "../../seed.ts";
import { instructionOf, thinkingOf } from "../generate/decode.ts";
import { interactionOptions, outputOf, unmadeOutput, unreadOfInteraction } from "../options.ts";
import { type Fields, fieldsOf, listOf, numberOf, textOf } from "../proto-json.ts";
import { dataReference, uriReference } from "../references.ts";
import type { InteractionBody } from "../schema.ts";
import { aspectOf, resolutionOf, webhookOf } from "../video-options.ts";

/** How results are given: inside the response, or as an address. */
export type Delivery = "inline" | "uri";

export type DecodedInteraction = {
  model: string;
  background: boolean;
  stream: boolean;
  /** Interaction that this one goes on from. */
  previous?: string;
  delivery: Delivery;
  /** How an image is encoded inside the response; null: as the model made it. */
  output: ImageFormatOptions | null;
  webhookUrl?: string;
  /** For an image: the conversation, the last turn the user's. */
  turns: UnresolvedTurn[];
  hints: ImageHints;
  /** All but shape and size. */
  options: ImageOptions;
  /** Fields that change nothing here. */
  ignored: string[];
  /** For a video: what the user said and gave, all turns together. */
  prompt: string;
  images: InputReference[];
  videos: { fields: Fields; param: string }[];
  video: VideoOptions;
};

type Block = { part: UnresolvedTurn["parts"][number] } | { video: DecodedInteraction["videos"][number] };

/** A task that is absent here is reported by the inputs: one image is the first frame, two are first and last. */
const MODES: Readonly<Record<string, VideoOptions["mode"]>> = {
  text_to_video: "text",
  reference_to_video: "references",
  edit: "edit",
  extend: "extend",
  upscale: "upscale",
};

/** @throws {AppError} `invalid_request` naming what cannot be understood */
export function decodeInteraction(body: InteractionBody): DecodedInteraction {
  const steps = stepsOf(body.input);
  const turns = steps.map(({ role, blocks }) => ({ role, parts: blocks.flatMap((block) => ("part" in block ? [block.part] : [])) }));
  const said = turns.filter(({ role }) => role === "user").flatMap(({ parts }) => parts);
  if (!steps.some(({ role, blocks }) => role === "user" && blocks.length > 0)) {
    throw mustBe("input", "a text, an image or a video of the user", body.input);
  }
  const formats = listOf(body.responseFormat).filter(isRecord);
  const format = formatOf(formats);
  const [delivery, output] = [textOf(format.delivery) === "uri" ? ("uri" as const) : ("inline" as const), outputOf({}, format)];
  const kinds = [...formats.map(({ type }) => type), ...listOf(body.responseModalities)].map((kind) => textOf(kind)?.toLowerCase());
  const made = kinds.filter((kind) => kind !== undefined);
  if (made.length > 0 && !made.includes("image") && !made.includes("video"))
    throw mustBe("response_format", "an image or a video: this model makes nothing else", made.join(", "));
  if (made.includes("audio")) throw mustBe("response_modalities", "text, image and video: nothing else is made here", "audio");
  const config = fieldsOf(body.generationConfig);
  const task = textOf(fieldsOf(config.videoConfig).task)?.toLowerCase() ?? "";
  const carried = interactionOptions(body);
  return {
    model: body.model,
    background: body.background === true,
    stream: body.stream === true,
    previous: textOf(body.previousInteractionId),
    delivery,
    output: format.type === "image" && delivery === "inline" ? output : null,
    webhookUrl: webhookOf(body.webhookConfig),
    turns: turns.filter(({ parts }) => parts.length > 0),
    hints: collectImageHints(body, { responseFormat: format }).hints,
    options: {
      ...carried.options,
      system: instructionOf(body.systemInstruction, "system_instruction") || undefined,
      seed: foldSeed(config.seed, "generation_config.seed"),
      thinking: thinkingOf(config.thinkingLevel, "generation_config.thinking_level"),
      imageOnly: kinds.includes("image") && !kinds.includes("text"),
    },
    ignored: [...carried.ignored, ...unreadOfInteraction(body), ...unmadeFormat(format, delivery)],
    prompt: said.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n"),
    images: said.flatMap((part) => (part.type === "reference" ? [part] : [])),
    videos: steps.flatMap(({ role, blocks }) => blocks.flatMap((block) => (role === "user" && "video" in block ? [block.video] : []))),
    video: {
      mode: Object.hasOwn(MODES, task) ? MODES[task] : undefined,
      aspect: format.type === "image" ? undefined : aspectOf(format.aspectRatio, "response_format.aspect_ratio"),
      resolution: resolutionOf(format.resolution),
      seconds: numberOf(format.duration),
    },
  };
}

/** The format of what is made; one for words does not count. */
function formatOf(formats: readonly Fields[]): Fields {
  return formats.find(({ type }) => type === "video" || type === "image") ?? {};
}

/** An encoding is made here for images inside the response; a file stays as it was made. */
function unmadeFormat(format: Fields, delivery: Delivery): readonly string[] {
  if (format.type === "image" && delivery === "inline") return unmadeOutput({}, format, "responseFormat.");
  const isSame = format.type === "video" && textOf(format.mimeType)?.toLowerCase() === "video/mp4";
  return isSame || !textOf(format.mimeType) ? [] : ["responseFormat.mimeType"];
}

/** Steps with content of their own, and loose blocks, which are the user's. */
function stepsOf(input: unknown): { role: UnresolvedTurn["role"]; blocks: Block[] }[] {
  const loose: { role: "user"; blocks: Block[] } = { role: "user", blocks: [] };
  const steps = listOf(input).flatMap((one, index) => {
    const where = Array.isArray(input) ? `input[${index}]` : "input";
    if (!isRecord(one) || !("content" in one)) {
      loose.blocks.push(...blockOf(one, where, true));
      return [];
    }
    const isModel = one.type === "model_output" || one.role === "model";
    const blocks = listOf(one.content).flatMap((block, at) => blockOf(block, `${where}.content[${at}]`, !isModel));
    return [{ role: isModel ? ("model" as const) : ("user" as const), blocks }];
  });
  return loose.blocks.length > 0 ? [...steps, loose] : steps;
}

/** Thoughts, sound and documents are passed over: nothing here is made of them. */
function blockOf(block: unknown, param: string, trusted: boolean): Block[] {
  if (trusted && typeof block !== "string" && !isRecord(block)) throw mustBe(param, "a text or an object", block);
  const { type, text, data, uri, mimeType } = typeof block === "string" ? { type: "text", text: block } : fieldsOf(block);
  if (type === "text" || (type === undefined && text !== undefined)) {
    if (trusted && text !== undefined && typeof text !== "string") throw mustBe(`${param}.text`, "a text", text);
    const said = textOf(text);
    return said ? [{ part: { type: "text", text: said } }] : [];
  }
  if (type === "video") return [{ video: { fields: { data, uri, mimeType }, param } }];
  if (type !== "image") return [];
  const bytes = textOf(data);
  const part = bytes ? dataReference(bytes, mimeType, `${param}.data`) : uriReference(textOf(uri) ?? "", `${param}.uri`, trusted);
  return part ? [{ part }] : [];
}
