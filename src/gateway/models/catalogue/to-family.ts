// Makes a Family of its merged tables: defaults for what is not said, and checks across fields. Pure.

import {
  ASPECTS,
  type Aspect,
  IMAGE_SIZES,
  type ImageSize,
  type Kind,
  RESOLUTIONS,
  type Resolution,
  type Tier,
  VIDEO_ASPECTS,
  VIDEO_MODES,
  VIDEO_QUALITIES,
  type VideoMode,
} from "../../../domain/generation.ts";
import type { Family, ImageLimits, ProviderFacts, Thinking, VideoLimits, VideoModeLimits } from "../family.ts";
import { misfit, type Table } from "./fields.ts";
import { readImagePrice, readVideoPrice } from "./price-tables.ts";
import type { FamilyTable } from "./read-layer.ts";
import { THINKING_LEVELS } from "./schema.ts";

/** Aspects that every image model so far has made. */
const SAFE_ASPECTS = ASPECTS.slice(0, 10);
const SAFE_SIZES: readonly ImageSize[] = ["1K", "2K", "4K"];
const SAFE_INPUTS = 3;
const SAFE_SECONDS = { min: 3, max: 10, default: 8 };
const SAFE_MODES: VideoLimits["modes"] = {
  text: { seconds: SAFE_SECONDS },
  first_frame: { seconds: SAFE_SECONDS, images: { min: 1, max: 1 } },
};
/** Tokens of an input image where the vendor names no other number (Gemini API, understanding images, read 2026-11-23). */
const INPUT_IMAGE_TOKENS = 258;

const seconds = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1000;

/**
 * @param path of the family, for messages
 * @param today day on which a family without `created` was added
 * @throws {AppError} for what does not go together, or is missing
 */
export function toFamily(raw: FamilyTable, path: string, today: string): Family {
  const kind = raw.kind as Kind;
  const providers = Object.entries((raw.providers ?? {}) as Record<string, Table>).filter(([, one]) => one.enabled !== false);
  if (providers.length === 0) throw misfit(`${path}.providers`, "at least one provider that has the model", "none");
  const shared = {
    id: raw.id,
    title: (raw.title as string | undefined) ?? raw.id,
    created: seconds((raw.created as string | undefined) ?? today),
    ownedBy: (raw.owned_by as string | undefined) ?? "google",
    inputImageTokens: (raw.input_image_tokens as number | undefined) ?? INPUT_IMAGE_TOKENS,
    names: (raw.names ?? []) as string[],
    successors: (raw.successors ?? []) as string[],
    ...(raw.enabled === false ? { isOff: true as const } : {}),
    ...(raw.recommended === true ? { recommended: true as const } : {}),
    ...(raw.deprecated === true ? { deprecated: true as const } : {}),
  };
  const at = (name: string) => `${path}.providers.${name}`;
  return kind === "image"
    ? { ...shared, kind, providers: Object.fromEntries(providers.map(([name, one]) => [name, toImage(raw, one, at(name))])) }
    : { ...shared, kind, providers: Object.fromEntries(providers.map(([name, one]) => [name, toVideo(raw, one, at(name))])) };
}

function factsOf(raw: FamilyTable, one: Table): ProviderFacts {
  const retires = (one.retires ?? raw.retires) as string | undefined;
  return {
    wire: (one.wire as string | undefined) ?? raw.id,
    ...(one.only_when_learned === true ? { onlyWhenLearned: true } : {}),
    ...(retires ? { retires } : {}),
  };
}

function toImage(raw: FamilyTable, one: Table, path: string): ImageLimits {
  const aspects = (one.aspects ?? SAFE_ASPECTS) as Aspect[];
  const sizes = inOrder(IMAGE_SIZES, (one.sizes ?? SAFE_SIZES) as ImageSize[]);
  const thinking = inOrder(THINKING_LEVELS, (one.thinking ?? []) as Thinking[]);
  const defaultAspect = among(one.default_aspect as Aspect | undefined, aspects, `${path}.default_aspect`);
  const defaultThinking = among(one.default_thinking as Thinking | undefined, thinking, `${path}.default_thinking`);
  const usual = sizes.includes("1K") || sizes.length === 0 ? "1K" : sizes[0]!;
  return {
    ...factsOf(raw, one),
    aspects,
    ...(defaultAspect ? { defaultAspect } : {}),
    sizes,
    defaultSize:
      sizes.length === 0
        ? ((one.default_size as ImageSize | undefined) ?? usual)
        : (among(one.default_size as ImageSize | undefined, sizes, `${path}.default_size`) ?? usual),
    maxInputs: (one.max_inputs as number | undefined) ?? SAFE_INPUTS,
    thinking,
    ...(defaultThinking ? { defaultThinking } : {}),
    levels:
      thinking.length === 0
        ? null
        : { ...Object.fromEntries(thinking.map((level) => [level, level.toUpperCase()])), ...(one.thinking_levels as object | undefined) },
    thinks: (one.thinks as boolean | undefined) ?? thinking.length > 0,
    ...takesOf(one),
    minTier: tiersOf<ImageSize>(one),
    price: readImagePrice((one.price ?? {}) as Table, `${path}.price`),
  };
}

function takesOf(one: Table): Pick<ImageLimits, "takes"> {
  if (!["safety", "search", "sampling", "videos", "person_generation"].some((name) => one[name] !== undefined)) return {};
  return {
    takes: {
      safety: (one.safety ?? []) as string[],
      search: (one.search ?? []) as ("web" | "image")[],
      sampling: one.sampling === true,
      videos: one.videos === true,
      ...(one.person_generation === true ? { personGeneration: true as const } : {}),
    },
  };
}

function toVideo(raw: FamilyTable, one: Table, path: string): VideoLimits {
  const aspects = (one.aspects ?? VIDEO_ASPECTS) as (typeof VIDEO_ASPECTS)[number][];
  const resolutions = inOrder(RESOLUTIONS, (one.resolutions ?? ["720p"]) as Resolution[]);
  const qualities = inOrder(VIDEO_QUALITIES, (one.qualities ?? []) as (typeof VIDEO_QUALITIES)[number][]);
  const defaultQuality = among(one.default_quality as (typeof VIDEO_QUALITIES)[number] | undefined, qualities, `${path}.default_quality`);
  const usual = resolutions.includes("720p") ? "720p" : resolutions[0]!;
  return {
    ...factsOf(raw, one),
    aspects,
    defaultAspect:
      among(one.default_aspect as (typeof VIDEO_ASPECTS)[number] | undefined, aspects, `${path}.default_aspect`) ?? aspects[0]!,
    resolutions,
    defaultResolution: among(one.default_resolution as Resolution | undefined, resolutions, `${path}.default_resolution`) ?? usual,
    qualities,
    ...(defaultQuality ? { defaultQuality } : {}),
    modes: one.modes === undefined ? SAFE_MODES : readModes(one.modes as Record<string, Table>, `${path}.modes`),
    minTier: tiersOf<Resolution>(one),
    price: readVideoPrice((one.price ?? {}) as Table, `${path}.price`),
  };
}

function readModes(modes: Record<string, Table>, path: string): VideoLimits["modes"] {
  const names = inOrder(VIDEO_MODES, Object.keys(modes) as VideoMode[]);
  if (names.length === 0) throw misfit(path, "at least one mode", "none");
  return Object.fromEntries(names.map((name) => [name, readMode(modes[name]!, `${path}.${name}`)]));
}

function readMode(mode: Table, path: string): VideoModeLimits {
  const { min, max, values, ...rest } = (mode.seconds ?? SAFE_SECONDS) as Partial<VideoModeLimits["seconds"]>;
  const least = min ?? Math.min(...(values ?? [rest.default ?? SAFE_SECONDS.min]));
  const most = max ?? Math.max(...(values ?? [rest.default ?? SAFE_SECONDS.max]));
  const usual = rest.default ?? (values ? values.at(-1)! : Math.min(Math.max(SAFE_SECONDS.default, least), most));
  const at = `${path}.seconds`;
  if (least > most) throw misfit(`${at}.max`, `at least ${least}, the min`, `${most}`);
  for (const value of values ?? [])
    if (value < least || value > most) throw misfit(`${at}.values`, `lengths from ${least} to ${most}`, `${value}`);
  if (usual < least || usual > most || (values && !values.includes(usual)))
    throw misfit(`${at}.default`, values ? `one of ${values.join(", ")}` : `${least} to ${most}`, `${usual}`);
  return {
    seconds: { min: least, max: most, ...(values ? { values } : {}), default: usual },
    ...countsOf(mode, "images", path),
    ...countsOf(mode, "videos", path),
    ...(mode.qualities ? { qualities: mode.qualities as VideoModeLimits["qualities"] } : {}),
  };
}

function countsOf(mode: Table, name: "images" | "videos", path: string): object {
  const counts = mode[name] as { min?: number; max?: number } | undefined;
  if (!counts) return {};
  const { min = 0, max = Math.max(min, 1) } = counts;
  if (min > max) throw misfit(`${path}.${name}.max`, `at least ${min}, the min`, `${max}`);
  return { [name]: { min, max } };
}

function tiersOf<T extends string>(one: Table): Partial<Record<T, Tier>> {
  const tiers = Object.entries((one.min_tier ?? {}) as Record<T, Tier>).filter(([, tier]) => (tier as number) > 0);
  return Object.fromEntries(tiers) as Partial<Record<T, Tier>>;
}

function among<T extends string>(value: T | undefined, offered: readonly T[], path: string): T | undefined {
  if (value === undefined || offered.includes(value)) return value;
  throw misfit(
    path,
    offered.length === 0 ? "nothing, as there is no choice" : `one of ${offered.map((one) => JSON.stringify(one)).join(", ")}`,
    JSON.stringify(value),
  );
}

const inOrder = <T>(order: readonly T[], values: readonly T[]): T[] => order.filter((value) => values.includes(value));
