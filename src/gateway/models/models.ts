// Model catalogue: families by id, the list of models, the nearest ids to an unknown one.

import type { Kind } from "../../domain/generation.ts";
import { LISTED, OFFICIAL } from "./aliases.ts";
import { FAMILIES } from "./catalogue.ts";
import { chooseFamily } from "./choose-family.ts";
import type { Family, ImageFamily, VideoFamily } from "./family.ts";
import { NearestIds } from "./nearest-ids.ts";
import { type ModelChoice, parseModel } from "./parse-model.ts";

export type { Tier } from "../../domain/generation.ts";
export type { Family, ImageFamily, ImageLimits, Thinking, VideoFamily, VideoLimits } from "./family.ts";
export { type ModelChoice, type ModelParameters, parseModel } from "./parse-model.ts";

/** The families that serve a request that names no model. */
export const DEFAULT_FAMILY: Readonly<Record<Kind, string>> = { image: "gemini-nano-banana-2.1", video: "gemini-omni-1.2-flash" };

/** One line of a list of models. */
export type ModelEntry = {
  id: string;
  kind: Kind;
  /** The family that serves it in this pool. */
  family: string;
  /** Epoch seconds. */
  created: number;
  ownedBy: string;
  /** For people who choose: "Nano Banana 2.1 · image". */
  name: string;
  description: string;
};

const BY_ID: ReadonlyMap<string, Family> = new Map(FAMILIES.map((family) => [family.id, family]));

/** The living families of one kind, the recommended one first. */
export function families(kind: "image"): readonly ImageFamily[];
export function families(kind: "video"): readonly VideoFamily[];
export function families(kind: Kind): readonly Family[];
export function families(kind: Kind): readonly Family[] {
  return FAMILIES.filter((family) => family.kind === kind);
}

/** The living family with this public id, or null. Names and parameters are not understood here: see `parseModel`. */
export function familyOf(id: string): Family | null {
  return BY_ID.get(id) ?? null;
}

/**
 * Whether a token of this provider can be expected to serve the family. `learned` is the token's own list of families;
 * null: not learned, so that what is only for some tokens is not expected.
 */
export function providerServes(provider: string, id: string, learned: readonly string[] | null): boolean {
  const limits = familyOf(id)?.providers[provider];
  if (!limits) return false;
  return learned ? learned.includes(id) : !limits.onlyWhenLearned;
}

/** Families that a token of this provider can be expected to serve before it was checked. */
export function assumedFamilies(provider: string): readonly string[] {
  return FAMILIES.filter((family) => providerServes(provider, family.id, null)).map((family) => family.id);
}

/** Every id that we make known, living families first; parsed once. */
const KNOWN: readonly ModelChoice[] = [
  ...new Set([...FAMILIES.map((family) => family.id), ...[...LISTED.image, ...LISTED.video].flatMap(expand)]),
].map((id) => parseModel(id)!);

/** Every id that we make known, whether the pool serves it or not. */
export const knownModels = (): readonly ModelChoice[] => KNOWN;

/**
 * The models to list: families of these kinds that the pool serves, then the saved and hard-coded names that lead to one of them.
 * @param served ids of the families that the pool can serve
 * @param successorsAllowed whether names of retired models count
 * @param isOff whether the operator has switched a family off
 */
export function listModels(
  kinds: readonly Kind[],
  served: ReadonlySet<string>,
  successorsAllowed = true,
  isOff?: (family: string) => boolean,
): ModelEntry[] {
  const canServe = (family: string) => served.has(family);
  return KNOWN.filter((choice) => kinds.includes(choice.kind)).flatMap((choice) => {
    const entry = modelEntry(choice, canServe, successorsAllowed, isOff);
    return entry ? [entry] : [];
  });
}

/** How a list shows this id; null where nothing serves it. */
export function modelEntry(
  choice: ModelChoice,
  canServe: (family: string) => boolean,
  successorsAllowed: boolean,
  isOff?: (family: string) => boolean,
): ModelEntry | null {
  const chosen = chooseFamily(choice, { canServe, successors: successorsAllowed, isOff });
  if (!chosen) return null;
  const family = BY_ID.get(chosen.family)!;
  const [id, kind] = [choice.requested, choice.kind];
  const shape = fixedBy(choice);
  const name = `${[family.title, ...shape].join(", ")} · ${kind}${id === family.id ? "" : ` (${id})`}`;
  const description = describe(shape, family, chosen.successorOf !== null);
  return { id, kind, family: family.id, created: family.created, ownedBy: family.ownedBy, name, description };
}

const CHOSEN: ReadonlySet<string> = new Set([...FAMILIES.map(({ id }) => id), ...[...OFFICIAL.image, ...OFFICIAL.video].flatMap(expand)]);

/** Whether an id is one to choose by: a family, or Google's own name of one. */
export const isForChoosing = (id: string): boolean => CHOSEN.has(id);

const NEAREST = new NearestIds(KNOWN.map((choice) => choice.requested));

/** The known ids nearest to one that is not known, the nearest first. Costs nothing that a long id could raise. */
export function nearestModels(id: string, count: number, among?: readonly string[]): string[] {
  return (among ? new NearestIds(among) : NEAREST).find(id, count);
}

/** What an id fixes besides its family, in words. */
function fixedBy({ params }: ModelChoice): string[] {
  const { aspect, size, seconds, resolution, quality, modes } = params;
  const fixed = [aspect, size, resolution, seconds && `${seconds} s`, quality, modes?.join(" or ").replaceAll("_", " ")];
  return fixed.filter((one): one is string => Boolean(one));
}

function describe(fixed: readonly string[], family: Family, isSuccessor: boolean): string {
  const text = [family.title, ...fixed].join(", ");
  return isSuccessor ? `${text} (successor of the model named)` : text;
}

/** `a{b,c}` -> `ab`, `ac`; every brace in turn. */
function expand(pattern: string): string[] {
  const brace = /\{([^{}]*)\}/.exec(pattern);
  if (!brace) return [pattern];
  const [all, words] = brace;
  return words!.split(",").flatMap((word) => expand(pattern.slice(0, brace.index) + word + pattern.slice(brace.index + all.length)));
}
