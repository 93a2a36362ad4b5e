// From our video request to the body that creates an interaction. Only what is named here is ever sent.
// Source: Gemini API reference, interactions.create, and the Omni video guide, read 2026-11-23.
import type { InputMedia, Json, VideoMode, VideoRequest } from "../../domain/generation.ts";
import { isRecord, stringOf } from "./json.ts";

/** A block of content on the wire. `data` is the bytes, which `encode-body.ts` writes as base64; `uri` names an uploaded file. */
export type Block =
  | { type: "text"; text: string }
  | { type: "image" | "video"; mime_type: string; data: Blob }
  | { type: "image" | "video"; mime_type: string; uri: string };

export type CreateInteraction = {
  model: string;
  input: [{ type: "user_input"; content: Block[] }];
  response_format: { type: "video"; delivery: "uri" | "inline"; aspect_ratio?: string; resolution?: string; duration?: string };
  generation_config: { video_config: { task: string }; seed?: number };
  previous_interaction_id?: string;
  background: true;
  store: true;
};

/** What a video is made from, placed where the upstream finds it. */
export type PositionedInputs = {
  images: Block[];
  videos: Block[];
  /** Id of the interaction that made the source; it stands in place of the source's bytes. */
  previous: string | null;
};

const TASKS: Readonly<Record<VideoMode, string>> = {
  text: "text_to_video",
  first_frame: "image_to_video",
  frames: "image_to_video",
  references: "reference_to_video",
  edit: "edit",
  extend: "extend",
  upscale: "upscale",
};

/** Modes that change a video: it decides the aspect ratio, and another is refused. */
const CHANGES: ReadonlySet<VideoMode> = new Set(["edit", "extend", "upscale"]);

/** The upstream expects some input, and an upscale of what it has made needs none. */
const NO_INPUT: Block = { type: "text", text: "Upscale the video." };

/**
 * The body of `POST interactions` for one video: in the background, stored, delivered as a file.
 * @param at the upstream's id of the model, and whether it stores files: else the video comes inline
 */
export function toInteraction(
  request: VideoRequest,
  at: { model: string; hasFiles: boolean },
  { images, videos, previous }: PositionedInputs,
): CreateInteraction {
  const { mode, prompt, aspect, resolution, seconds, seed } = request;
  const text: Block[] = prompt ? [{ type: "text", text: prompt }] : [];
  const content = [...images, ...videos, ...text];
  return {
    model: at.model,
    input: [{ type: "user_input", content: content.length > 0 ? content : [NO_INPUT] }],
    response_format: {
      type: "video",
      // A file needs a place that holds it: Vertex has none but a bucket of the customer's.
      delivery: at.hasFiles ? "uri" : "inline",
      ...(aspect && !CHANGES.has(mode) ? { aspect_ratio: aspect } : {}),
      ...(resolution ? { resolution } : {}),
      ...(seconds === undefined ? {} : { duration: `${seconds}s` }),
    },
    generation_config: { video_config: { task: TASKS[mode] }, ...(seed === undefined ? {} : { seed }) },
    ...(previous ? { previous_interaction_id: previous } : {}),
    background: true,
    store: true,
  };
}

/** An input whose bytes go with the request, or one that was uploaded. */
export function toBlock(type: "image" | "video", media: InputMedia, uri?: string): Block {
  const mime_type = media.mime;
  return uri === undefined ? { type, mime_type, data: media.data } : { type, mime_type, uri };
}

/** The interaction whose result a request changes, when it is one of ours. */
export function previousOf({ mode, source }: VideoRequest): string | null {
  return CHANGES.has(mode) && source ? interactionIdOf(source.operation) : null;
}

/** The interaction that a handle of this adapter names; null for one of another adapter. */
export function interactionIdOf(operation: Json): string | null {
  return isRecord(operation) ? (stringOf(operation.interactionId) ?? null) : null;
}
