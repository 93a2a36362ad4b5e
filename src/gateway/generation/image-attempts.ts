// Attempts of one image: each on a leased token, on as many tokens as the retry rules allow, under the deadline of its generation.

import { monotonicNow, sleep } from "../../clock.ts";
import { type ImageFinish, type Media, noImageText, type Turn } from "../../domain/generation.ts";
import { AppError, knownFailure } from "../../errors.ts";
import { limitsOf } from "../models/image-options.ts";
import { searchesOf } from "../models/model-options.ts";
import { actualImageUsd, estimateImageUsd } from "../models/prices.ts";
import { asExhausted } from "../pool/availability.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import type { Lease, LeaseRequest } from "../pool/lease-contract.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import type { ImageGeneration } from "./contract.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import type { EarlyLease } from "./early-lease.ts";
import { hasSignatures, turnsForAccount, turnsWithoutSignatures } from "./inputs/signatures.ts";
import type { ImagePlan } from "./plan-images.ts";
import { UsageOfFailures } from "./reported-usage.ts";
import type { GenerationRecord } from "./request-record.ts";
import { nextStep } from "./retry.ts";
import { TriedTokens } from "./tried-tokens.ts";

/** What the generation gives to the attempts of each of its images. */
export interface ImageOwner extends AttemptOwner {
  readonly request: ImageGeneration;
  readonly record: Pick<GenerationRecord, "endCall">;
  readonly deadline: Deadline;
  /** Asked for with the admission: the first attempt's. */
  takeEarlyLease(): EarlyLease;
  /** Nothing was spent and nothing reads the result: another call is not begun. */
  readonly isPointless: boolean;
  /** Takes note of a call that is about to be made. */
  addCall(attempt: Attempt): void;
  /** An image that the upstream answered, made or refused. */
  made(result: ImageResult): void;
  /** An image that failed, with the usage of all its calls. */
  failed(error: unknown, plan: ImagePlan): void;
}

/** Result of an image that the upstream answered. */
export type ImageResult = { finish: ImageFinish; images: readonly Media[]; text: string; provider: string };

/** What the first attempt has left behind. */
type Failed = { tried: TriedTokens; usage: UsageOfFailures; last: AppError };

const NO_IMAGES: readonly Media[] = [];

export class ImageAttempts {
  private turns: Turn[];
  /** Null until an attempt has failed. */
  private failed: Failed | null = null;

  constructor(
    private readonly deps: GenerateDependencies,
    private readonly plan: ImagePlan,
    private readonly owner: ImageOwner,
  ) {
    this.turns = plan.turns;
  }

  /** Makes one image and tells its owner; never rejects. */
  async run(): Promise<void> {
    const { owner, deps } = this;
    let result: ImageResult | null = null;
    try {
      for (let attempts = 1; result === null; attempts++) {
        const leasing = this.lease();
        const lease = leasing instanceof Promise ? await leasing : leasing;
        try {
          owner.emit({ type: "token", label: lease.label, provider: lease.provider, attempt: attempts });
          const attempt = this.begin(lease);
          try {
            const finish = await attempt.start(deps.providers.get(lease.provider)!);
            attempt.end();
            this.succeed(attempt, finish);
            if (owner.request.onCallEnd) await owner.request.onCallEnd(true);
            result = this.resultOf(attempt, finish);
          } catch (error) {
            const failure = attempt.failureOf(error);
            attempt.end();
            throw await this.fail(attempt, failure);
          }
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          this.noteFailure(error);
        } finally {
          await lease[Symbol.asyncDispose]();
        }
        if (result === null) await this.beforeNext(attempts, lease.tokenId);
      }
    } catch (error) {
      return owner.failed(error, this.plan);
    }
    owner.made(result);
  }

  /** After a failure: resolves when the next attempt may begin. @throws {AppError} the failure, where there is none */
  private async beforeNext(attempts: number, tokenId: number): Promise<void> {
    const { owner, deps } = this;
    const { last } = this.failed!;
    if (last.detail?.reason === "signature" && !owner.signal.aborted && hasSignatures(this.turns)) {
      this.turns = turnsWithoutSignatures(this.turns);
      return;
    }
    const delayMs = this.decide(last, attempts, tokenId);
    if (delayMs > 0) await this.withUsage(sleep(deps.clock, delayMs, owner.signal));
  }

  private noteFailure(error: AppError): void {
    this.failed ??= { tried: new TriedTokens(), usage: new UsageOfFailures(), last: error };
    this.failed.last = error;
    this.failed.usage.add(error);
  }

  /** The failure with the usage of all. */
  private withAllUsage(error: unknown): unknown {
    return this.failed ? this.failed.usage.within(error) : error;
  }

  private async withUsage<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.withAllUsage(error);
    }
  }

  /** Ms before the next attempt. @throws {AppError} the failure, where there is none */
  private decide(error: AppError, attempts: number, tokenId: number): number {
    const { deps, owner } = this;
    const { tried } = this.failed!;
    const isOtherFree = () => deps.pool.isFree({ ...this.plan.lease, exclude: tried.untried(tokenId) });
    const step = nextStep(
      {
        kind: "image",
        attempts,
        tokenFailures: tried.countFailure(tokenId),
        isOtherFree,
        error,
        now: monotonicNow(deps.clock),
        deadline: owner.deadline.at,
      },
      deps.settings().generation,
      deps.random,
    );
    if (step.action === "fail" || owner.signal.aborted || owner.isPointless) throw this.withAllUsage(asExhausted(error));
    tried.apply(step, tokenId, !isOtherFree());
    return step.delayMs;
  }

  /**
   * Leases a token, at once where one is free, and emits the queue position while it waits. When every token was tried, or the time is too
   * short for another, the last failure is the result.
   */
  private lease(): Lease | Promise<Lease> {
    const early = this.failed ? null : this.owner.takeEarlyLease();
    return early ? this.leaseAfterEarly(early) : this.leaseNow();
  }

  /** The early lease, unless there is none, or its client has left meanwhile. */
  private async leaseAfterEarly(early: NonNullable<EarlyLease>): Promise<Lease> {
    const lease = await early;
    if (!lease) return this.leaseNow();
    if (!this.owner.signal.aborted) return lease;
    await lease[Symbol.asyncDispose]();
    throw this.owner.signal.reason;
  }

  private leaseNow(): Lease | Promise<Lease> {
    const { pool } = this.deps;
    const request = this.failed ? this.leaseAfter(this.failed) : this.plan.lease;
    try {
      return pool.leaseNow?.(request, this.owner) ?? this.waitForLease(request);
    } catch (error) {
      throw this.unleased(error);
    }
  }

  private leaseAfter({ tried }: Failed): LeaseRequest {
    return { ...this.plan.lease, exclude: tried.exclude, avoid: tried.avoid };
  }

  private async waitForLease(request: LeaseRequest): Promise<Lease> {
    const { signal, deadline } = this.owner;
    const onWait = (position: number, waitMs: number | null) => this.owner.emit({ type: "queued", position, waitMs });
    try {
      return await this.deps.pool.lease(request, { signal, deadline, onWait });
    } catch (error) {
      throw this.unleased(error);
    }
  }

  private unleased(error: unknown): unknown {
    if (!(error instanceof AppError)) return error;
    const last = this.failed?.last;
    if (last && (error.kind === "no_token" || error.kind === "upstream_timeout")) return this.withAllUsage(asExhausted(last));
    return this.withAllUsage(error.kind === "upstream_timeout" ? this.noneInTime() : error);
  }

  /** The time ran out in the queue: nothing was sent, and the upstream has no part in it. */
  private noneInTime(): AppError {
    const seconds = this.owner.deadline.wholeMs / 1000;
    return new AppError("busy", `No token that can serve ${this.plan.family} came free within ${seconds} seconds.`, {
      retryAfterMs: 5_000,
    });
  }

  private turnsFor(lease: Lease): Turn[] {
    return turnsForAccount(this.turns, this.deps.affinity, (id) => lease.sharesAccount(id));
  }

  private begin(lease: Lease): Attempt {
    const turns = hasSignatures(this.turns) ? this.turnsFor(lease) : this.turns;
    const attempt = new Attempt(this.deps, this.owner, lease, this.plan.requestFor(lease.provider, turns));
    this.owner.addCall(attempt);
    return attempt;
  }

  private resultOf({ images, text, lease: { provider } }: Attempt, finish: ImageFinish): ImageResult {
    const usage = this.failed ? this.failed.usage.addTo(finish.usage) : finish.usage;
    return { finish: this.failed ? { ...finish, usage } : finish, images, text, provider };
  }

  /** The upstream has answered: health, cost and row. @throws {AppError} `no_result` when it made nothing and says no reason for it */
  private succeed(attempt: Attempt, finish: ImageFinish): void {
    const { family, route } = this.plan;
    const media = attempt.images;
    const images = media.length;
    if (images === 0 && (finish.finish === "no_image" || finish.finish === "malformed")) throw noResult(finish, attempt.text);
    const { size, thinking } = attempt.request;
    const { usage, extras } = finish;
    const made = { size, usage, thinking, inputs: route.inputs, images, searches: searchesOf(extras) };
    const usd = actualImageUsd(limitsOf(route.facts, attempt.lease.provider), made);
    this.owner.record.endCall(attempt, family, { ok: true, usage, videoSeconds: 0, images, usd }, { media, images, usd, reply: finish });
  }

  /** The call has failed: reported to health and recorded. Resolves with what it failed with. */
  private async fail(attempt: Attempt, error: unknown): Promise<unknown> {
    const { deps, owner } = this;
    const { request } = owner;
    const { family, route } = this.plan;
    // A fault of this server says nothing of the token.
    const { submitted } = attempt;
    const known = knownFailure(error);
    const failure = known ?? new AppError("unavailable", "The server failed by itself.", { charged: submitted, cause: error });
    if (!known && submitted) deps.log.error("A result was lost by a bug", { requestId: request.requestId, error });
    const { kind, detail, retryAfterMs, upstreamStatus, charged } = failure;
    attempt.isRefused = !charged;
    const { size, thinking, search } = attempt.request;
    const pricing = { thinking, inputs: route.inputs, searches: search ? 1 : 0 };
    const usd = charged ? estimateImageUsd(limitsOf(route.facts, attempt.lease.provider), size, pricing) : 0;
    // Health decides whether the call had time enough to say something of its token.
    const cutAfterMs = owner.signal.aborted && kind === "upstream_timeout" ? owner.deadline.wholeMs : undefined;
    const outcome = { ok: false as const, kind, detail, retryAfterMs, upstreamStatus, charged, cutAfterMs };
    owner.record.endCall(attempt, family, outcome, { media: NO_IMAGES, images: charged ? 1 : 0, usd });
    if (submitted) await request.onCallEnd?.(charged);
    // A charged call is returned as such, whatever lost its result.
    return known === null && !submitted ? error : failure;
  }
}

function noResult(finish: ImageFinish, text: string): AppError {
  const message = finish.message ?? (text || noImageText(finish.upstreamReason));
  return new AppError("no_result", message, {
    detail: {
      scope: "request",
      reason: finish.finish === "malformed" ? "malformed" : "text_only",
      upstreamReason: finish.upstreamReason,
    },
    ...(finish.usage ? { usage: finish.usage } : {}),
  });
}
