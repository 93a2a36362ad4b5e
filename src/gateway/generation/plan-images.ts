// Plans the calls of a request for images: which providers, at what price, with which images of the conversation.

import type { ImageOptions, Part, Turn } from "../../domain/generation.ts";
import { fitThinking, maxInputs, providersFor, requireAspect, withModel } from "../models/image-options.ts";
import { leftBehind, meetsNeeds, mostSafety, unmetNeed } from "../models/model-options.ts";
import { estimateImageUsd } from "../models/prices.ts";
import type { LeaseRequest } from "../pool/lease-contract.ts";
import type { ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import type { Affinity } from "./inputs/affinity.ts";
import { countImages, countVideos, fitImages } from "./inputs/inputs.ts";
import type { GenerationRecord } from "./request-record.ts";

/** What the calls of one request share. */
export type ImagePlan = {
  request: ImageGeneration;
  family: string;
  /** With what the model id fixes and the default shape. */
  options: ImageOptions;
  /** The conversation with as many images as its providers take. */
  turns: Turn[];
  lease: Omit<LeaseRequest, "exclude">;
  record: GenerationRecord;
  /** Names of the fields that change nothing with these providers. */
  ignored: string[];
};

/** @throws {AppError} `invalid_request` when the last turn has more images than any provider takes, or no provider meets its needs */
export function planImages(
  deps: Pick<GenerateDependencies, "pool" | "affinity" | "prices">,
  request: ImageGeneration,
  family: string,
  record: GenerationRecord,
): ImagePlan {
  const asked = withModel(request.choice.params, request.options);
  const options = withDefaultShape(asked, request.turns);
  const usable = (provider: string) => deps.pool.canServe("image", family, [provider]);
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
  const lease: ImagePlan["lease"] = {
    kind: "image",
    family,
    providers,
    minTier: able.minTier,
    keyId: request.key.id,
    prefer: preferredToken(deps.affinity, turns),
    estimate: {
      images: 1,
      videoSeconds: 0,
      usd: estimateImageUsd(family, providers[0]!, options.size, { prices: deps.prices?.(), searches: needs.search ? 1 : 0 }),
    },
  };
  const ignored = [...leftBehind(family, providers, options), ...unmetShape(request, family, providers, able.exact)];
  return { request, family, options, turns, lease, record, ignored };
}

/** Names of the fields of shape that none of the providers can follow. */
function unmetShape(
  { shapeParams, options: { thinking } }: ImageGeneration,
  family: string,
  providers: readonly string[],
  isExact: boolean,
): string[] {
  if (!shapeParams) return [];
  const canThink = thinking === undefined || providers.some((provider) => fitThinking(family, provider, thinking) !== undefined);
  return [...(isExact ? [] : [shapeParams.size]), ...(canThink || !shapeParams.thinking ? [] : [shapeParams.thinking])];
}

/** The token that made the latest image or signed text of the conversation. */
function preferredToken(affinity: Affinity, turns: readonly Turn[]): number | undefined {
  const tokenOf = (part: Part): number | undefined => {
    const { mediaId, signature } = part.type === "image" ? part.image : { mediaId: undefined, signature: part.signature };
    return (mediaId && affinity.of(mediaId)?.tokenId) || (signature && affinity.tokenOf(signature)) || undefined;
  };
  const made = turns.flatMap((turn) => turn.parts).findLast(tokenOf);
  return made && tokenOf(made);
}
