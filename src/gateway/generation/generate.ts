// The crux: choose a family, admit the key, then lease, call, classify and fail over until the images are there.
import type { Clock, Random } from "../../clock.ts";
import type { KeyRow, RequestLog } from "../../db/store.ts";
import type { Log } from "../../log.ts";
import type { Metrics } from "../../metrics.ts";
import type { Provider } from "../../providers/provider.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { Affinity } from "./affinity.ts";
import { withDefaultShape } from "./default-shape.ts";
import { joinUndelivered } from "./join.ts";
import { notServed } from "./not-served.ts";
import type { Undelivered } from "./undelivered.ts";
import { fitThinking, type ImageWish, maxInputs, offersAspect, providersFor, requireAspect, withModel } from "../models/image-options.ts";
import { type Plan, runImages } from "./run-images.ts";
import { countImages, countVideos, fitImages } from "./inputs.ts";
import type { Admission, Leases, Limits } from "../pool/lease-contract.ts";
import type { MediaStore } from "../media/media-store.ts";
import { ignoredHeader, leftBehind, meetsNeeds, mostSafety, unmetNeed } from "../models/model-options.ts";
import { chooseFamily, isSwitchedOff, type ModelChoice, switchedOff } from "../models/models.ts";
import { imagePayload } from "./payload.ts";
import { estimateImageUsd, type Prices } from "../models/prices.ts";
import { createRecord, type GenerationRecord } from "./request-record.ts";
import type { Tokens } from "../tokens/credentials.ts";
import type { GenerateEvent, ImageRequest, ModelOptions, Part, Turn } from "../../domain/generation.ts";

/** A client's request for images, decoded from any dialect. */
export type ImageGeneration = {
  requestId: string;
  dialect: "openai" | "gemini";
  /** Route as listed, e.g. `POST /v1/chat/completions`. */
  route: string;
  stream: boolean;
  key: KeyRow;
  choice: ModelChoice;
  /** Parameters that the request itself names; what the model id fixes wins over them. */
  wish: ImageWish;
  system?: string;
  turns: Turn[];
  /** Field that the pictures of the last turn came in, named when there are too many. */
  picturesParam?: string;
  /** Images wanted, each an upstream call of its own. */
  n: number;
  seed?: number;
  thinking?: ImageRequest["thinking"];
  includeThoughts?: boolean;
  imageOnly?: boolean;
  options?: ModelOptions;
  /** Fields of a dialect whose shapes are exact: a shape that the model does not have is refused, a size or a level is told as ignored. */
  shapeParams?: { aspect: string; size: string; thinking?: string };
  /** Aborts when the client goes away. */
  signal: AbortSignal;
  /** Awaited before the body of each upstream call leaves; when it throws, that call is not made. */
  onSubmit?: () => Promise<void>;
  /** Awaited after each call whose body left. `charged` false: the upstream refused it, and another token may be asked. */
  onCallEnd?: (charged: boolean) => Promise<void>;
  /** It belongs to a job: nothing is sent before that is on disk. */
  forJob?: boolean;
  /** A new call is wanted, whatever an identical request before has left. */
  insist?: boolean;
  /** Epoch ms of arrival. */
  startedAt: number;
};

export type Run = {
  /** Public family id that serves the request. */
  family: string;
  /** The retired family that it stands in for, or null. */
  successorOf: string | null;
  /** What calls of this family took lately, in ms; absent: nothing is known. */
  usualMs?: number | null;
  /** Headers of the answer that tell of this run alone. */
  headers: Readonly<Record<string, string>>;
  /** Ends with `done` or throws AppError. The generation waits for no reader. */
  events: AsyncIterable<GenerateEvent>;
  /** To be called when the response has been sent whole: until then a client that leaves has not got it. Absent: a job has it. */
  delivered?(): void;
};

export type GenerateDependencies = {
  pool: Leases;
  limits: Limits;
  providers: ReadonlyMap<string, Provider>;
  tokens: Tokens;
  affinity: Affinity;
  media: Pick<MediaStore, "get" | "keep" | "discard" | "assertSpace" | "claimInputs">;
  requests: Pick<RequestLog, "append">;
  settings: () => Settings;
  /** Absent: the catalogue's. */
  prices?: () => Prices;
  metrics: Metrics;
  clock: Clock;
  random: Random;
  log: Log;
  /** Absent: what a client left is cut. */
  undelivered?: Undelivered;
  /** Aborts when the server has waited long enough for open answers. */
  shutdown: AbortSignal;
};

/**
 * Starts a generation. Resolves as soon as a token is leased or the request has entered the queue, so that everything
 * known before that is thrown here, as an error that can still be an HTTP status.
 * @throws {AppError} `forbidden`, `limit_exceeded`, `no_token`, `busy`, `upstream_quota`, `upstream_rate_limited`
 */
export type Generate = (request: ImageGeneration) => Promise<Run>;

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
      if (successorOf) deps.log.info("A retired model is served by its successor", { requested: successorOf, family });
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
function chooseServed(
  deps: GenerateDependencies,
  { choice, wish, turns }: ImageGeneration,
): { family: string; successorOf: string | null } {
  const { pool, settings } = deps;
  const wished = withDefaultShape(withModel(choice.params, wish), turns);
  const canServe = (family: string) => pool.canServe(choice.kind, family);
  const fits = (family: string) => offersAspect(family, wished);
  const chosen = chooseFamily(choice, canServe, settings().generation.successors, fits, pool.isOff);
  if (chosen) return chosen;
  if (isSwitchedOff(choice, pool.isOff)) throw switchedOff(choice);
  throw notServed(choice, pool);
}

/**
 * What every call of the request shares: who can draw it, at what price, with which pictures.
 * @throws {AppError} `invalid_request` when the last turn has more pictures than any provider takes
 */
function planImages(deps: GenerateDependencies, request: ImageGeneration, family: string, record: GenerationRecord): Plan {
  const asked = withModel(request.choice.params, request.wish);
  const wish = withDefaultShape(asked, request.turns);
  const usable = (provider: string) => deps.pool.canServe("image", family, [provider]);
  const needs = { search: request.options?.search !== undefined, videos: countVideos(request.turns) };
  const able = providersFor(family, wish, (provider) => usable(provider) && meetsNeeds(family, provider, needs));
  if (able.providers.length === 0) {
    const { providers } = providersFor(family, wish, usable);
    if (providers.length > 0) throw unmetNeed(family, needs, providers, request.picturesParam ?? "messages");
  }
  if (request.shapeParams) requireAspect(family, able.providers, asked, request.shapeParams.aspect);
  const turns = fitImages(request.turns, maxInputs(family, able.providers), request.picturesParam);
  const inputs = countImages(turns);
  const roomy = able.providers.filter((provider) => maxInputs(family, [provider]) >= inputs);
  const providers = mostSafety(family, roomy, request.options);
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
      usd: estimateImageUsd(family, providers[0]!, wish.size, { prices: deps.prices?.(), searches: needs.search ? 1 : 0 }),
    },
  };
  const ignored = [...leftBehind(family, providers, request.options), ...unmetShape(request, family, providers, able.exact)];
  return { request, family, wish, turns, lease, record, ignored };
}

/** Names of the fields of shape that none of the providers can follow. */
function unmetShape({ shapeParams, thinking }: ImageGeneration, family: string, providers: readonly string[], isExact: boolean): string[] {
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
