// The crux: choose a family, admit the key, then lease, call, classify and fail over until the images are there.

import type { Part, Turn } from "../../domain/generation.ts";
import type { Admission } from "../limits/contract.ts";
import { type ChosenFamily, requireFamily } from "../models/choose-family.ts";
import { fitThinking, maxInputs, providersFor, requireAspect, takesAspect, withModel } from "../models/image-options.ts";
import { ignoredHeader, leftBehind, meetsNeeds, mostSafety, unmetNeed } from "../models/model-options.ts";
import { estimateImageUsd } from "../models/prices.ts";
import type { Affinity } from "./affinity.ts";
import type { Generate, ImageGeneration } from "./contract.ts";
import { withDefaultShape } from "./default-shape.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { countImages, countVideos, fitImages } from "./inputs.ts";
import { joinUndelivered } from "./join.ts";
import { imagePayload } from "./payload.ts";
import { createRecord, type GenerationRecord } from "./request-record.ts";
import { type Plan, runImages } from "./run-images.ts";

export function createGenerate(deps: GenerateDependencies): Generate {
  return async (request) => {
    const payload = deps.settings().requests.record_payloads ? imagePayload(request) : undefined;
    const record = createRecord(deps, { ...request, payload });
    let admission: Admission | null = null;
    try {
      if (deps.undelivered?.has(request.key.id) && !request.forJob) {
        const joined = await joinUndelivered({ ...deps, undelivered: deps.undelivered }, request, record);
        if (joined) return joined;
      }
      const { family, successorOf } = chooseServed(deps, request);
      record.serve(family);
      const plan = planImages(deps, request, family, record);
      deps.media.assertSpace();
      const { images, videoSeconds, usd } = plan.lease.estimate;
      const estimate = { images: images * request.n, videoSeconds, usd: usd * request.n };
      const { requestId, key, choice, forJob } = request;
      admission = await deps.limits.admit(key.id, { requestId, kind: "image", model: choice.requested, family, estimate, forJob });
      const run = runImages(deps, plan, admission, { family, successorOf });
      await run.log.begun();
      deps.media.claimInputs(requestId);
      const events = run.read(request.signal, run.delivery);
      const usualMs = deps.pool.usualMs?.("image", family);
      return { family, successorOf, usualMs, headers: ignoredHeader(plan.ignored), events, delivered: run.delivery.delivered };
    } catch (error) {
      record.fail(error);
      record.close(admission);
      throw error;
    }
  };
}

/** The first living family of the choice that the pool can serve; one that has the wished shape goes first. */
function chooseServed(deps: GenerateDependencies, { choice, options, turns }: ImageGeneration): ChosenFamily {
  const asked = withDefaultShape(withModel(choice.params, options), turns);
  const { successors } = deps.settings().generation;
  return requireFamily(choice, deps.pool, { successors, fits: (family) => takesAspect(family, asked), log: deps.log });
}

/**
 * What every call of the request shares: who can draw it, at what price, with which pictures.
 * @throws {AppError} `invalid_request` when the last turn has more pictures than any provider takes
 */
function planImages(deps: GenerateDependencies, request: ImageGeneration, family: string, record: GenerationRecord): Plan {
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
  const lease: Plan["lease"] = {
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
