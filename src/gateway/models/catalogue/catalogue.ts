// Catalogue: every model that can be asked for, as one value; another value takes its place when a layer changes.

import type { Kind } from "../../../domain/generation.ts";
import type { ProviderModels } from "../../../providers/provider.ts";
import type { Family, FoundModel, ImageFamily, ImageLimits, VideoFamily, VideoLimits } from "../family.ts";
import { NearestIds } from "../nearest-ids.ts";
import { createModelParser, type ModelChoice, type Name } from "../parse-model.ts";
import type { Table } from "./fields.ts";
import type { ModelOrigin } from "./merge.ts";
import type { AssumedPrices } from "./price-tables.ts";
import { providerModels } from "./provider-models.ts";

export type CatalogueParts = {
  /** Images first, the recommended one of each kind before the others. */
  families: readonly Family[];
  names: readonly Name[];
  /** The vendor's own ids besides the families', and those that a whole list adds; as patterns. */
  official: Readonly<Record<Kind, readonly string[]>>;
  listed: Readonly<Record<Kind, readonly string[]>>;
  /** By family, then path of the field. */
  origins: ReadonlyMap<string, ReadonlyMap<string, ModelOrigin>>;
  /** The merged tables of each family, in the words of the file. */
  tables: ReadonlyMap<string, Table>;
  /** What each name that is no family's leads to. */
  aliases: ReadonlyMap<string, Table>;
  /** Families that only a token's list names. */
  found: ReadonlyMap<string, FoundModel>;
  assumed: AssumedPrices;
  revision: number;
};

/** Lists of families that are cached for tokens. */
const MAX_CACHED = 1000;

export class Catalogue {
  /** The id that it means, or null for an id that means nothing here. */
  readonly parseModel: (id: string) => ModelChoice | null;
  readonly #byId: ReadonlyMap<string, Family>;
  readonly #off: ReadonlySet<string>;
  #known: readonly ModelChoice[] | null = null;
  #forChoosing: ReadonlySet<string> | null = null;
  #nearest: NearestIds | null = null;
  readonly #served = new Map<string, readonly string[]>();
  /** Family and provider where the operator says that the provider has it. */
  readonly #declared: ReadonlySet<string>;
  readonly #providers = new Map<string, ProviderModels>();

  constructor(private readonly parts: CatalogueParts) {
    const { families, names } = parts;
    this.#byId = new Map(families.map((family) => [family.id, family]));
    this.#off = new Set(families.filter(({ isOff }) => isOff).map(({ id }) => id));
    this.parseModel = createModelParser(names);
    this.#declared = new Set(families.flatMap((family) => this.#declaredOf(family)));
  }

  /** Every id that is made known, living families first, whether the pool serves it or not. */
  get known(): readonly ModelChoice[] {
    this.#known ??= this.#choicesOf(this.parts.listed).flatMap((id) => this.parseModel(id) ?? []);
    return this.#known;
  }

  /** Ids of families, then those of the patterns. */
  #choicesOf({ image, video }: CatalogueParts["listed"]): string[] {
    const ids = this.parts.families.map(({ id }) => id);
    return [...new Set([...ids, ...[...image, ...video].flatMap(expandPattern)])];
  }

  get revision(): number {
    return this.parts.revision;
  }

  /** The merged tables of each family, in the words of the file. */
  get tables(): ReadonlyMap<string, Table> {
    return this.parts.tables;
  }

  /** What each name that is no family's leads to. */
  get aliases(): ReadonlyMap<string, Table> {
    return this.parts.aliases;
  }

  /** Families of one kind, the recommended one first, those that are switched off among them. */
  families(kind: "image"): readonly ImageFamily[];
  families(kind: "video"): readonly VideoFamily[];
  families(kind: Kind): readonly Family[];
  families(kind: Kind): readonly Family[] {
    return this.parts.families.filter((family) => family.kind === kind);
  }

  /** Ids of all families, those that are switched off among them. */
  idsByKind(): Record<Kind, readonly string[]> {
    const idsOf = (kind: Kind) => this.families(kind).map(({ id }) => id);
    return { image: idsOf("image"), video: idsOf("video") };
  }

  /** The family with this id, or null. Names and parameters are not understood here: see `parseModel`. */
  familyOf(id: string): Family | null {
    return this.#byId.get(id) ?? null;
  }

  /** @throws for an id that is not an image family's */
  imageFamily(id: string): ImageFamily {
    const family = this.#byId.get(id);
    if (family?.kind !== "image") throw new Error(`Not an image family: ${id}`);
    return family;
  }

  /** @throws for an id that is not a video family's */
  videoFamily(id: string): VideoFamily {
    const family = this.#byId.get(id);
    if (family?.kind !== "video") throw new Error(`Not a video family: ${id}`);
    return family;
  }

  /** The family that serves a request without a model. */
  defaultFamily(kind: Kind): string {
    return this.families(kind)[0]!.id;
  }

  /** Whether the operator has switched the family off, or has not said yes to it. */
  readonly isOff = (id: string): boolean => this.#off.has(id);

  /** The ids that are switched off. */
  get off(): ReadonlySet<string> {
    return this.#off;
  }

  /** Whether an id is one to choose by: a family, or the vendor's own name of one. */
  isForChoosing(id: string): boolean {
    this.#forChoosing ??= new Set(this.#choicesOf(this.parts.official));
    return this.#forChoosing.has(id);
  }

  /** The known ids nearest to one that is not known, the nearest first. Costs nothing that a long id could raise. */
  nearestModels(id: string, count: number): string[] {
    this.#nearest ??= new NearestIds(this.known.map(({ requested }) => requested));
    return this.#nearest.find(id, count);
  }

  /** Where each field that some layer says comes from, by its path within the family. */
  originsOf(id: string): ReadonlyMap<string, ModelOrigin> {
    return this.parts.origins.get(id) ?? new Map();
  }

  /** How a family was found that no layer knows; null: a layer knows it. */
  foundOf(id: string): FoundModel | null {
    return this.parts.found.get(id) ?? null;
  }

  /**
   * Whether a token of this provider can be expected to serve the family. `learned` is the token's own list: families, and ids of the
   * provider that were unknown when it was read; null: not read, so that what is only for some tokens is not expected.
   */
  providerServes(provider: string, id: string, learned: readonly string[] | null): boolean {
    const limits = this.#byId.get(id)?.providers[provider];
    if (!limits) return false;
    if (!learned) return !limits.onlyWhenLearned;
    return learned.includes(id) || learned.includes(limits.wire) || (!limits.onlyWhenLearned && this.#declared.has(`${id} ${provider}`));
  }

  /** Providers that the operator adds to a family: their own lists need not name it. */
  #declaredOf({ id, providers }: Family): string[] {
    const origins = this.originsOf(id);
    if (origins.get("id") === "found") return [];
    const builtIn = [...origins].filter(([, origin]) => origin === "built-in").map(([path]) => path);
    const isDeclared = (provider: string) => !builtIn.some((path) => path.startsWith(`providers.${provider}.`));
    return Object.keys(providers)
      .filter(isDeclared)
      .map((provider) => `${id} ${provider}`);
  }

  /** Families that a token of this provider can be expected to serve, by what its check has read. Thousands of tokens share a list. */
  servedFamilies(provider: string, learned: readonly string[] | null): readonly string[] {
    const key = `${provider} ${learned?.join() ?? "*"}`;
    const known = this.#served.get(key);
    if (known) return known;
    const served = this.parts.families.filter(({ id }) => this.providerServes(provider, id, learned)).map(({ id }) => id);
    if (this.#served.size < MAX_CACHED) this.#served.set(key, served);
    return served;
  }

  /** The families of one provider as its adapter calls them. */
  ofProvider(provider: string): ProviderModels {
    return this.#providers.get(provider) ?? this.#addProvider(provider);
  }

  #addProvider(provider: string): ProviderModels {
    const models = providerModels(this.parts.families, provider, (id) => this.parseModel(id) !== null);
    this.#providers.set(provider, models);
    return models;
  }

  /** Price and defaults by which an image is paid. A family that has gone meanwhile costs the dearest of its kind. */
  imageCosts(id: string, provider: string): ImageCosts {
    const family = this.#byId.get(id);
    const limits = family?.kind === "image" ? family.providers[provider] : undefined;
    return limits ?? { price: { ...this.parts.assumed.image, isAssumed: true }, defaultSize: "1K" };
  }

  /** As {@link imageCosts}, of a video. */
  videoCosts(id: string, provider: string): VideoCosts {
    const family = this.#byId.get(id);
    const limits = family?.kind === "video" ? family.providers[provider] : undefined;
    return limits ?? { price: { ...this.parts.assumed.video, isAssumed: true }, defaultResolution: "720p" };
  }
}

export type ImageCosts = Pick<ImageLimits, "price" | "defaultSize" | "defaultThinking">;
export type VideoCosts = Pick<VideoLimits, "price" | "defaultResolution">;

/** `a{b,c}` -> `ab`, `ac`; every brace in turn. */
function expandPattern(pattern: string): string[] {
  const brace = /\{([^{}]*)\}/.exec(pattern);
  if (!brace) return [pattern];
  const [all, words] = brace;
  return words!.split(",").flatMap((word) => expandPattern(pattern.slice(0, brace.index) + word + pattern.slice(brace.index + all.length)));
}
