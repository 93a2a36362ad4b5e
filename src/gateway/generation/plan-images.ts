// Plans the calls of a request for images: which family and providers, at what price, with which images of the conversation.

import type { ImageOptions, ImageRequest, Part, Turn } from "../../domain/generation.ts";
import type { ChosenFamily } from "../models/choose-family.ts";
import type { ImageFamily } from "../models/family.ts";
import { fitThinking, limitsOf, maxInputs, providersFor, requireAspect, resolveImageOptions, withModel } from "../models/image-options.ts";
import { leftBehind, MODEL_OPTIONS, meetsNeeds, mostSafety, pickModelOptions, unmetNeed } from "../models/model-options.ts";
import { costsBy, estimateImageUsd } from "../models/prices.ts";
import type { LeaseRequest } from "../pool/lease-contract.ts";
import type { ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import type { Affinity } from "./inputs/affinity.ts";
import { countImages, countVideos, fitImages } from "./inputs/inputs.ts";

/** Every option that a route decides about; undefined: the provider does not take it. */
type Resolved = { [Name in (typeof DECIDED)[number]]: ImageOptions[Name] };
const DECIDED = ["aspect", "size", "thinking", ...MODEL_OPTIONS] as const;

/** How requests of one shape are served by one family, whatever their words. */
export type Route = ChosenFamily & {
  /** Shape and model options, with what the model id fixes and the default shape. */
  options: ImageOptions;
  /** The family as the catalogue had it when the route was decided. */
  facts: ImageFamily;
  /** Input images of each call. */
  inputs: number;
  lease: Omit<LeaseRequest, "exclude" | "keyId">;
  /** Names of the fields that change nothing with these providers. */
  ignored: readonly string[];
  /** The options as each provider can follow them, resolved at the first call. */
  resolved: Map<string, Resolved>;
};

const NO_TOKENS: ReadonlySet<number> = new Set();

const UNDECIDED = Object.fromEntries(DECIDED.map((name) => [name, undefined])) as Resolved;

/** What the calls of one request share. */
export class ImagePlan {
  /** Of the first call: nothing is excluded. */
  readonly lease: LeaseRequest;
  /** The conversation with as many images as its providers take. */
  readonly turns: Turn[];

  constructor(
    private readonly deps: Pick<GenerateDependencies, "affinity" | "settings">,
    readonly request: ImageGeneration,
    readonly route: Route,
    turns?: Turn[],
  ) {
    this.turns = turns ?? request.turns;
    this.lease = { ...route.lease, keyId: request.key.id, prefer: preferredToken(deps.affinity, this.turns), exclude: NO_TOKENS };
  }

  get family(): string {
    return this.route.family;
  }

  get options(): ImageOptions {
    return this.route.options;
  }

  get ignored(): readonly string[] {
    return this.route.ignored;
  }

  /** The request in the terms of a provider. */
  requestFor(provider: string, turns: Turn[]): ImageRequest {
    const { family, facts, resolved, options } = this.route;
    let own = resolved.get(provider);
    if (!own) {
      const level = this.deps.settings().generation.thinking;
      const thinking = options.thinking ?? (level === "default" ? undefined : level);
      own = { ...UNDECIDED, ...resolveImageOptions(facts, provider, { ...options, thinking }) };
      resolved.set(provider, own);
    }
    return { ...this.request.options, ...own, family, turns };
  }
}

type PlanDependencies = Pick<GenerateDependencies, "pool" | "affinity" | "catalogue" | "settings">;

/** @throws {AppError} `invalid_request` when the last turn has more images than any provider takes, or no provider meets its needs */
export function planImages(deps: PlanDependencies, request: ImageGeneration, chosen: ChosenFamily): ImagePlan {
  const { route, turns } = routeOf(deps, request, chosen);
  return new ImagePlan(deps, request, route, turns);
}

/** The route of a request and its conversation. @throws as {@link planImages} */
export function routeOf(deps: PlanDependencies, request: ImageGeneration, chosen: ChosenFamily): { route: Route; turns: Turn[] } {
  const { family: id } = chosen;
  const family = deps.catalogue().imageFamily(id);
  const { aspect, size, pixels, thinking } = request.options;
  const asked = withModel(request.choice.params, { aspect, size, pixels, thinking, ...pickModelOptions(request.options) });
  const options = withDefaultShape(asked, request.turns);
  const usable = (provider: string) => deps.pool.canServe("image", id, [provider]);
  const needs = { search: options.search !== undefined, videos: countVideos(request.turns) };
  const able = providersFor(family, options, (provider) => usable(provider) && meetsNeeds(family, provider, needs));
  if (able.providers.length === 0) {
    const { providers } = providersFor(family, options, usable);
    if (providers.length > 0) throw unmetNeed(family, needs, providers, request.imagesParam ?? "messages");
  }
  if (request.shapeParams) requireAspect(family, able.providers, asked, request.shapeParams.aspect);
  const turns = fitImages(request.turns, maxInputs(family, able.providers), request.imagesParam);
  const inputs = countImages(turns);
  const roomy = able.providers.filter((provider) => maxInputs(family, [provider]) >= inputs);
  const providers = mostSafety(family, roomy, options);
  const pricing = { thinking: options.thinking, inputs, searches: needs.search ? 1 : 0 };
  const costs = costsBy(providers, (provider) => estimateImageUsd(limitsOf(family, provider), options.size, pricing));
  const lease: Route["lease"] = {
    kind: "image",
    family: id,
    providers,
    minTier: able.minTier,
    ...(providers.length > 1 && deps.settings().pool.prefer_cheaper ? { costs } : {}),
    // The dearest: any of them may serve.
    estimate: { images: 1, videoSeconds: 0, usd: Math.max(...Object.values(costs)) },
  };
  const ignored = [...leftBehind(family, providers, options), ...unmetShape(request, family, providers, able.exact)];
  return { route: { ...chosen, options, facts: family, inputs, lease, ignored, resolved: new Map() }, turns };
}

/** Names of the fields of shape that none of the providers can follow. */
function unmetShape(
  { shapeParams, options: { thinking } }: ImageGeneration,
  family: ImageFamily,
  providers: readonly string[],
  isExact: boolean,
): string[] {
  if (!shapeParams) return [];
  const canThink = thinking === undefined || providers.some((provider) => fitThinking(limitsOf(family, provider), thinking) !== undefined);
  return [...(isExact ? [] : [shapeParams.size]), ...(canThink || !shapeParams.thinking ? [] : [shapeParams.thinking])];
}

/** The token that made the latest image or signed text of the conversation. */
function preferredToken(affinity: Affinity, turns: readonly Turn[]): number | undefined {
  for (let at = turns.length - 1; at >= 0; at--) {
    const token = tokenOf(affinity, turns[at]!.parts);
    if (token !== undefined) return token;
  }
  return undefined;
}

function tokenOf(affinity: Affinity, parts: readonly Part[]): number | undefined {
  for (let at = parts.length - 1; at >= 0; at--) {
    const part = parts[at]!;
    const signature = part.type === "image" ? part.image.signature : part.signature;
    const mediaId = part.type === "image" ? part.image.mediaId : undefined;
    const token = (mediaId && affinity.of(mediaId)?.tokenId) || (signature && affinity.tokenOf(signature)) || undefined;
    if (token !== undefined) return token;
  }
  return undefined;
}
