// One video job from wherever it stands to its end: every step reads its state from disk, does one thing and writes what came of it.
import { AppError } from "../../errors.ts";
import { isSettled } from "./job-state.ts";
import { markUnknown, releaseSlot, type VideoJobDependencies, type VideoRun } from "./video-job.ts";
import { followVideo } from "./video-poll.ts";
import { storeVideo } from "./video-store.ts";
import { submitVideo } from "./video-submit.ts";

/** Carries the job on until it is settled, or parked. Never throws an AppError. */
export async function runVideo(deps: VideoJobDependencies, run: VideoRun): Promise<void> {
  try {
    while (!run.parked.aborted) {
      const job = await deps.lifecycle.read(run.id);
      if (!job || isSettled(job.state)) return;
      if (job.state === "queued") await submitVideo(deps, run, job);
      else if (job.state === "running") await followVideo(deps, run, job);
      else if (job.state === "storing") await storeVideo(deps, run, job);
      else return void (await markUnknown(deps, run, new AppError("upstream_unknown_outcome", "It was submitted and no answer came.")));
    }
  } finally {
    await releaseSlot(run);
  }
}
