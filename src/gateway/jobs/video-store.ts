// The end of a video job: brings the finished video home, as often as it takes, without another submission.
import { withTimeout } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import { type AppError, asCharged } from "../../errors.ts";
import { downloadDelay } from "./job-state.ts";
import { asFailure, failVideo, learn, openToken, pause, type VideoJobDependencies, type VideoRun } from "./video-job.ts";
import { readPlan } from "./video-plan.ts";

/** A download that takes longer is begun again. */
const DOWNLOAD_MS = 1_200_000;
/** Bytes that are no video do not become one. */
const MOST_WRONG = 3;

export async function storeVideo(deps: VideoJobDependencies, run: VideoRun, job: JobRow): Promise<void> {
  const { lifecycle, clock, media, tokens } = deps;
  if (run.downloads > 0 && !(await pause(deps, run, downloadDelay(run.downloads, job.deadlineAt - clock.now())))) return;
  const isLast = clock.now() >= job.deadlineAt;
  try {
    const { provider, token } = await openToken(deps, run, job);
    const draft = await withTimeout(clock, AbortSignal.any([run.parked, run.killed]), DOWNLOAD_MS, (signal) =>
      provider.downloadVideo(job.result, token, tokens.callContext(token, signal)),
    );
    learn(deps, run, job, null);
    const stored = await media.keep(draft, { origin: "result", keyId: job.keyId, requestId: job.requestId, family: job.family });
    const ended = await lifecycle.end(run.id, ["storing"], { ...completion(job), mediaIds: [stored.id] }, run.attempts);
    // The client forgot the job meanwhile.
    if (!ended) await media.remove(stored.id);
  } catch (error) {
    if (run.parked.aborted) return;
    const failure = asFailure(deps.log, run.id, error);
    learn(deps, run, job, failure);
    run.downloads++;
    deps.log.warn("A finished video could not be fetched", {
      jobId: run.id,
      tokenId: job.tokenId,
      kind: failure.kind,
      times: run.downloads,
    });
    const isWrong = isInvalid(failure) && run.downloads >= MOST_WRONG;
    if (isLast || isWrong) await failVideo(deps, run, job, asCharged(failure));
  }
}

/** The upstream has no such video, or what it has is none. */
const isInvalid = ({ kind, detail }: AppError): boolean =>
  kind === "no_result" || (kind === "upstream_unknown_outcome" && detail?.reason === "malformed");

/** How a job whose video is stored ends. Of a video that begins with a picture, that picture is the still. */
export function completion(job: JobRow) {
  const { images } = readPlan(job.plan);
  const thumbnailId = job.mode === "first_frame" || job.mode === "frames" ? (images[0] ?? null) : null;
  return { state: "completed" as const, thumbnailId, error: null, charged: true };
}
