// Tool get_job: a job's state, and its result as content once it has ended.

import type { Media } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { failureOf } from "../../gateway/jobs/job-state.ts";
import { countOr } from "../body/invalid.ts";
import { type Api, type Call, type Content, jobMeta, type ToolResult } from "./call.ts";
import { imageContent, videoContent } from "./content.ts";
import { jobWords } from "./progress.ts";
import { type JobArguments, WAIT_SECONDS } from "./schema.ts";
import { jobsOf } from "./videos.ts";

/** @throws {AppError} `not_found` (also for another key's job), and the failure that the job ended with */
export async function getJob(api: Api, call: Call, { id, wait_seconds }: JobArguments): Promise<ToolResult> {
  const jobs = jobsOf(api);
  const named = id.trim();
  const seen = await jobs.get(named, call.key.id);
  if (!seen) throw noJob();
  const wait = countOr(0, wait_seconds, "wait_seconds", WAIT_SECONDS);
  const job = wait > 0 ? await waitForEnd(api, call, seen, wait * 1000) : seen;
  const failure = failureOf(job);
  if (failure) throw failure;
  if (job.state === "completed") return { content: await resultOf(api, call, job), _meta: jobMeta(job) };
  const text = `Job ${job.id} is not done. ${jobWords(job)}. Call get_job again${wait > 0 ? "" : ", with wait_seconds 45"}.`;
  return { content: [{ type: "text", text }], _meta: jobMeta(job) };
}

const noJob = () => new AppError("not_found", "id: there is no such job of this key.", { param: "id", reason: "job_not_found" });

/** The job as it is when it has ended, or after so many ms. */
async function waitForEnd(api: Api, call: Call, job: Job, ms: number): Promise<Job> {
  const over = new AbortController();
  const cancel = api.clock.after(ms, () => over.abort());
  let last = job;
  try {
    const changes = await jobsOf(api).watch(job.id, call.key.id, AbortSignal.any([call.signal, over.signal]));
    for await (const now of changes ?? []) {
      last = now;
      call.progress.say(jobWords(now));
    }
    return last;
  } finally {
    cancel();
  }
}

async function resultOf(api: Api, call: Call, job: Job): Promise<Content[]> {
  const media = (await Promise.all(job.mediaIds.map((id) => api.media.get(id)))).filter((item) => item !== null);
  if (media.length === 0) {
    throw new AppError("not_found", `The result of job ${job.id} is not stored any more.`, { param: "id", reason: "result_expired" });
  }
  const notes = [`Job ${job.id} is done. Model: ${job.family}.`, untilWords(media[0]!)];
  return job.kind === "image"
    ? imageContent(api, call, media, notes)
    : videoContent(api, call, { video: media[0]!, stillId: job.thumbnailId, notes });
}

const untilWords = ({ expiresAt }: Media): string =>
  expiresAt === null ? "" : `The link works until ${new Date(expiresAt).toISOString().slice(0, 16).replace("T", " ")} UTC.`;
