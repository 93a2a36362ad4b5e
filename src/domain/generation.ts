// Generation types: options, requests, events, media items. Neutral of vendors and HTTP.

export type Kind = "image" | "video";

/** Every aspect ratio that a living image family knows, width:height. */
export const ASPECTS = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9", "1:4", "4:1", "1:8", "8:1"] as const;
export type Aspect = (typeof ASPECTS)[number];

/** Image sizes by their name; the long side is about 512, 1024, 2048 or 4096 pixels. */
export const IMAGE_SIZES = ["512", "1K", "2K", "4K"] as const;
export type ImageSize = (typeof IMAGE_SIZES)[number];

export const VIDEO_ASPECTS = ["16:9", "9:16"] as const;
export type VideoAspect = (typeof VIDEO_ASPECTS)[number];

export const RESOLUTIONS = ["360p", "720p", "1080p", "4k"] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

/** What a video starts from. `frames` is first and last frame. */
export const VIDEO_MODES = ["text", "first_frame", "frames", "references", "edit", "extend", "upscale"] as const;
export type VideoMode = (typeof VIDEO_MODES)[number];

export const VIDEO_QUALITIES = ["lite", "fast", "quality"] as const;
export type VideoQuality = (typeof VIDEO_QUALITIES)[number];

/** Bytes given to a generation: a client's image or video, or one of our own results. */
export type InputMedia = {
  /** MIME type by magic bytes, never as claimed. */
  mime: string;
  /** Lazily read bytes; on disk unless small. */
  data: Blob;
  /** Our media id when the bytes are in the store. */
  mediaId?: string;
  /** Width and height of an image, where they are known. */
  pixels?: { width: number; height: number };
  /** Thought signature: the upstream's opaque value on a part that it made, returned to it unchanged. */
  signature?: string;
  /** An address that the upstream itself reads; `data` holds its text. */
  uri?: string;
};

export type Part = { type: "text"; text: string; signature?: string } | { type: "image"; image: InputMedia };

/** Inbound API shape that a generation was asked for in. */
export type Dialect = "openai" | "gemini" | "mcp";

/** One turn of the conversation, oldest first. `model` turns are earlier output of an upstream. */
export type Turn = { role: "user" | "model"; parts: Part[] };

export const SEARCH_TYPES = ["web", "image"] as const;
export type SearchType = (typeof SEARCH_TYPES)[number];

/** Grounding of an image by a search. Absent types: the model's own choice. */
export type SearchOptions = { types?: SearchType[] };

export type Thinking = "minimal" | "low" | "medium" | "high" | "xhigh";

/** What a request asks of an image, from the decoder of a dialect to a provider's `convert`. Absent is left to the upstream. */
export type ImageOptions = {
  aspect?: Aspect;
  size?: ImageSize;
  /** The exact pixels asked for, when the aspect comes from them; not sent upstream. */
  pixels?: { width: number; height: number };
  system?: string;
  seed?: number;
  thinking?: Thinking;
  /** Whether interim images and thoughts are returned to the client. */
  includeThoughts?: boolean;
  /** An image without accompanying text. */
  imageOnly?: boolean;
  /** Category and threshold of each, e.g. `HARM_CATEGORY_HARASSMENT` and `BLOCK_NONE`. */
  safety?: { category: string; threshold: string }[];
  search?: SearchOptions;
  temperature?: number;
  topP?: number;
  topK?: number;
  personGeneration?: string;
};

/** Options that only some providers take for a family (`models/model-options.ts`). */
export type ModelOptions = Pick<ImageOptions, "safety" | "search" | "temperature" | "topP" | "topK" | "personGeneration">;

/** What an upstream reports with a result besides it, unread: sources of a search, ratings. Names are the upstream's. */
export type OutputExtras = { candidate?: { [name: string]: Json }; promptFeedback?: { [name: string]: Json } };

/** One upstream call for one image; a request for n images is n such calls. Holds only options that the provider takes for the family. */
export type ImageRequest = Omit<ImageOptions, "pixels"> & {
  /** Public family id from the catalogue. */
  family: string;
  /** At least one turn; the last is the user's. */
  turns: Turn[];
};

/** Token counts of the upstream; text and media apart, as far as reported. Videos and sound count as image. */
export type Usage = {
  inputText: number;
  inputImage: number;
  outputText: number;
  outputImage: number;
  thoughts: number;
  total: number;
};

/** Standard base64 with padding, nothing between its characters: as text, or as the bytes of that text. */
export type Base64 = string | Uint8Array;

/** Bytes of a result on their way into the store: complete, not yet a media row. */
export type TempFile = {
  /** Where the bytes lie, unless `data` holds them. */
  path: string;
  /** All bytes of a small temp file, which is not on disk. */
  data?: Uint8Array;
  /** The same bytes as base64, where the upstream sent them so. */
  base64?: Base64;
  bytes: number;
  /** As the upstream claimed; the store decides by magic bytes. */
  mime: string;
};

/**
 * Receives the bytes of one result. `write` may be called any number of times, then exactly one of `close` and `discard`.
 * `write` resolves when more may come (back-pressure); a chunk belongs to the writer from then on; the caller does not change it.
 */
export type TempFileWriter = {
  write(chunk: Uint8Array): void | Promise<void>;
  close(): Promise<TempFile>;
  discard(): Promise<void>;
};

/** Why an upstream stopped, in our words. `policy_*` are refusals: of the prompt, or of its result. */
export type Finish = "stop" | "length" | "policy_input" | "policy_output" | "no_image" | "malformed";

/** How a provider's call for one image ended, with or without an image. */
export type ImageFinish = {
  finish: Finish;
  /** The upstream's own word, e.g. `IMAGE_SAFETY`, for dialects that pass it on. */
  upstreamReason: string;
  message?: string;
  usage: Usage | null;
  modelVersion?: string;
  /** The upstream's id of its response, if it gave one. */
  responseId?: string;
  extras?: OutputExtras;
};

/** A stored media item. Links are made from it when a response is written; nothing absolute is stored. */
export type Media = {
  id: string;
  kind: "image" | "video" | "other";
  origin: "result" | "input";
  mime: string;
  /** File extension without dot, decided by the type. */
  ext: string;
  bytes: number;
  /** Pixels; null where the type is not decoded. */
  width: number | null;
  height: number | null;
  /** Key that owns it; null for the operator. */
  keyId: number | null;
  createdAt: number;
  /** Epoch ms after which the sweeper may delete it; null: only by the total size limit. */
  expiresAt: number | null;
  /** Request that made it. */
  requestId: string | null;
  /** File name, when a client uploaded it as a file; else null. */
  name: string | null;
  /** What the client said the file is for. */
  purpose: string | null;
  /** Family that made a result; null: an input, or not known. */
  family: string | null;
};

/** Past its age, also where it is not deleted yet. */
export const isExpired = ({ expiresAt }: Pick<Media, "expiresAt">, now: number): boolean => expiresAt !== null && expiresAt <= now;

/** Events of a generation, in order. After `done` nothing follows; failures are thrown as AppError. */
export type GenerateEvent =
  | { type: "queued"; position: number; waitMs: number | null }
  | { type: "token"; label: string; provider: string; attempt: number }
  | { type: "uploading"; index: number; total: number }
  | { type: "generating" | "upscaling" | "downloading" | "storing" }
  | { type: "thought"; text: string; signature?: string }
  | { type: "text"; text: string; signature?: string }
  /** An interim image, only when thoughts were asked for. */
  | { type: "draft"; media: Media; signature?: string }
  /** `base64`: its bytes, while the client that began the generation reads it; absent: they are read from the store. */
  | { type: "image"; media: Media; signature?: string; base64?: Base64 }
  | {
      type: "done";
      finish: Finish;
      upstreamReason: string;
      message?: string;
      usage: Usage;
      provider: string;
      /** The upstream's name of the model that was used, if reported. */
      modelVersion?: string;
      extras?: OutputExtras;
      /** The calls among several that the content policy refused; those that succeeded speak for the rest. */
      refusals?: { upstreamReason: string; message?: string }[];
    };

/** Where an edit, an extension or an upscale starts: stored bytes, and what the upstream knows the video by. */
export type VideoSource = {
  media: InputMedia;
  /** Handle of the finished operation that made it, on the token it belongs to; null for a client's own video. */
  operation: Json | null;
};

/** What a request asks of a video, from the decoder of a dialect to a provider's `convert`. Absent is left to the family's default. */
export type VideoOptions = {
  /** Absent: from the inputs (`text` without any). */
  mode?: VideoMode;
  /** Always absent upstream where the source decides (edit, extend, upscale). */
  aspect?: VideoAspect;
  resolution?: Resolution;
  seconds?: number;
  quality?: VideoQuality;
  /** The slower queue that costs no credits. */
  relaxed?: boolean;
  seed?: number;
};

/** One video job as one upstream call: options that the provider takes, with prompt and inputs. */
export type VideoRequest = VideoOptions & {
  family: string;
  mode: VideoMode;
  prompt: string;
  /** `first_frame`: one. `frames`: first, then last. `references`: in the client's order. Else none. */
  images: InputMedia[];
  source?: VideoSource;
};

/** JSON that an adapter returns and gets back unchanged. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const NO_USAGE: Usage = { inputText: 0, inputImage: 0, outputText: 0, outputImage: 0, thoughts: 0, total: 0 };

/** Message where the model returned neither image nor text. @param upstreamReason as the upstream spells it; empty: none */
export const noImageText = (upstreamReason: string): string =>
  `The model returned no image${upstreamReason === "" ? "" : ` (${upstreamReason})`}.`;

/** Sums two usages, field by field. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputText: a.inputText + b.inputText,
    inputImage: a.inputImage + b.inputImage,
    outputText: a.outputText + b.outputText,
    outputImage: a.outputImage + b.outputImage,
    thoughts: a.thoughts + b.thoughts,
    total: a.total + b.total,
  };
}

export type OutputPart =
  | { type: "text" | "thought"; text: string; signature?: string }
  | { type: "image" | "draft"; mediaId: string; signature?: string };

export type ImageOutput = {
  parts: OutputPart[];
  /** Null: it has not ended. */
  end: Omit<Extract<GenerateEvent, { type: "done" }>, "type" | "usage" | "provider"> | null;
};

/** The upstream's plan: 0 free, 1 paid, 2 highest. */
export type Tier = 0 | 1 | 2;
