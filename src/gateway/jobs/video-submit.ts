// The first half of a video job: waits for a token and submits, once; goes to another token only when nothing was charged.
import { withTimeout } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { nextStep } from "../generation/retry.ts";
import { videoUsd } from "../models/prices.ts";
import { asExhausted } from "../pool/availability.ts";
import type { Lease } from "../pool/lease-contract.ts";
import { submissionEnd } from "./job-state.ts";
import {
  asFailure,
  failVideo,
  freshDeadline,
  markUnknown,
  pause,
  releaseSlot,
  report,
  type VideoJobDependencies,
  type VideoRun,
} from "./video-job.ts";
import { leaseOf, readPlan, requestOf, type VideoPlan, writePlan } from "./video-plan.ts";
import { changeToSuccessor } from "./video-successor.ts";

/** Longest time for uploads and the answer to a submission. */
const SUBMIT_MS = 600_000;
const ASK_AGAIN_MS = 1_000;
const KEEP_AGAIN_MS = 500;
const STAGE_AGAIN_MS = 2_000;

/** Leases a token and submits the job. Leaves it `running`, `unknown` or ended, or `queued` when it was parked or has to wait longer. */
export async function submitVideo(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<void> {
  const plan = readPlan(job.plan);
  const lease = await leaseToken(deps, run, job, plan);
  if (!lease) return;
  run.lease = lease;
  run.tries++;
  const provider = deps.providers.get(lease.provider)!;
  const fit = plan.fits[lease.provider]!;
  const usd = videoUsd(fit.family, lease.provider, fit.resolution, fit.seconds, deps.prices?.());
  const facts = { provider: lease.provider, tokenId: lease.tokenId, ...shapeOf(plan, lease.provider), usd };
  try {
    const token = await deps.tokens.open(lease.tokenId, lease.proxy);
    const request = await requestOf(plan, lease.provider, deps.media);
    await submitOnce(deps, run, { ...job, ...facts }, facts, (signal, onSubmit) =>
      provider.startVideo(request, token, deps.tokens.callContext(token, signal), onSubmit),
    );
  } catch (error) {
    // Before anything was sent: inputs that are gone, a token that is gone, a bug.
    await refused(deps, run, job, asFailure(deps.log, run.id, error));
  }
}

/**
 * Commits `submitting` before the body leaves and the handle before anybody is told, then sorts out what went wrong.
 * @throws what `send` throws before its body left
 */
export async function submitOnce(
  deps: VideoJobDependencies,
  run: VideoRun,
  job: JobRow,
  facts: Partial<JobRow>,
  send: (signal: AbortSignal, onSubmit: () => Promise<void>) => Promise<{ operation: Json }>,
): Promise<void> {
  const { lifecycle, clock } = deps;
  let isSent = false;
  const onSubmit = async () => {
    if (isSent) return;
    const submittedAt = job.submittedAt ?? clock.now();
    const moved = await lifecycle.move(
      run.id,
      [job.state],
      { ...facts, state: "submitting", submittedAt, charged: true },
      { durable: true },
    );
    if (!moved) throw new AppError("cancelled", "The job was cancelled before it was submitted.");
    isSent = true;
  };
  let operation: Json;
  try {
    ({ operation } = await withTimeout(clock, run.killed, SUBMIT_MS, (signal) => send(signal, onSubmit)));
  } catch (error) {
    if (!isSent) throw error;
    const bug = !(error instanceof AppError);
    const failure = bug ? asCharged(asFailure(deps.log, run.id, error)) : error;
    const sent = { ...job, state: "submitting" as const };
    if (bug || submissionEnd(failure, true) === "unknown") {
      report(deps, run, job, asCharged(failure));
      await releaseSlot(run);
      return markUnknown(deps, run, failure);
    }
    return refused(deps, run, sent, failure);
  }
  run.polls = 0;
  run.failure = null;
  await keepHandle(deps, run, { state: "running", operation, step: null, deadlineAt: freshDeadline(deps) });
}

/** The handle is all that is left of the money: a disk that refuses it is asked until it takes it. */
async function keepHandle({ lifecycle, clock, log }: VideoJobDependencies, run: VideoRun, change: Partial<JobRow>): Promise<void> {
  for (;;) {
    try {
      await lifecycle.move(run.id, ["submitting"], change, { durable: true });
      return;
    } catch (error) {
      log.error("A job's handle could not be kept", { jobId: run.id, error });
      if (run.killed.aborted) return;
      await new Promise<void>((resolve) => clock.after(KEEP_AGAIN_MS, resolve));
    }
  }
}

/** A submission that was refused: on to another token, later on the same, or the end. */
async function refused(deps: VideoJobDependencies, run: VideoRun, job: JobRow, failure: AppError): Promise<void> {
  const { lifecycle, clock, pool, random, settings } = deps;
  const tokenId = run.lease?.tokenId;
  const isStage = job.operation !== null;
  const isSent = job.state === "submitting";
  const error = isSent ? failure : asUnsent(failure);
  // A stage stays with its token for as long as the job has time.
  const limits = isStage ? { ...settings().generation, max_attempts: 0 } : settings().generation;
  const isOtherFree = () => tokenId !== undefined && pool.isFree(leaseOf(readPlan(job.plan), job.keyId, run.tried.untried(tokenId)));
  const call = {
    kind: "video" as const,
    attempts: run.tries,
    tokenFailures: tokenId === undefined ? run.tries : run.tried.countFailure(tokenId),
    isOtherFree,
    isPinned: isStage,
    error,
    now: clock.now(),
    deadline: job.deadlineAt,
  };
  const step = nextStep(call, limits, random);
  const isOver = step.action === "fail" || submissionEnd(error, isSent) === "final";
  if (!isStage || isOver) {
    report(deps, run, job, error);
    await releaseSlot(run);
  }
  // The client cancelled it, or the server stops: there is nothing to tell.
  if (error.kind === "cancelled") return;
  if (isOver && !isStage && (await changeToSuccessor(deps, run, job, readPlan(job.plan), error))) return;
  if (isOver) return failVideo(deps, run, job, isStage ? asCharged(error) : asExhausted(error));
  if (isSent && isStage) await lifecycle.move(run.id, ["submitting"], { state: "running" });
  else if (isSent)
    await lifecycle.move(run.id, ["submitting"], { state: "queued", charged: false, submittedAt: null, tokenId: null, provider: null });
  if (!isStage && tokenId !== undefined) run.tried.apply(step, tokenId, !isOtherFree());
  run.failure = error;
  await pause(deps, run, isStage ? Math.max(step.delayMs, STAGE_AGAIN_MS) : step.delayMs);
}

/** An upload without an answer is no submission without an answer: it costs nothing and may be repeated. */
function asUnsent(error: AppError): AppError {
  if (error.kind !== "upstream_timeout" && error.kind !== "upstream_unknown_outcome") return error;
  return new AppError("upstream_unavailable", error.message, { detail: error.detail, cause: error });
}

/** Submits the stage that a poll named, with the token that made the one before it. */
export async function submitStage(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<void> {
  const provider = deps.providers.get(job.provider!)!;
  try {
    const token = await deps.tokens.open(job.tokenId!, run.lease?.proxy ?? null);
    await submitOnce(deps, run, job, {}, (signal, onSubmit) =>
      provider.continueVideo(job.step!, token, deps.tokens.callContext(token, signal), onSubmit),
    );
  } catch (error) {
    await refused(deps, run, job, asFailure(deps.log, run.id, error));
  }
}

/** Waits for a token for as long as the job may wait; null when the job was parked, has changed, or has failed for want of one. */
async function leaseToken(deps: VideoJobDependencies, run: VideoRun, job: JobRow, plan: VideoPlan): Promise<Lease | null> {
  const { lifecycle, clock, pool, waitingJobs } = deps;
  const waitMs = job.deadlineAt - clock.now();
  const { family } = Object.values(plan.fits)[0]!;
  let leave = () => {};
  try {
    return await withTimeout(clock, AbortSignal.any([run.parked, run.wake.signal]), Math.max(waitMs, 0), async (signal) => {
      const onWait = (position: number, waitMs: number | null = null) => lifecycle.stand(run.id, { position, waitMs });
      leave = await waitingJobs.enter(`${job.keyId} ${family}`, signal, onWait);
      const options = { signal, onWait, waitMs: Math.max(job.deadlineAt - clock.now(), 0) };
      return await pool.lease(leaseOf(plan, job.keyId, run.tried.exclude, run.tried.avoid), options);
    });
  } catch (error) {
    if (run.parked.aborted) return null;
    if (run.wake.signal.aborted) {
      run.wake = new AbortController();
      return null;
    }
    return await noLease(deps, run, job, plan, asFailure(deps.log, run.id, error));
  } finally {
    leave();
    lifecycle.stand(run.id, null);
  }
}

async function noLease(deps: VideoJobDependencies, run: VideoRun, job: JobRow, plan: VideoPlan, error: AppError): Promise<null> {
  const { clock, lifecycle } = deps;
  if (error.kind === "no_token" && plan.source?.known && run.tried.exclude.size === 0) {
    // Its token is gone: the bytes are still there, and any token can start from those.
    await lifecycle.move(run.id, ["queued"], { plan: writePlan({ ...plan, source: { ...plan.source, known: null } }) });
    return null;
  }
  if ((error.kind === "busy" || error.kind === "unavailable") && clock.now() < job.deadlineAt) await pause(deps, run, ASK_AGAIN_MS);
  else if (error.kind === "upstream_timeout")
    await failVideo(deps, run, job, run.failure ?? new AppError("busy", "No token came free before this job's time was over."));
  else if (!(await changeToSuccessor(deps, run, job, plan, run.failure ?? error)))
    await failVideo(deps, run, job, asExhausted(run.failure ?? error));
  return null;
}

const shapeOf = ({ fits }: VideoPlan, provider: string) => {
  const { mode, aspect = null, resolution = null, seconds } = fits[provider]!;
  return { mode, aspect, resolution, seconds };
};
