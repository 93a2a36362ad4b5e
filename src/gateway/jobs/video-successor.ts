// Video job of a retired model: switches the queued job to the next family of its model id.
import type { AppError } from "../../errors.ts";
import { isModelRetired } from "../models/choose-family.ts";
import type { VideoJob } from "./video-job.ts";
import { type VideoJobSpec, writeVideoSpec } from "./video-spec.ts";

/**
 * Queues the job again under its next family. Nothing was charged: every submission so far was refused. False when the failure is
 * another one, or no family is left.
 */
export async function switchToSuccessor(job: VideoJob, spec: VideoJobSpec, failure: AppError): Promise<boolean> {
  const [next, ...successors] = spec.successors ?? [];
  if (!next || !isModelRetired(failure)) return false;
  const [fit] = Object.values(next.fits);
  const { family, mode, aspect = null, resolution = null, seconds } = fit!;
  const moved = await job.move(["queued", "submitting"], {
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
    plan: writeVideoSpec({ ...spec, ...next, successors }),
  });
  if (!moved) return false;
  job.deps.log.info("A retired model is served by its successor", { jobId: job.id, requested: job.row.model, family });
  job.tried.clear();
  job.lastFailure = null;
  return true;
}
