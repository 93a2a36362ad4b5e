// Attempts of one image: each on a leased token, on as many tokens as the retry rules allow, under the deadline of its generation.

import { sleep } from "../../clock.ts";
import { type GenerateEvent, type ImageRequest, noImageText, type Turn } from "../../domain/generation.ts";
import { AppError, knownFailure } from "../../errors.ts";
import { resolveImageOptions } from "../models/image-options.ts";
import { searchesOf } from "../models/model-options.ts";
import { actualImageUsd, estimateImageUsd } from "../models/prices.ts";
import { asExhausted } from "../pool/availability.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import type { Lease } from "../pool/lease-contract.ts";
import { type AttemptState, attemptImage, type CallResult } from "./attempt.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { hasSignatures, turnsForAccount, turnsWithoutSignatures } from "./inputs/signatures.ts";
import type { ImagePlan } from "./plan-images.ts";
import { UsageOfFailures } from "./reported-usage.ts";
import { nextStep } from "./retry.ts";
import { TriedTokens } from "./tried-tokens.ts";

/** What the generation gives to the attempts of each of its images. */
export interface AttemptOwner {
  /** Aborts when the calls are to end; its reason says why. */
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  /** Nothing was spent and nothing reads the result: another call is not begun. */
  readonly isPointless: boolean;
  emit(event: GenerateEvent): void;
  /** Takes note of a call that is about to be made. */
  addCall(state: AttemptState): void;
}

export type ImageResult = { result: CallResult; provider: string };

const NO_COST = { images: 0, usd: 0 };

export class ImageAttempts {
  private readonly tried = new TriedTokens();
  private readonly failed = new UsageOfFailures();
  private turns: Turn[];

  constructor(
    private readonly deps: GenerateDependencies,
    private readonly plan: ImagePlan,
    private readonly owner: AttemptOwner,
  ) {
    this.turns = plan.turns;
  }

  /** One image. @throws {AppError} the last failure, with the usage of all */
  async run(): Promise<ImageResult> {
    try {
      const { result, provider } = await this.attemptUntilDone();
      return { result: { ...result, usage: this.failed.addTo(result.usage) }, provider };
    } catch (error) {
      throw this.failed.within(error);
    }
  }

  private async attemptUntilDone(): Promise<ImageResult> {
    const { signal } = this.owner;
    let failure: AppError | null = null;
    for (let attempts = 1; ; attempts++) {
      const lease = await this.lease(failure);
      try {
        this.owner.emit({ type: "token", label: lease.label, provider: lease.provider, attempt: attempts });
        return { result: await this.call(lease), provider: lease.provider };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        failure = error;
        this.failed.add(error);
      } finally {
        await lease[Symbol.asyncDispose]();
      }
      if (failure.detail?.reason === "signature" && !signal.aborted && hasSignatures(this.turns)) {
        this.turns = turnsWithoutSignatures(this.turns);
        continue;
      }
      const delayMs = this.decide(failure, attempts, lease.tokenId);
      if (delayMs > 0) await sleep(this.deps.clock, delayMs, signal);
    }
  }

  /** Ms before the next attempt. @throws {AppError} the failure, where there is none */
  private decide(error: AppError, attempts: number, tokenId: number): number {
    const { deps, owner, tried } = this;
    const isOtherFree = () => deps.pool.isFree({ ...this.plan.lease, exclude: tried.untried(tokenId) });
    const step = nextStep(
      {
        kind: "image",
        attempts,
        tokenFailures: tried.countFailure(tokenId),
        isOtherFree,
        error,
        now: deps.clock.now(),
        deadline: owner.deadline.at,
      },
      deps.settings().generation,
      deps.random,
    );
    if (step.action === "fail" || owner.signal.aborted || owner.isPointless) throw asExhausted(error);
    tried.apply(step, tokenId, !isOtherFree());
    return step.delayMs;
  }

  /**
   * Leases a token and emits the queue position while it waits. When every token was tried, or the time is too short for another, the last
   * failure is the result.
   */
  private async lease(last: AppError | null): Promise<Lease> {
    const { signal, deadline } = this.owner;
    const { exclude, avoid } = this.tried;
    const onWait = (position: number, waitMs: number | null) => this.owner.emit({ type: "queued", position, waitMs });
    try {
      return await this.deps.pool.lease({ ...this.plan.lease, exclude, avoid }, { signal, deadline, onWait });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (last && (error.kind === "no_token" || error.kind === "upstream_timeout")) throw asExhausted(last);
      throw error.kind === "upstream_timeout" ? this.noneInTime() : error;
    }
  }

  /** The time ran out in the queue: nothing was sent, and the upstream has no part in it. */
  private noneInTime(): AppError {
    const seconds = this.owner.deadline.wholeMs / 1000;
    return new AppError("busy", `No token that can serve ${this.plan.family} came free within ${seconds} seconds.`, {
      retryAfterMs: 5_000,
    });
  }

  /** One call on the leased token, reported to health and recorded whatever happens. */
  private async call(lease: Lease): Promise<CallResult> {
    const { deps, owner } = this;
    const { family, record, request } = this.plan;
    const { signal, deadline } = owner;
    const imageRequest = this.requestFor(lease);
    const { size, thinking, search } = imageRequest;
    const pricing = { thinking, prices: deps.prices?.(), searches: search ? 1 : 0 };
    const state: AttemptState = { submitted: false, onSubmit: request.onSubmit };
    owner.addCall(state);
    const end = record.attempt(lease, deps.clock.now());
    try {
      const result = await attemptImage(deps, {
        provider: deps.providers.get(lease.provider)!,
        lease,
        request: imageRequest,
        media: { keyId: request.key.id, requestId: request.requestId },
        signal,
        state,
        emit: (event) => owner.emit(event),
      });
      const images = result.images.length;
      if (images === 0 && (result.finish === "no_image" || result.finish === "malformed")) throw noResult(result);
      const actual = { ...pricing, images, searches: searchesOf(result.extras) };
      const cost = { images, usd: actualImageUsd(family, lease.provider, size, result.usage, actual) };
      end({ ok: true, usage: result.usage, videoSeconds: 0, ...cost }, result.images, cost, result);
      await request.onCallEnd?.(true);
      return result;
    } catch (error) {
      // A fault of this server says nothing of the token.
      const known = knownFailure(error);
      const failure = known ?? new AppError("unavailable", "The server failed by itself.", { charged: state.submitted, cause: error });
      if (!known && state.submitted) deps.log.error("A result was lost by a bug", { requestId: request.requestId, error });
      const { kind, detail, retryAfterMs, upstreamStatus, charged } = failure;
      state.isRefused = !charged;
      const cost = charged ? { images: 1, usd: estimateImageUsd(family, lease.provider, size, pricing) } : NO_COST;
      // Health decides whether the call had time enough to say something of its token.
      const cutAfterMs = signal.aborted && kind === "upstream_timeout" ? deadline.wholeMs : undefined;
      end({ ok: false, kind, detail, retryAfterMs, upstreamStatus, charged, cutAfterMs }, [], cost);
      if (state.submitted) await request.onCallEnd?.(charged);
      // A charged call is returned as such, whatever lost its result.
      throw known === null && !state.submitted ? error : failure;
    }
  }

  /** The request in the terms of the leased token's provider. */
  private requestFor({ provider, sharesAccount }: Lease): ImageRequest {
    const { family, options } = this.plan;
    const turns = turnsForAccount(this.turns, this.deps.affinity, sharesAccount);
    const level = this.deps.settings().generation.thinking;
    const thinking = options.thinking ?? (level === "default" ? undefined : level);
    return { ...resolveImageOptions(family, provider, { ...options, thinking }), family, turns };
  }
}

function noResult(result: CallResult): AppError {
  const message = result.message ?? (result.text || noImageText(result.upstreamReason));
  return new AppError("no_result", message, {
    detail: {
      scope: "request",
      reason: result.finish === "malformed" ? "malformed" : "text_only",
      upstreamReason: result.upstreamReason,
    },
    ...(result.usage ? { usage: result.usage } : {}),
  });
}
