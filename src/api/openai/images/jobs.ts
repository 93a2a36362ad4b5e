// Image jobs: `background: true` or `Prefer: respond-async` returns 202 and an address to poll.

import type { Media } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import { AppError } from "../../../errors.ts";
import { JobClient } from "../../../gateway/generation/undelivered/job-client.ts";
import type { Jobs } from "../../../gateway/jobs/contract.ts";
import { isOutcomeUnknown, isSettled } from "../../../gateway/jobs/job-state.ts";
import { insists } from "../../generation-headers.ts";
import { jsonWithBytes } from "../../json-bytes.ts";
import { COMMENT, frame, stoppable, streamFrames } from "../../sse.ts";
import { type Api, type Call, createImageJob, type ImageOrder, prepareImages } from "../call.ts";

import { errorBody, errorHeaders, errorStatus, jobFailure } from "../errors.ts";
import { encodeQueuePosition } from "../videos/encode.ts";

import type { DecodedImages, ImageEcho } from "./decode.ts";
import { imagesBody } from "./response.ts";

/** Poll interval for clients, in ms. */
const POLL_AFTER_MS = 2000;

export const wantsJob = (request: Request, { background }: Pick<DecodedImages, "background">): boolean =>
  background || ASYNC.test(request.headers.get("prefer") ?? "");
const ASYNC = /(^|[,;\s])respond-async([,;\s]|$)/i;

/** Returns 202 as soon as the job is durable. @throws {AppError} as `Jobs.createImages`, and what is wrong with the images */
export async function startImageJob(api: Api, call: Call, order: ImageOrder): Promise<Response> {
  const { generation } = await prepareImages(api, call, order);
  const client = new JobClient(call.request.signal, insists(call.request));
  const job = await createImageJob(jobsOf(api), { call, order, generation, client });
  client.delivered();
  return Response.json(encodeImageJob(job), { status: 202, headers: { ...jobHeaders(job), ...client.headers } });
}

/** GET /v1/images/generations/{id}: 202 while it runs, then the response of the request; 200 with the job where the outcome is unknown. */
export async function imageJob(api: Api, call: Call, id: string): Promise<Response> {
  return answerJob(api, call, await jobOf(api, call, id));
}

/** GET /v1/images/generations/{id}/events: the job now and after every change; the last event holds the response. */
export async function imageJobEvents(api: Api, call: Call, id: string): Promise<Response> {
  const { signal, stop } = stoppable(call.request);
  const watched = await jobsOf(api).watch(await imageJobId(api, call, id), call.key.id, signal);
  if (!watched) throw noJob();
  const frames = (async function* () {
    for await (const job of watched) {
      if (!isSettled(job.state)) yield frame(encodeImageJob(job), "image_job.progress");
      else yield frame(await (await answerJob(api, call, job)).text(), `image_job.${job.state}`);
    }
  })();
  return streamFrames(frames, { clock: api.clock, heartbeat: COMMENT, onCancel: stop });
}

/** DELETE /v1/images/generations/{id}: ends it where that is still possible. */
export async function cancelImageJob(api: Api, call: Call, id: string): Promise<Response> {
  const job = await jobsOf(api).cancel(await imageJobId(api, call, id), call.key.id);
  if (!job) throw noJob();
  return Response.json(encodeImageJob(job));
}

/** Jobs of the Gemini dialect have no echo: defaults. */
const echoOf = ({ dialect, echo }: Job): ImageEcho =>
  dialect === "openai" && echo !== null
    ? (echo as ImageEcho)
    : { output: { format: null, compression: null }, form: "b64_json", quality: null };

async function answerJob(api: Api, call: Call, job: Job): Promise<Response> {
  if (job.state === "completed") {
    return jsonWithBytes(
      await imagesBody(api, call, { made: (await mediaOf(api, job)).map((media) => ({ media })), usage: job.usage }, echoOf(job)),
    );
  }
  if (!isSettled(job.state)) return Response.json(encodeImageJob(job), { status: 202, headers: jobHeaders(job) });
  // An unknown outcome has no response of its own: the job is returned.
  if (isOutcomeUnknown(job)) return Response.json(encodeImageJob(job), { headers: { "x-should-retry": "false" } });
  const failure = jobFailure(job);
  return Response.json(errorBody(failure), {
    status: errorStatus(failure),
    headers: { ...errorHeaders(failure), "x-should-retry": "false" },
  });
}

/** @throws {AppError} `not_found` when all have expired */
async function mediaOf({ media }: Api, job: Job): Promise<Media[]> {
  const made = (await Promise.all(job.mediaIds.map((id) => media.get(id)))).filter((one) => one !== null);
  if (made.length === 0) throw new AppError("not_found", "The images of this job are past their age.", { param: "id" });
  return made;
}

function jobHeaders(job: Job): Record<string, string> {
  return {
    location: `/v1/images/generations/${job.id}`,
    "retry-after": String(POLL_AFTER_MS / 1000),
    "openai-poll-after-ms": String(POLL_AFTER_MS),
  };
}

/** `image.job`. Times in epoch seconds. */
function encodeImageJob(job: Job) {
  const status = job.state === "queued" || isSettled(job.state) ? job.state : "in_progress";
  return {
    id: job.id,
    object: "image.job" as const,
    status,
    model: job.model,
    progress: job.progress,
    ...encodeQueuePosition(job),
    created_at: Math.floor(job.createdAt / 1000),
    error: job.error ? errorBody(jobFailure(job)).error : null,
  };
}

function jobsOf({ jobs }: Api): Jobs {
  if (jobs) return jobs;
  throw new AppError("invalid_request", "Nothing is done in the background here: leave out background and Prefer.", {
    param: "background",
  });
}

async function jobOf(api: Api, { key }: Call, id: string): Promise<Job> {
  const job = await jobsOf(api).get(id, key.id);
  if (job?.kind !== "image") throw noJob();
  return job;
}

const imageJobId = async (api: Api, call: Call, id: string) => (await jobOf(api, call, id)).id;

const noJob = () => new AppError("not_found", "There is no such image job.", { param: "id" });
