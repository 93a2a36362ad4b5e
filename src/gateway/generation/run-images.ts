// The image calls of one request: each on as many tokens as the rules allow, all under one deadline, settled once.

import { sleep } from "../../clock.ts";
import {
  addUsage,
  type GenerateEvent,
  type ImageOptions,
  type ImageRequest,
  NO_USAGE,
  noImageText,
  type Turn,
} from "../../domain/generation.ts";
import { AppError, knownFailure, withRetryAfter } from "../../errors.ts";
import type { Admission } from "../limits/contract.ts";
import { resolveImageOptions } from "../models/image-options.ts";
import { searchesOf } from "../models/model-options.ts";
import { actualImageUsd, estimateImageUsd } from "../models/prices.ts";
import { asExhausted } from "../pool/availability.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import type { Lease, LeaseRequest } from "../pool/lease-contract.ts";
import { type Answer, type AttemptState, attemptImage } from "./attempt.ts";
import type { ImageGeneration, RunFacts } from "./contract.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { LiveRun } from "./live-run.ts";
import { UsageOfFailures } from "./reported-usage.ts";
import type { GenerationRecord } from "./request-record.ts";
import { nextStep } from "./retry.ts";
import { hasSignatures, turnsForAccount, turnsWithoutSignatures } from "./signatures.ts";
import { TriedTokens } from "./tried-tokens.ts";

/** A request on its way: what its calls share. */
export type Plan = {
  request: ImageGeneration;
  family: string;
  /** With what the model id fixes and the default shape. */
  options: ImageOptions;
  /** The conversation with as many pictures as its providers take. */
  turns: Turn[];
  lease: Omit<LeaseRequest, "exclude">;
  record: GenerationRecord;
  /** Names of the fields that change nothing with these providers. */
  ignored: string[];
};

type Work = Plan & { run: LiveRun; signal: AbortSignal; deadline: Deadline; tell: (event: GenerateEvent) => void };
type Ended = { answer: Answer; provider: string };

/**
 * Starts the calls of a request at once. The last of their events is one `done`. One success among several calls is a success; when
 * there is none, the events end with the first failure. What becomes of a run whose client leaves is in {@link LiveRun}.
 */
export function runImages(deps: GenerateDependencies, plan: Plan, admission: Admission, facts: RunFacts): LiveRun {
  const seconds = deps.settings().generation.image_timeout;
  const run = new LiveRun(deps, plan.request, facts, seconds);
  const work: Work = {
    ...plan,
    run,
    signal: run.signal,
    deadline: { at: deps.clock.now() + seconds * 1000, wholeMs: seconds * 1000 },
    tell: run.tell,
  };
  runAll(deps, work, admission).then(
    (done) => run.succeed(done),
    (error) => run.fail(error),
  );
  return run;
}

/** @throws {AppError} the first failure when no call succeeded */
async function runAll(deps: GenerateDependencies, work: Work, admission: Admission): Promise<Extract<GenerateEvent, { type: "done" }>> {
  const ended: Ended[] = [];
  const failures: unknown[] = [];
  const one = () =>
    runOne(deps, work).then(
      (end) => ended.push(end),
      (failure) => failures.push(failure),
    );
  try {
    await Promise.all(Array.from({ length: work.request.n }, one));
    if (ended.length === 0) throw whenToCome(deps, work, failures.find(isCharged) ?? failures[0]);
    const done = summarize(ended);
    work.record.finish(done);
    return done;
  } catch (error) {
    work.record.fail(error);
    throw error;
  } finally {
    work.record.close(admission);
  }
}

/** Of several failures the one that may have cost something speaks: the client is not to repeat the request. */
const isCharged = (failure: unknown): boolean => failure instanceof AppError && failure.charged;

/** Of a limit by the minute the client is told when the first token comes back, not when the last one that was tried does. */
function whenToCome({ pool }: GenerateDependencies, { lease }: Plan, failure: unknown): unknown {
  if (!(failure instanceof AppError) || failure.kind !== "upstream_rate_limited") return failure;
  const soonest = pool.soonestMs({ ...lease, exclude: new Set() });
  return soonest === null ? failure : withRetryAfter(failure, soonest);
}

/** One image, on as many tokens as it takes and the rules allow. */
async function runOne(deps: GenerateDependencies, asked: Work): Promise<Ended> {
  const failed = new UsageOfFailures();
  try {
    const { answer, provider } = await attemptUntilDone(deps, asked, failed);
    return { answer: { ...answer, usage: failed.addTo(answer.usage) }, provider };
  } catch (error) {
    throw failed.within(error);
  }
}

async function attemptUntilDone(deps: GenerateDependencies, asked: Work, failed: UsageOfFailures): Promise<Ended> {
  const tried = new TriedTokens();
  let work = asked;
  let failure: AppError | null = null;
  for (let attempts = 1; ; attempts++) {
    const lease = await leaseToken(deps, work, tried, failure);
    try {
      work.tell({ type: "token", label: lease.label, provider: lease.provider, attempt: attempts });
      return { answer: await callOn(deps, work, lease), provider: lease.provider };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      failure = error;
      failed.add(error);
    } finally {
      await lease[Symbol.asyncDispose]();
    }
    if (failure.detail?.reason === "signature" && !work.signal.aborted && hasSignatures(work.turns)) {
      work = { ...work, turns: turnsWithoutSignatures(work.turns) };
      continue;
    }
    const { tokenId } = lease;
    const isOtherFree = () => deps.pool.isFree({ ...work.lease, exclude: tried.untried(tokenId) });
    const step = nextStep(
      {
        kind: "image",
        attempts,
        tokenFailures: tried.countFailure(tokenId),
        isOtherFree,
        error: failure,
        now: deps.clock.now(),
        deadline: work.deadline.at,
      },
      deps.settings().generation,
      deps.random,
    );
    if (step.action === "fail" || work.signal.aborted || work.run.isPointless) throw asExhausted(failure);
    tried.apply(step, tokenId, !isOtherFree());
    if (step.delayMs > 0) await sleep(deps.clock, step.delayMs, work.signal);
  }
}

/**
 * Leases a token and tells the place in the queue while it waits. When every token was tried, or no time is left for another, what the
 * last one said is the answer.
 */
async function leaseToken(deps: GenerateDependencies, work: Work, tried: TriedTokens, last: AppError | null): Promise<Lease> {
  const { signal, deadline, tell } = work;
  const onWait = (position: number, waitMs: number | null) => tell({ type: "queued", position, waitMs });
  try {
    return await deps.pool.lease({ ...work.lease, exclude: tried.exclude, avoid: tried.avoid }, { signal, deadline, onWait });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (last && (error.kind === "no_token" || error.kind === "upstream_timeout")) throw asExhausted(last);
    throw error.kind === "upstream_timeout" ? noneInTime(work) : error;
  }
}

/** The time ran out in the queue: nothing was sent, and the upstream has no part in it. */
const noneInTime = ({ family, deadline }: Work) =>
  new AppError("busy", `No token that can serve ${family} came free within ${deadline.wholeMs / 1000} seconds.`, { retryAfterMs: 5_000 });

/** One call on the leased token, told to health and written down whatever happens. */
async function callOn(deps: GenerateDependencies, work: Work, lease: Lease): Promise<Answer> {
  const { family, record, tell } = work;
  const provider = deps.providers.get(lease.provider)!;
  const call = callFor(deps, work, lease);
  const pricing = { thinking: call.thinking, prices: deps.prices?.(), searches: call.search ? 1 : 0 };
  const state: AttemptState = { submitted: false, onSubmit: work.request.onSubmit };
  work.run.addCall(state);
  const end = record.attempt(lease, deps.clock.now());
  try {
    const owner = { keyId: work.request.key.id, requestId: work.request.requestId };
    const answer = await attemptImage(deps, provider, lease, call, owner, work.signal, state, tell);
    const images = answer.images.length;
    if (images === 0 && (answer.finish === "no_image" || answer.finish === "malformed")) throw noResult(answer);
    const cost = {
      images,
      usd: actualImageUsd(family, lease.provider, call.size, answer.usage, { ...pricing, images, searches: searchesOf(answer.extras) }),
    };
    end({ ok: true, usage: answer.usage, videoSeconds: 0, ...cost }, answer.images, cost);
    await work.request.onCallEnd?.(true);
    return answer;
  } catch (error) {
    // What is wrong with this server says nothing of the token.
    const known = knownFailure(error);
    const failure = known ?? new AppError("unavailable", "The server failed by itself.", { charged: state.submitted, cause: error });
    if (!known && state.submitted) deps.log.error("A result was lost by a bug", { requestId: work.request.requestId, error });
    const { kind, detail, retryAfterMs, upstreamStatus, charged } = failure;
    state.isRefused = !charged;
    const cost = charged ? { images: 1, usd: estimateImageUsd(family, lease.provider, call.size, pricing) } : NO_COST;
    // Whether the call had time enough to say something of its token is for those to judge who know how long calls take.
    const cutAfterMs = work.signal.aborted && kind === "upstream_timeout" ? work.deadline.wholeMs : undefined;
    end({ ok: false, kind, detail, retryAfterMs, upstreamStatus, charged, cutAfterMs }, [], cost);
    if (state.submitted) await work.request.onCallEnd?.(charged);
    // What was paid for is told as such, whoever lost it.
    throw known === null && !state.submitted ? error : failure;
  }
}

const NO_COST = { images: 0, usd: 0 };

/** The request in the terms of one provider. */
function callFor(deps: GenerateDependencies, { family, options, ...work }: Work, lease: Lease): ImageRequest {
  const { provider } = lease;
  const turns = turnsForAccount(work.turns, deps.affinity, lease.sharesAccount);
  const level = deps.settings().generation.thinking;
  const thinking = options.thinking ?? (level === "default" ? undefined : level);
  return { ...resolveImageOptions(family, provider, { ...options, thinking }), family, turns };
}

function noResult(answer: Answer): AppError {
  const message = answer.message ?? (answer.text || noImageText(answer.upstreamReason));
  return new AppError("no_result", message, {
    detail: {
      scope: "request",
      reason: answer.finish === "malformed" ? "malformed" : "text_only",
      upstreamReason: answer.upstreamReason,
    },
    ...(answer.usage ? { usage: answer.usage } : {}),
  });
}

function summarize(ended: Ended[]): Extract<GenerateEvent, { type: "done" }> {
  const usage = ended.reduce((sum, { answer }) => (answer.usage ? addUsage(sum, answer.usage) : sum), NO_USAGE);
  const { answer, provider } = ended.find((one) => one.answer.images.length > 0) ?? ended[0]!;
  const { finish, upstreamReason, message, modelVersion, extras } = answer;
  const refusals = ended.map((one) => one.answer).filter((one) => one.images.length === 0 && one.finish.startsWith("policy"));
  return { type: "done", finish, upstreamReason, message, usage, provider, modelVersion, extras, refusals: refusals.map(toRefusal) };
}

const toRefusal = ({ upstreamReason, message }: Answer) => ({ upstreamReason, message });
