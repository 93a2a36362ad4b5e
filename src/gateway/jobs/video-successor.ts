// A video model that turns out to be retired while its job is submitted: the job goes on with the next family that its id may mean.
import type { JobRow } from "../../db/jobs.ts";
import type { AppError } from "../../errors.ts";
import type { VideoJobDependencies, VideoRun } from "./video-job.ts";
import { type VideoPlan, writePlan } from "./video-plan.ts";

/** Whether a failure says that no token of the pool has the model. */
const saysRetired = (error: AppError | null): boolean =>
  error?.detail?.reason === "model_missing" || (error?.kind === "no_token" && error.reason === "model_not_served");

/**
 * Puts the job back into the queue under its next family. Nothing was charged: every submission so far was refused. False when the
 * failure is another, or no family is left.
 */
export async function changeToSuccessor(
  { lifecycle, log }: Pick<VideoJobDependencies, "lifecycle" | "log">,
  run: VideoRun,
  job: JobRow,
  plan: VideoPlan,
  failure: AppError | null,
): Promise<boolean> {
  const [next, ...successors] = plan.successors ?? [];
  if (!next || !saysRetired(failure)) return false;
  const [fit] = Object.values(next.fits);
  const { family, mode, aspect = null, resolution = null, seconds } = fit!;
  const moved = await lifecycle.move(run.id, ["queued", "submitting"], {
    state: "queued",
    charged: false,
    submittedAt: null,
    tokenId: null,
    provider: null,
    family,
    mode,
    aspect,
    resolution,
    seconds,
    usd: next.estimateUsd,
    plan: writePlan({ ...plan, ...next, successors }),
  });
  if (!moved) return false;
  log.info("A retired model is served by its successor", { jobId: run.id, requested: job.model, family });
  run.tried.clear();
  run.failure = null;
  return true;
}
