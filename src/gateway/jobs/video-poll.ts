// The waiting half of a video job: asks the upstream until it has said its last word or the time is over.
import { withTimeout } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import { AppError, asCharged } from "../../errors.ts";
import { nextProgress, pollDelay, pollsAfter, usualVideoMs } from "./job-state.ts";
import {
  asFailure,
  failVideo,
  freshDeadline,
  learn,
  openToken,
  pause,
  releaseSlot,
  report,
  type VideoJobDependencies,
  type VideoRun,
} from "./video-job.ts";
import { submitStage } from "./video-submit.ts";

const POLL_MS = 60_000;
const CANCEL_MS = 30_000;

/** One turn of a running job: the next stage if there is one, else a pause and a question. */
export async function followVideo(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<void> {
  const { clock, pool } = deps;
  if (!run.lease && job.tokenId !== null) run.lease = pool.adopt(job.tokenId, "video", job.family);
  if (job.cancelAsked && !run.cancelTold && (await cancelUpstream(deps, run, job))) return;
  if (job.step !== null) return submitStage(deps, run, job);
  if (!(await waitForTurn(deps, run, job))) return;
  // Decided before asking: the last question is asked when the time is over, not before.
  const isLast = clock.now() >= job.deadlineAt;
  // A first question that is the last was asked by a process that was not there while the video was made.
  const wasAway = run.polls === null && isLast;
  const age = clock.now() - (job.submittedAt ?? job.createdAt);
  run.polls = (run.polls ?? pollsAfter(age)) + 1;
  try {
    const { provider, token } = await openToken(deps, run, job);
    const status = await withTimeout(clock, run.parked, POLL_MS, (signal) =>
      provider.pollVideo(job.operation, token, deps.tokens.callContext(token, signal)),
    );
    learn(deps, run, job, null);
    if (status.state === "done") return await finish(deps, run, job, status);
    if (status.state === "failed") return await failed(deps, run, job, status.error);
    if (status.state === "next") return void (await deps.lifecycle.move(run.id, ["running"], { step: status.step }, { durable: true }));
    const elapsed = { told: status.progress, elapsedMs: age, usualMs: usualVideoMs(job.seconds) };
    const progress = nextProgress(job.progress, elapsed);
    if (progress !== job.progress && !isLast) await deps.lifecycle.move(run.id, ["running"], { progress });
  } catch (error) {
    if (run.parked.aborted) return;
    const failure = asFailure(deps.log, run.id, error);
    learn(deps, run, job, failure);
    deps.log.warn("A job could not be asked about", { jobId: run.id, tokenId: job.tokenId, kind: failure.kind });
  }
  if (isLast) await giveUp(deps, run, job, wasAway);
}

/** The first question of a resumed job is asked at once. False: the job changed, or is parked. */
async function waitForTurn(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<boolean> {
  if (run.polls === null) return true;
  const untilDeadline = job.deadlineAt - deps.clock.now();
  return pause(deps, run, pollDelay(run.polls, untilDeadline, run.failure?.retryAfterMs));
}

async function finish(
  deps: VideoJobDependencies,
  run: VideoRun,
  job: JobRow,
  { result, usage }: Pick<JobRow, "result" | "usage">,
): Promise<void> {
  report(deps, run, job, { usage });
  await releaseSlot(run);
  const progress = nextProgress(job.progress, "storing");
  await deps.lifecycle.move(
    run.id,
    ["running"],
    { state: "storing", result, usage, progress, deadlineAt: freshDeadline(deps) },
    { durable: true },
  );
}

async function failed(deps: VideoJobDependencies, run: VideoRun, job: JobRow, error: AppError): Promise<void> {
  report(deps, run, job, error);
  await releaseSlot(run);
  await failVideo(deps, run, job, error);
}

/** The time is over and the upstream, asked once more, had no result. */
async function giveUp(deps: VideoJobDependencies, run: VideoRun, job: JobRow, wasAway: boolean): Promise<void> {
  const { failure } = run;
  const limit = deps.settings().generation.video_timeout;
  const why = failure ? ` The upstream could not be asked: ${failure.message}` : "";
  const late = new AppError("upstream_timeout", `The video was not finished within ${limit} seconds.${why}`, {
    charged: true,
    detail: failure?.detail,
  });
  // Time in which the upstream was not asked, or could not be, says nothing of the token.
  const isFair = failure === null && !wasAway;
  const told = isFair ? late : new AppError(late.kind, late.message, { charged: true, detail: { scope: "request", reason: "cut_off" } });
  // What runs on without us is stopped where that is possible; that it is over does not depend on it.
  await askToStop(deps, run, job);
  report(deps, run, job, told);
  await releaseSlot(run);
  await failVideo(deps, run, job, late);
}

/** Stops it at the upstream and ends the job; false when the upstream goes on. */
async function cancelUpstream(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<boolean> {
  run.cancelTold = true;
  if (!(await askToStop(deps, run, job))) return false;
  report(deps, run, job, asCharged(new AppError("cancelled", "The client cancelled the job.")));
  await releaseSlot(run);
  await deps.lifecycle.end(run.id, ["running"], { state: "cancelled" }, run.attempts);
  return true;
}

async function askToStop(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<boolean> {
  try {
    const { provider, token } = await openToken(deps, run, job);
    return await withTimeout(deps.clock, run.killed, CANCEL_MS, (signal) =>
      provider.cancelVideo(job.operation, token, deps.tokens.callContext(token, signal)),
    );
  } catch (error) {
    deps.log.warn("A job could not be stopped at the upstream", { jobId: run.id, kind: asFailure(deps.log, run.id, error).kind });
    return false;
  }
}
