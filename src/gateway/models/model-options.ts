// Model options (safety, search, sampling): which provider takes them, and which are ignored. Pure.

import type { ImageOptions, ModelOptions, OutputExtras, SearchOptions } from "../../domain/generation.ts";
import { isRecord } from "../../domain/is-record.ts";
import { AppError } from "../../errors.ts";
import type { ImageFamily, ImageTakes } from "./family.ts";

const NOTHING: ImageTakes = { safety: [], search: [], sampling: false, videos: false };

/** What one provider takes of a request's options. */
export type FittedOptions = {
  options?: ModelOptions;
  /** Names of the options that stay behind, as {@link OPTION_NAMES} has them. */
  left: string[];
};

/** What clients of the dialect that has these options call them. */
export const OPTION_NAMES = {
  safety: "safetySettings",
  search: "tools.googleSearch",
  temperature: "generationConfig.temperature",
  topP: "generationConfig.topP",
  topK: "generationConfig.topK",
  personGeneration: "generationConfig.imageConfig.personGeneration",
} as const satisfies Record<keyof ModelOptions, string>;

export const MODEL_OPTIONS = Object.keys(OPTION_NAMES) as (keyof ModelOptions)[];

/** The options that only some providers take; undefined when the request has none. */
export function pickModelOptions(options: ImageOptions): ModelOptions | undefined {
  const given = MODEL_OPTIONS.filter((name) => options[name] !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given.map((name) => [name, options[name]])) as ModelOptions);
}

const SAMPLING = ["temperature", "topP", "topK"] as const;

/** The part of the options that the provider takes for this family. */
export function fitOptions(family: ImageFamily, provider: string, requested: ModelOptions | undefined): FittedOptions {
  if (!requested) return { left: [] };
  const takes = takesOf(family, provider);
  const options: ModelOptions = {};
  const left: string[] = [];
  const safety = (requested.safety ?? []).filter(({ category }) => takes.safety.includes(category));
  if (safety.length > 0) options.safety = safety;
  for (const { category } of requested.safety ?? []) if (!takes.safety.includes(category)) left.push(`${OPTION_NAMES.safety}.${category}`);
  const search = requested.search && fitSearch(requested.search, takes.search);
  if (search) options.search = search;
  for (const type of requested.search?.types ?? [])
    if (!takes.search.includes(type)) left.push(`${OPTION_NAMES.search}.searchTypes.${type}Search`);
  if (requested.search && takes.search.length === 0) left.push(OPTION_NAMES.search);
  for (const name of SAMPLING) {
    if (requested[name] === undefined) continue;
    if (takes.sampling) options[name] = requested[name];
    else left.push(OPTION_NAMES[name]);
  }
  if (requested.personGeneration !== undefined) {
    if (takes.personGeneration) options.personGeneration = requested.personGeneration;
    else left.push(OPTION_NAMES.personGeneration);
  }
  return { ...(Object.keys(options).length > 0 ? { options } : {}), left };
}

function fitSearch(requested: SearchOptions, types: ImageTakes["search"]): SearchOptions | undefined {
  if (types.length === 0) return undefined;
  const fitted = requested.types?.filter((type) => types.includes(type));
  return fitted && fitted.length > 0 ? { types: fitted } : {};
}

/** What a provider must take: a search that was asked for, videos among the inputs. */
export type Needs = { search: boolean; videos: number };

export function meetsNeeds(family: ImageFamily, provider: string, { search, videos }: Needs): boolean {
  const takes = takesOf(family, provider);
  return (!search || takes.search.length > 0) && (videos === 0 || takes.videos);
}

/** @throws {AppError} what is said when no provider of the family that can be asked has what is needed */
export function unmetNeed(family: ImageFamily, { search, videos }: Needs, providers: readonly string[], param: string): AppError {
  if (videos > 0 && !providers.some((provider) => takesOf(family, provider).videos)) {
    return new AppError("invalid_request", `${param}: ${family.id} takes no video here.`, { param });
  }
  const name = search ? OPTION_NAMES.search : param;
  return new AppError("invalid_request", `${name}: ${family.id} cannot search here.`, { param: name });
}

/** Those that leave the fewest safety settings behind: a setting is not given up while some token can honour it. */
export function mostSafety(family: ImageFamily, providers: readonly string[], requested: ModelOptions | undefined): string[] {
  if (!requested?.safety?.length) return [...providers];
  const taken = (provider: string) =>
    requested.safety!.filter(({ category }) => takesOf(family, provider).safety.includes(category)).length;
  const most = Math.max(...providers.map(taken));
  return providers.filter((provider) => taken(provider) === most);
}

/** Names of the options that some of these providers leave behind, each once. */
export function leftBehind(family: ImageFamily, providers: readonly string[], requested: ModelOptions | undefined): string[] {
  return [...new Set(providers.flatMap((provider) => fitOptions(family, provider, requested).left))];
}

/** Queries of a search that an upstream reports with a result: each is paid for. */
export function searchesOf(extras: OutputExtras | undefined): number {
  const grounding = extras?.candidate?.groundingMetadata;
  if (!isRecord(grounding)) return 0;
  return countOf(grounding.webSearchQueries) + countOf(grounding.imageSearchQueries);
}

const countOf = (queries: unknown): number => (Array.isArray(queries) ? queries.length : 0);

const takesOf = ({ providers }: ImageFamily, provider: string): ImageTakes => providers[provider]?.takes ?? NOTHING;

/** Response header with the fields of a request that changed nothing. */
export const IGNORED_HEADER = "x-flow2api-ignored";
const MAX_NAMES = 40;
const NO_HEADER: Readonly<Record<string, string>> = {};

/** The header, or none without ignored fields. Names are the client's: characters not allowed in a header are dropped. */
export const ignoredHeader = (names: readonly string[]): Readonly<Record<string, string>> =>
  names.length === 0 ? NO_HEADER : headerOf(names);

function headerOf(names: readonly string[]): Readonly<Record<string, string>> {
  const shown = [...new Set(names)].map((name) => name.replace(/[^\w.[\]-]/g, "").slice(0, 100)).filter(Boolean);
  return shown.length > 0 ? { [IGNORED_HEADER]: shown.slice(0, MAX_NAMES).join(", ") } : {};
}
