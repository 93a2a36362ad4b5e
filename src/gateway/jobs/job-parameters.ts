// What a job was asked for besides its prompt, in short words for people: `16:9`, `2K`, `8 s`.
import type { JobRow } from "../../db/jobs.ts";
import { readImagePlan } from "./image-job.ts";
import { readPlan } from "./video-plan.ts";

/** In a fixed order; what was left to the model is not told. */
export function jobParameters(job: JobRow): string[] {
  const words: (string | number | null | undefined | false)[] = [];
  if (job.kind === "image") {
    const { wish, n, seed, thinking } = readImagePlan(job.plan);
    words.push(wish.aspect, wish.size, thinking && `thinking ${thinking}`, n > 1 && `n ${n}`, seed !== undefined && `seed ${seed}`);
  } else {
    const { fits, seed } = readPlan(job.plan);
    const quality = Object.values(fits)[0]?.quality;
    const { mode, aspect, resolution, seconds } = job;
    words.push(
      mode?.replaceAll("_", " "),
      aspect,
      resolution,
      quality,
      seconds !== null && `${seconds} s`,
      seed !== undefined && `seed ${seed}`,
    );
  }
  return words.filter((word): word is string => typeof word === "string" && word !== "");
}
