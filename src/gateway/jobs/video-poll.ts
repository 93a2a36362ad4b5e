// Polls a submitted video until it is done, failed or past its deadline; then downloads and stores it.
import type { JobRow } from "../../db/jobs.ts";
import { AppError, asCharged } from "../../errors.ts";
import { actualVideoUsd } from "../models/prices.ts";
import { downloadDelay, nextProgress, pollDelay, pollsAfter, usualVideoMs } from "./job-state.ts";
import type { VideoJob } from "./video-job.ts";
import { readVideoSpec } from "./video-spec.ts";
import { submitStage } from "./video-submit.ts";

const POLL_MS = 60_000;
const CANCEL_MS = 30_000;
/** A download that takes longer is started again. */
const DOWNLOAD_MS = 1_200_000;
/** After 3 downloads that are not a video the job fails. */
const MAX_INVALID_DOWNLOADS = 3;

/** One step of a running job: submits the next stage if there is one, else pauses and polls once. */
export async function pollVideo(job: VideoJob): Promise<void> {
  const { row } = job;
  const { clock, pool, log } = job.deps;
  if (!job.lease && row.tokenId !== null) job.lease = pool.adopt(row.tokenId, "video", row.family);
  if (row.cancelAsked && !job.isCancelSent && (await cancelUpstream(job))) return;
  if (row.step !== null) return submitStage(job);
  if (!(await waitForPoll(job))) return;
  // Decided before the poll: the last one is made after the deadline, not before.
  const isLast = clock.now() >= row.deadlineAt;
  // A first poll that is the last one: no process was there while the video was made.
  const wasAway = job.polls === null && isLast;
  const age = clock.now() - (row.submittedAt ?? row.createdAt);
  job.polls = (job.polls ?? pollsAfter(age)) + 1;
  try {
    const status = await job.call(job.signals.stopping, POLL_MS, (provider, token, context) =>
      provider.pollVideo(row.operation, token, context),
    );
    job.reportFreeCall(null);
    if (status.state === "done") return await startStoring(job, status);
    if (status.state === "failed") return await failUpstream(job, status.error);
    if (status.state === "unknown") return await endUnknown(job, status.error);
    if (status.state === "next") return void (await job.move(["running"], { step: status.step }, { durable: true }));
    const progress = nextProgress(row.progress, { reported: status.progress, elapsedMs: age, usualMs: usualVideoMs(row.seconds) });
    if (progress !== row.progress && !isLast) await job.move(["running"], { progress });
  } catch (error) {
    if (job.isStopping) return;
    const failure = job.asFailure(error);
    job.reportFreeCall(failure);
    log.warn("A job could not be polled", { jobId: job.id, tokenId: row.tokenId, kind: failure.kind });
  }
  if (isLast) await failLate(job, wasAway);
}

/** A resumed job is polled at once. False: the job changed, or the server stops. */
async function waitForPoll(job: VideoJob): Promise<boolean> {
  if (job.polls === null) return true;
  const untilDeadline = job.row.deadlineAt - job.deps.clock.now();
  return job.pause(pollDelay(job.polls, untilDeadline, job.lastFailure?.retryAfterMs));
}

async function startStoring(job: VideoJob, { result, usage }: Pick<JobRow, "result" | "usage">): Promise<void> {
  const { family, provider } = job.row;
  const usd = actualVideoUsd(job.deps.catalogue().videoCosts(family, provider!), usage, job.row.usd);
  job.row = { ...job.row, usd };
  job.report({ usage });
  await job.releaseLease();
  const progress = nextProgress(job.row.progress, "storing");
  await job.move(["running"], { state: "storing", result, usage, usd, progress, deadlineAt: job.newDeadline() }, { durable: true });
}

async function endUnknown(job: VideoJob, error: AppError): Promise<void> {
  job.report(asCharged(error));
  await job.releaseLease();
  await job.deps.lifecycle.markUnknown(job.id, error);
}

async function failUpstream(job: VideoJob, error: AppError): Promise<void> {
  job.report(error);
  await job.releaseLease();
  await job.fail(error);
}

/** The deadline is past, and the last poll had no result. */
async function failLate(job: VideoJob, wasAway: boolean): Promise<void> {
  const { lastFailure: failure } = job;
  const limit = job.deps.settings().generation.video_timeout;
  const why = failure ? ` The upstream could not be asked: ${failure.message}` : "";
  const late = new AppError("upstream_timeout", `The video was not finished within ${limit} seconds.${why}`, {
    charged: true,
    detail: failure?.detail,
  });
  // A time without polls, or with failed ones, says nothing of the token.
  const isTokensFault = failure === null && !wasAway;
  const reported = isTokensFault
    ? late
    : new AppError(late.kind, late.message, { charged: true, detail: { scope: "request", reason: "cut_off" } });
  // The job fails, whether the upstream can be stopped or not.
  await requestCancel(job);
  job.report(reported);
  await job.releaseLease();
  await job.fail(late);
}

/** Stops it at the upstream and ends the job; false when the upstream continues. */
async function cancelUpstream(job: VideoJob): Promise<boolean> {
  job.isCancelSent = true;
  if (!(await requestCancel(job))) return false;
  job.report(asCharged(new AppError("cancelled", "The client cancelled the job.")));
  await job.releaseLease();
  await job.end(["running"], { state: "cancelled" });
  return true;
}

async function requestCancel(job: VideoJob): Promise<boolean> {
  try {
    return await job.call(job.signals.aborted, CANCEL_MS, (provider, token, context) =>
      provider.cancelVideo(job.row.operation, token, context),
    );
  } catch (error) {
    job.deps.log.warn("A job could not be cancelled at the upstream", { jobId: job.id, kind: job.asFailure(error).kind });
    return false;
  }
}

/** Downloads and stores a finished video; one try. Never submits it again. */
export async function storeVideo(job: VideoJob): Promise<void> {
  const { row } = job;
  const { clock, media, log } = job.deps;
  if (job.failedDownloads > 0 && !(await job.pause(downloadDelay(job.failedDownloads, row.deadlineAt - clock.now())))) return;
  const isLast = clock.now() >= row.deadlineAt;
  try {
    const stop = AbortSignal.any([job.signals.stopping, job.signals.aborted]);
    const file = await job.call(stop, DOWNLOAD_MS, (provider, token, context) => provider.downloadVideo(row.result, token, context));
    job.reportFreeCall(null);
    const stored = await media.store(file, { origin: "result", keyId: row.keyId, requestId: row.requestId, family: row.family });
    const ended = await job.end(["storing"], { ...completion(row), mediaIds: [stored.id] });
    // The job was deleted meanwhile.
    if (!ended) await media.remove(stored.id);
  } catch (error) {
    if (job.isStopping) return;
    const failure = job.asFailure(error);
    job.reportFreeCall(failure);
    job.failedDownloads++;
    const { failedDownloads: times } = job;
    log.warn("A finished video could not be downloaded", { jobId: job.id, tokenId: row.tokenId, kind: failure.kind, times });
    if (isLast || (isInvalid(failure) && times >= MAX_INVALID_DOWNLOADS)) await job.fail(asCharged(failure));
  }
}

/** The upstream does not have the video, or its bytes are not a video. */
const isInvalid = ({ kind, detail }: AppError): boolean =>
  kind === "no_result" || (kind === "upstream_unknown_outcome" && detail?.reason === "malformed");

/** The end of a job whose video is stored. The thumbnail is the image that the video starts from, if there is one. */
export function completion(row: JobRow) {
  const { images } = readVideoSpec(row.plan);
  const thumbnailId = row.mode === "first_frame" || row.mode === "frames" ? (images[0] ?? null) : null;
  return { state: "completed" as const, thumbnailId, error: null, charged: true };
}
