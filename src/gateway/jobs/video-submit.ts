// Submits a video job: leases a token and submits once; another token is tried only when nothing was charged.

import { sleep, withTimeout } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { Json } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { nextStep } from "../generation/retry.ts";
import { costsBy, estimateVideoUsd } from "../models/prices.ts";
import { asExhausted } from "../pool/availability.ts";
import type { Lease } from "../pool/lease-contract.ts";
import { submissionEnd } from "./job-state.ts";
import type { VideoJob } from "./video-job.ts";
import { leaseOf, readVideoSpec, requestOf, type VideoJobSpec, writeVideoSpec } from "./video-spec.ts";
import { switchToSuccessor } from "./video-successor.ts";

/** Longest time for uploads and the response to a submission. */
const SUBMIT_MS = 600_000;
const LEASE_RETRY_MS = 1_000;
const STORE_RETRY_MS = 500;
const STAGE_RETRY_MS = 2_000;

/** Leases a token and submits the job. Leaves it `running`, `unknown` or ended, or `queued` when it has to wait or the server stops. */
export async function submitVideo(job: VideoJob): Promise<void> {
  const { providers, catalogue, tokens, media } = job.deps;
  const spec = readVideoSpec(job.row.plan);
  const lease = await leaseToken(job, spec);
  if (!lease) return;
  job.lease = lease;
  job.submissions++;
  const provider = providers.get(lease.provider)!;
  const { family, mode, aspect = null, resolution = null, seconds } = spec.fits[lease.provider]!;
  const costs = catalogue().videoCosts(family, lease.provider);
  const usd = estimateVideoUsd(costs, { resolution: resolution ?? undefined, seconds, inputs: spec.images.length });
  const facts = { provider: lease.provider, tokenId: lease.tokenId, mode, aspect, resolution, seconds, usd };
  try {
    const token = await tokens.open(lease.tokenId, lease);
    const request = await requestOf(spec, lease.provider, media);
    job.row = { ...job.row, ...facts };
    await submitOnce(job, facts, (signal, onSubmit) => provider.startVideo(request, token, tokens.callContext(token, signal), onSubmit));
  } catch (error) {
    // Before the body was sent: an input or the token was deleted, or a bug.
    await handleRefusal(job, job.asFailure(error));
  }
}

/** Submits the stage that a poll returned, with the token of the stage before it. */
export async function submitStage(job: VideoJob): Promise<void> {
  const { row } = job;
  const { providers, tokens } = job.deps;
  const provider = providers.get(row.provider!)!;
  try {
    const token = await tokens.open(row.tokenId!, job.lease ?? undefined);
    await submitOnce(job, {}, (signal, onSubmit) => provider.continueVideo(row.step!, token, tokens.callContext(token, signal), onSubmit));
  } catch (error) {
    await handleRefusal(job, job.asFailure(error));
  }
}

/**
 * Commits `submitting` with `facts` before the body is sent, and the operation handle before anything else; then handles a failure.
 * @throws what `send` throws before its body was sent
 */
async function submitOnce(
  job: VideoJob,
  facts: Partial<JobRow>,
  send: (signal: AbortSignal, onSubmit: () => Promise<void>) => Promise<{ operation: Json }>,
): Promise<void> {
  const { clock } = job.deps;
  let isSent = false;
  const onSubmit = async () => {
    if (isSent) return;
    const submittedAt = job.row.submittedAt ?? clock.now();
    const change = { ...facts, state: "submitting" as const, submittedAt, charged: true };
    const moved = await job.move([job.row.state], change, { durable: true });
    if (!moved) throw new AppError("cancelled", "The job was cancelled before it was submitted.");
    isSent = true;
  };
  let operation: Json;
  try {
    ({ operation } = await withTimeout(clock, job.signals.aborted, SUBMIT_MS, (signal) => send(signal, onSubmit)));
  } catch (error) {
    if (!isSent) throw error;
    job.row = { ...job.row, state: "submitting" };
    const isBug = !(error instanceof AppError);
    const failure = isBug ? asCharged(job.asFailure(error)) : error;
    if (!isBug && submissionEnd(failure, true) !== "unknown") return handleRefusal(job, failure);
    job.report(asCharged(failure));
    await job.releaseLease();
    return job.deps.lifecycle.markUnknown(job.id, failure);
  }
  job.polls = 0;
  job.lastFailure = null;
  await storeHandle(job, { state: "running", operation, step: null, deadlineAt: job.newDeadline() });
}

/** Retries until the operation handle is durable: without it a charged video cannot be collected. */
async function storeHandle(job: VideoJob, change: Partial<JobRow>): Promise<void> {
  const { clock, log } = job.deps;
  for (;;) {
    try {
      await job.move(["submitting"], change, { durable: true });
      return;
    } catch (error) {
      log.error("A job's operation handle could not be stored", { jobId: job.id, error });
      if (job.signals.aborted.aborted) return;
      await sleep(clock, STORE_RETRY_MS);
    }
  }
}

/** After a submission that was refused: another token, later the same one, a successor family, or a failed job. */
async function handleRefusal(job: VideoJob, failure: AppError): Promise<void> {
  const { row, tried } = job;
  const { clock, pool, random, settings } = job.deps;
  const tokenId = job.lease?.tokenId;
  const isStage = row.operation !== null;
  const isSent = row.state === "submitting";
  const error = isSent ? failure : asUnsent(failure);
  // A stage stays with its token until the job's deadline.
  const limits = isStage ? { ...settings().generation, max_attempts: 0 } : settings().generation;
  const isOtherFree = () =>
    tokenId !== undefined &&
    pool.isFree(
      leaseOf(readVideoSpec(row.plan), { keyId: row.keyId, exclude: tried.untried(tokenId), costs: costsOf(job, readVideoSpec(row.plan)) }),
    );
  const call = {
    kind: "video" as const,
    attempts: job.submissions,
    tokenFailures: tokenId === undefined ? job.submissions : tried.countFailure(tokenId),
    isOtherFree,
    isPinned: isStage,
    error,
    now: clock.now(),
    deadline: row.deadlineAt,
  };
  const step = nextStep(call, limits, random);
  const isOver = step.action === "fail" || submissionEnd(error, isSent) === "final";
  if (!isStage || isOver) {
    job.report(error);
    await job.releaseLease();
  }
  // The client cancelled it, or the server stops: the job has ended, or stays in its state.
  if (error.kind === "cancelled") return;
  if (isOver && !isStage && (await switchToSuccessor(job, readVideoSpec(row.plan), error))) return;
  if (isOver) return job.fail(isStage ? asCharged(error) : asExhausted(error));
  if (isSent && isStage) await job.move(["submitting"], { state: "running" });
  else if (isSent) await job.move(["submitting"], { state: "queued", charged: false, submittedAt: null, tokenId: null, provider: null });
  if (!isStage && tokenId !== undefined) tried.apply(step, tokenId, !isOtherFree());
  job.lastFailure = error;
  await job.pause(isStage ? Math.max(step.delayMs, STAGE_RETRY_MS) : step.delayMs);
}

/** An upload without a response is not a submission without a response: it costs nothing and may be repeated. */
function asUnsent(error: AppError): AppError {
  if (error.kind !== "upstream_timeout" && error.kind !== "upstream_unknown_outcome") return error;
  return new AppError("upstream_unavailable", error.message, { detail: error.detail, cause: error });
}

/** What the video costs at each provider that can make it; undefined where that does not decide. */
function costsOf({ deps }: VideoJob, { fits, images }: VideoJobSpec): Record<string, number> | undefined {
  const providers = Object.keys(fits);
  if (providers.length < 2 || !deps.settings().pool.prefer_cheaper) return undefined;
  return costsBy(providers, (provider) => {
    const { family, resolution, seconds } = fits[provider]!;
    return estimateVideoUsd(deps.catalogue().videoCosts(family, provider), { resolution, seconds, inputs: images.length });
  });
}

/** Waits for a token until the job's deadline; null when the server stops, the job was changed, or it has failed without a token. */
async function leaseToken(job: VideoJob, spec: VideoJobSpec): Promise<Lease | null> {
  const { row, tried } = job;
  const { lifecycle, clock, pool, waitingJobs } = job.deps;
  const { family } = Object.values(spec.fits)[0]!;
  let leave = () => {};
  try {
    return await withTimeout(clock, job.interrupted, Math.max(row.deadlineAt - clock.now(), 0), async (signal) => {
      const onWait = (position: number, waitMs: number | null = null) => lifecycle.setQueuePosition(job.id, { position, waitMs });
      leave = await waitingJobs.enter(`${row.keyId} ${family}`, signal, onWait);
      const options = { signal, onWait, waitMs: Math.max(row.deadlineAt - clock.now(), 0) };
      return await pool.lease(
        leaseOf(spec, { keyId: row.keyId, exclude: tried.exclude, avoid: tried.avoid, costs: costsOf(job, spec) }),
        options,
      );
    });
  } catch (error) {
    if (job.isStopping || job.takeWake()) return null;
    await handleNoLease(job, spec, job.asFailure(error));
    return null;
  } finally {
    leave();
    lifecycle.setQueuePosition(job.id, null);
  }
}

async function handleNoLease(job: VideoJob, spec: VideoJobSpec, error: AppError): Promise<void> {
  const { source } = spec;
  if (error.kind === "no_token" && source?.known && job.tried.exclude.size === 0) {
    // The token that made the source was deleted: any token can start from the stored bytes.
    await job.move(["queued"], { plan: writeVideoSpec({ ...spec, source: { ...source, known: null } }) });
    return;
  }
  const reason = job.lastFailure ?? error;
  if ((error.kind === "busy" || error.kind === "unavailable") && job.deps.clock.now() < job.row.deadlineAt) await job.pause(LEASE_RETRY_MS);
  else if (error.kind === "upstream_timeout")
    await job.fail(job.lastFailure ?? new AppError("busy", "No token came free before this job's time was over."));
  else if (!(await switchToSuccessor(job, spec, reason))) await job.fail(asExhausted(reason));
}
