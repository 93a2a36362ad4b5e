// Videos body decoder: prompt, options, input images and source video. Pure.

import { RESOLUTIONS, type Resolution, type VideoAspect, type VideoMode } from "../../../domain/generation.ts";
import { isRecord } from "../../../domain/is-record.ts";
import { AppError } from "../../../errors.ts";
import type { InputReference } from "../../../gateway/generation/inputs/unresolved-turn.ts";
import { nearVideoAspect } from "../../../gateway/models/video-options.ts";
import { mustBe } from "../../body/invalid.ts";
import { collectSeed, collectVideoField } from "../../image-config.ts";
import { withNegativePrompt } from "../../negative-prompt.ts";
import { decodeText } from "../chat/message.ts";
import { fileReference, referencesOf } from "../references.ts";
import type { VideoBody } from "../schema.ts";

export type VideoShape = { aspect?: VideoAspect; resolution?: Resolution; seconds?: number };

/** Source video: a job of the key, or a reference to bytes. */
export type SourceReference = { jobId: string } | InputReference;

export type DecodedVideo = {
  /** Null: the family that serves requests without a model, or that of the source. */
  model: string | null;
  prompt: string;
  shape: VideoShape;
  /** Width and height as the client wrote them. */
  size: string | null;
  seed?: number;
  images: InputReference[];
  /** What the names of the fields say of the images; absent: their number decides. */
  mode?: VideoMode;
  source: SourceReference | null;
  webhookUrl?: string;
};

/** Files of a form by their field, without `[]`. */
export type VideoUploads = ReadonlyMap<string, InputReference[]>;

/** Form fields that hold images. */
export const IMAGE_FIELDS = [
  "input_reference",
  "input_references",
  "reference_images",
  "frame_images",
  "first_frame",
  "last_frame",
] as const;
type ImageField = (typeof IMAGE_FIELDS)[number];

/** Form fields with numbers and flags: none. */
export const VIDEO_FORM_FIELDS = { numbers: [], flags: [] } as const;

/**
 * `uploads`: images and videos that came as files of a form; they follow those that the body names.
 * @throws {AppError} `invalid_request` naming the field
 */
export function decodeVideo(body: VideoBody, uploads: VideoUploads = new Map()): DecodedVideo {
  const { shape, size } = videoShape(collectShape(body));
  const { prompt, mentioned } = readPrompt(withNegativePrompt(body.prompt, body.negative_prompt));
  const named = imagesOf(body, uploads);
  return {
    model: body.model ?? null,
    prompt,
    shape,
    size,
    seed: collectSeed(body),
    ...(named.images.length > 0 ? named : { images: mentioned }),
    source: uploads.get("video")?.[0] ?? sourceOf(body.video, "video"),
    webhookUrl: body.webhook_url || undefined,
  };
}

/** The words of a prompt, and the images of ours that it names, which count where no field names any. */
function readPrompt(text: string): { prompt: string; mentioned: InputReference[] } {
  const parts = decodeText(text, "prompt");
  const mentioned = parts.filter((part) => part.type === "reference");
  const words = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const prompt = words.join("").trim();
  return mentioned.length === 0 || prompt === "" ? { prompt: text, mentioned } : { prompt, mentioned };
}

export type ShapeHints = { size?: unknown; resolution?: unknown; aspectRatio?: unknown; seconds?: unknown };

/** What a body says of a video's shape, wherever its client put it. */
export const collectShape = (body: { readonly [name: string]: unknown }): ShapeHints => ({
  size: collectVideoField(body, ["size"]),
  resolution: collectVideoField(body, ["resolution", "image_size", "imageSize"]),
  aspectRatio: collectVideoField(body, ["aspect_ratio", "aspectRatio", "aspect"]),
  seconds: collectVideoField(body, ["seconds", "duration", "duration_seconds", "durationSeconds"]),
});

/** Names of the fields in errors. */
const SHAPE_PARAMS = { size: "size", resolution: "resolution", aspectRatio: "aspect_ratio" } as const;

/**
 * What is said of size, proportions and length, in every form that clients use. A field that speaks of one of them alone goes before `size`.
 * @throws {AppError} `invalid_request` naming the field that says nothing of the kind
 */
export function videoShape(hints: ShapeHints): { shape: VideoShape; size: string | null } {
  const [size, resolution, aspect] = (["size", "resolution", "aspectRatio"] as const).map((name) =>
    readSize(hints[name], SHAPE_PARAMS[name]),
  );
  const shape = {
    aspect: aspect!.aspect ?? size!.aspect ?? resolution!.aspect,
    resolution: resolution!.resolution ?? size!.resolution,
    seconds: readSeconds(hints.seconds),
  };
  return { shape, size: size!.pixels ?? null };
}

const PROPORTIONS = "16:9 or 9:16 within 10 %, such as 1280x720";

type Size = { aspect?: VideoAspect; resolution?: Resolution; pixels?: string };

const ASPECT_WORDS: Readonly<Record<string, VideoAspect>> = { landscape: "16:9", portrait: "9:16" };
/** The largest short side of each resolution but the last. */
const SHORT_SIDES: readonly [number, Resolution][] = [
  [360, "360p"],
  [720, "720p"],
  [1080, "1080p"],
];

const resolutionOf = (shortSide: number): Resolution => SHORT_SIDES.find(([most]) => shortSide <= most)?.[1] ?? "4k";
/** The proportion that is meant; a video of another one than asked for is not what was asked for. */
const aspectOf = (width: number, height: number): VideoAspect | null => nearVideoAspect(width / height);

function readSize(value: unknown, param: string): Size {
  if (value === undefined || value === null) return {};
  const word = String(value).trim().toLowerCase();
  if (word === "" || word === "auto") return {};
  const [, width, height] = /^(\d{2,5})\s*[x×*]\s*(\d{2,5})$/.exec(word)?.map(Number) ?? [];
  if (width && height) {
    const aspect = aspectOf(width, height);
    if (!aspect) throw mustBe(param, PROPORTIONS, value);
    return { aspect, resolution: resolutionOf(Math.min(width, height)), pixels: `${width}x${height}` };
  }
  const [, across, down] = /^(\d{1,3})[:/](\d{1,3})$/.exec(word)?.map(Number) ?? [];
  if (across && down) {
    const aspect = aspectOf(across, down);
    if (!aspect) throw mustBe(param, PROPORTIONS, value);
    return { aspect };
  }
  const named = RESOLUTIONS.find((resolution) => resolution === word);
  if (named) return { resolution: named };
  const [, lines] = /^(\d{3,4})p?$/.exec(word)?.map(Number) ?? [];
  if (lines) return { resolution: resolutionOf(lines) };
  if (Object.hasOwn(ASPECT_WORDS, word)) return { aspect: ASPECT_WORDS[word] };
  throw mustBe(param, '"1280x720", "16:9", "720p" or the like', value);
}

function readSeconds(value: unknown): number | undefined {
  if (value === undefined || value === null || value === "" || value === "auto") return undefined;
  const seconds = Number(String(value).trim().replace(/s$/i, "") || Number.NaN);
  if (seconds >= 1 && seconds <= 3600) return Math.round(seconds);
  throw mustBe("seconds", Number.isFinite(seconds) ? "between 1 and 3600" : "a number of seconds between 1 and 3600", value);
}

function imagesOf(body: VideoBody, uploads: VideoUploads): Pick<DecodedVideo, "images" | "mode"> {
  const named = (field: ImageField) => [...referencesOf(unwrap(body[field]), field), ...(uploads.get(field) ?? [])];
  const frames = framesOf(body, uploads);
  const plain = named("input_reference");
  const references = [...named("input_references"), ...named("reference_images")];
  if (!frames.first && !frames.last) {
    const images = [...plain, ...references];
    return { images, mode: references.length > 0 || images.length > 1 ? "references" : undefined };
  }
  const first = frames.first ?? plain.shift();
  if (!first) throw new AppError("invalid_request", "last_frame: a last image needs a first one.", { param: "last_frame" });
  if (plain.length + references.length > 0) {
    const param = plain.length > 0 ? "input_reference" : references[0]!.param;
    throw new AppError("invalid_request", `${param}: a video begins and ends with images or goes by references, not both.`, { param });
  }
  return frames.last ? { images: [first, frames.last], mode: "frames" } : { images: [first], mode: "first_frame" };
}

/** First and last image, from fields of their own or from `frame_images`, whose items say which they are or are taken in order. */
function framesOf(body: VideoBody, uploads: VideoUploads): { first?: InputReference; last?: InputReference } {
  const given = unwrap(body.frame_images) ?? [];
  const items = (Array.isArray(given) ? given : [given]).map((item, index) => ({
    type: isRecord(item) && typeof item.frame_type === "string" ? item.frame_type : index === 0 ? "first_frame" : "last_frame",
    images: referencesOf(item, `frame_images[${index}]`),
  }));
  const files = (uploads.get("frame_images") ?? []).map((image, index) => ({
    type: items.length + index === 0 ? "first_frame" : "last_frame",
    images: [image],
  }));
  const of = (field: "first_frame" | "last_frame") => {
    const found = [...items, ...files].filter(({ type }) => type === field).flatMap(({ images }) => images);
    const all = [...referencesOf(unwrap(body[field]), field), ...(uploads.get(field) ?? []), ...found];
    if (all.length > 1) throw mustBe(all[1]!.param, `one image as ${field}`, all);
    return all[0];
  };
  const stranger = items.find(({ type }) => type !== "first_frame" && type !== "last_frame");
  if (stranger) throw mustBe("frame_images", 'of frame_type "first_frame" or "last_frame"', stranger.type);
  return { first: of("first_frame"), last: of("last_frame") };
}

/** A form can only hold text: an object or a list in a field is its JSON. */
function unwrap(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * The video that a field names: `{id}`, `{file_id}`, `{url}`, `{video_url}`, or any of these texts by itself. Null for none.
 * @throws {AppError} `invalid_request` naming the field
 */
export function sourceOf(value: unknown, param: string): SourceReference | null {
  const given = unwrap(value);
  if (given === undefined || given === null || given === "") return null;
  const named = isRecord(given) ? (given.id ?? given.file_id ?? given.video_url ?? given.url) : given;
  const text = isRecord(named) ? named.url : named;
  if (typeof text !== "string" || text.trim() === "") throw mustBe(param, 'a video: {"id": …}, a media URL or a file', given);
  const id = text.trim();
  if (/^video_\w+$/.test(id)) return { jobId: id };
  if (id.startsWith("file-")) return fileReference(id, param);
  return { type: "reference", url: id, param, trusted: true };
}
