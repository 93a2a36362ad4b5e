// Image options scattered over a body: aspect, size and quality in every field and spelling. Pure.
import { isRecord } from "../domain/is-record.ts";
import type { ImageHints } from "../gateway/models/image-options.ts";
import { foldSeed } from "./seed.ts";

type Fields = { readonly [name: string]: unknown };
/** An object of a body and its path there. */
type BodyObject = { path: string; fields: Fields };

export type CollectedHints = {
  hints: ImageHints;
  /** What each hint is called in the body, for errors. */
  names: Partial<Record<keyof ImageHints, string>>;
};

/** Names of each hint; the first that has a value counts. */
const NAMES = {
  aspectRatio: ["aspect_ratio", "aspectRatio", "aspect"],
  imageSize: ["image_size", "imageSize", "sample_image_size", "sampleImageSize", "resolution"],
  size: ["size"],
  quality: ["quality", "image_quality", "imageQuality"],
} as const satisfies Record<keyof ImageHints, readonly string[]>;

const IMAGE_CONFIGS = ["image_config", "imageConfig"] as const;
const VIDEO_CONFIGS = ["video_config", "videoConfig"] as const;
const GENERATION_CONFIGS = ["generationConfig", "generation_config"] as const;
const EXTRA_BODIES = ["extra_body", "extraBody"] as const;

/** An object, or the JSON of one as forms send it. */
function fieldsIn(value: unknown): Fields | null {
  if (isRecord(value)) return value;
  if (typeof value !== "string" || !value.startsWith("{")) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return isRecord(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function inside({ path, fields }: BodyObject, names: readonly string[]): BodyObject[] {
  return names.flatMap((name) => {
    const found = fieldsIn(fields[name]);
    return found ? [{ path: path === "" ? name : `${path}.${name}`, fields: found }] : [];
  });
}

const hasAny = (fields: Fields, names: readonly string[]): boolean => {
  for (const name of names) if (fields[name] !== undefined) return true;
  return false;
};

/** Configurations of one level, the most specific first, then the level itself. */
function levelOf(root: BodyObject, configs: readonly string[]): BodyObject[] {
  const generation = inside(root, GENERATION_CONFIGS);
  return [...inside(root, configs), ...generation.flatMap((one) => [...inside(one, configs), one]), root];
}

/** Fields that may hold further levels. */
const LEVELS: readonly string[] = [...GENERATION_CONFIGS, ...EXTRA_BODIES, "google"];

/** `google` is a field of Google's OpenAI compatibility layer; SDKs unpack `extra_body` into the body. */
function searchOrder(root: BodyObject, configs: readonly string[]): BodyObject[] {
  if (!hasAny(root.fields, LEVELS) && !hasAny(root.fields, configs)) return [root];
  const extra = inside(root, EXTRA_BODIES);
  const roots = [root, ...extra, ...inside(root, ["google"]), ...extra.flatMap((one) => inside(one, ["google"]))];
  return roots.flatMap((one) => levelOf(one, configs));
}

const hasValue = (value: unknown) => value !== undefined && value !== null && value !== "";

function firstIn(objects: readonly BodyObject[], names: readonly string[]): { value: unknown; name: string } | null {
  for (const { path, fields } of objects) {
    for (const name of names) if (hasValue(fields[name])) return { value: fields[name], name: path === "" ? name : `${path}.${name}` };
  }
  return null;
}

const HINTS = Object.keys(NAMES) as (keyof ImageHints)[];
const SHAPE_CONFIGS = [...IMAGE_CONFIGS, ...VIDEO_CONFIGS] as const;
const SEED = ["seed"] as const;

/** `first`: parts that take precedence over the body, by name: a tool, the parameters of a prediction. */
export function collectImageHints(body: Fields, first?: { [name: string]: unknown }): CollectedHints {
  return !first && isFlat(body, IMAGE_CONFIGS) ? hintsIn(body) : hintsBelow(body, first);
}

function hintsBelow(body: Fields, first?: { [name: string]: unknown }): CollectedHints {
  const own = searchOrder({ path: "", fields: body }, IMAGE_CONFIGS);
  const before =
    first && Object.entries(first).flatMap(([path, value]) => (isRecord(value) ? searchOrder({ path, fields: value }, IMAGE_CONFIGS) : []));
  const objects = before ? [...before, ...own] : own;
  const collected: CollectedHints = { hints: {}, names: {} };
  for (const hint of HINTS) {
    const found = firstIn(objects, NAMES[hint]);
    if (!found) continue;
    collected.hints[hint] = found.value;
    collected.names[hint] = found.name;
  }
  return collected;
}

/** Whether no object of a body has anything but the body itself. */
const isFlat = (body: Fields, configs: readonly string[]) => !hasAny(body, LEVELS) && !hasAny(body, configs);

const NO_HINTS: CollectedHints = Object.freeze({ hints: Object.freeze({}), names: Object.freeze({}) });

function hintsIn(body: Fields): CollectedHints {
  let collected = NO_HINTS;
  for (const hint of HINTS) {
    for (const name of NAMES[hint]) {
      if (!hasValue(body[name])) continue;
      if (collected === NO_HINTS) collected = { hints: {}, names: {} };
      collected.hints[hint] = body[name];
      collected.names[hint] = name;
      break;
    }
  }
  return collected;
}

/** The seed of an image or a video, from the fields of their shape. @throws {AppError} `invalid_request` naming it */
export function collectSeed(body: Fields): number | undefined {
  if (hasValue(body.seed)) return foldSeed(body.seed);
  if (isFlat(body, SHAPE_CONFIGS)) return undefined;
  const found = firstIn(searchOrder({ path: "", fields: body }, SHAPE_CONFIGS), SEED);
  return found ? foldSeed(found.value, found.name) : undefined;
}

/** First value under one of these names in any object of a body, for videos. */
export function collectVideoField(body: Fields, names: readonly string[]): unknown {
  return firstIn(searchOrder({ path: "", fields: body }, [...VIDEO_CONFIGS, ...IMAGE_CONFIGS]), names)?.value;
}
