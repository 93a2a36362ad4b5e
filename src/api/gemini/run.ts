// Start of images and videos for generateContent and :predict, live or as a job that outlives its client.

import type { ModelOptions } from "../../domain/generation.ts";
import type { ImageGeneration, ImageSpec, Run } from "../../gateway/generation/contract.ts";
import { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { CreateVideoJob } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
import { ignoredHeader, leftBehind, OPTION_NAMES, pickModelOptions } from "../../gateway/models/model-options.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import { idempotencyKeyOf, insists } from "../generation-headers.ts";
import { stoppable as stoppableBy } from "../sse.ts";
import { startImages } from "../start-images.ts";
import { type Api, type Call, jobsOf } from "./call.ts";

/** A generation under way. `stop` ends it as if the client had left; a job goes on. */
export type Started = { run: Run; stop(): void };

export type ImageWork = ImageSpec & { route: string; stream: boolean };

/** The generation of what the request asks for, not started. */
export function generationOf({ requestId, key, startedAt, request }: Call, work: ImageWork): { generation: ImageGeneration; stop(): void } {
  // A response in one piece is abandoned by its request alone.
  const stoppable = work.stream ? stoppableBy(request) : null;
  const generation: ImageGeneration = {
    ...work,
    requestId,
    dialect: "gemini",
    returnsBytes: true,
    key,
    signal: stoppable?.signal ?? request.signal,
    startedAt,
    insist: insists(request),
  };
  return { generation, stop: stoppable?.stop ?? stopNothing };
}

const stopNothing = () => {};

/** Starts it. @throws {AppError} everything that is known before an upstream is called */
export function startRun(api: Api, { request }: Call, generation: ImageGeneration): Promise<Run> {
  const idempotencyKey = idempotencyKeyOf(request);
  const starting = startImages(api, generation, idempotencyKey);
  return idempotencyKey === undefined || !api.jobs ? starting : withLeftBehind(api, generation, starting);
}

/** A job reports what its model leaves behind in no header of its own. */
async function withLeftBehind(api: Api, { choice, options }: ImageGeneration, starting: Promise<Run>): Promise<Run> {
  const run = await starting;
  run.headers = { ...run.headers, ...ignoredHeader(leftByJob(api, choice, pickModelOptions(options))) };
  return run;
}

/** Names of the options that a job's model leaves behind on some provider that can serve it; of a video model all. */
export function leftByJob(
  { pool, catalogue }: Pick<Api, "pool" | "catalogue">,
  { families: [id], kind }: ModelChoice,
  options: ModelOptions | undefined,
): string[] {
  const names = Object.keys(options ?? {}).map((name) => OPTION_NAMES[name as keyof ModelOptions]);
  if (kind === "video") return names;
  const family = catalogue().imageFamily(id);
  const providers = Object.keys(family.providers).filter((provider) => pool.canServe(kind, id, [provider]));
  return leftBehind(family, providers, options);
}

export type VideoWork = Pick<CreateVideoJob, "route" | "choice" | "prompt" | "images" | "source" | "options">;

/** @throws {AppError} as `Jobs.createVideo` */
export async function startVideo(api: Api, call: Call, work: VideoWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  const idempotencyKey = idempotencyKeyOf(request);
  const { signal, stop } = stoppableBy(request);
  const jobs = jobsOf(api);
  const client = new JobClient(signal, insists(request));
  const job = await jobs.createVideo({ ...work, requestId, startedAt, keyId: key.id, dialect: "gemini", idempotencyKey, client });
  const run = followJob({ ...api, jobs, affinity: api.inputs.affinity }, job, work.choice, signal);
  const events = client.deliverEvents(run.events);
  return { run: { ...run, events, headers: { ...run.headers, ...client.headers }, delivered: client.delivered }, stop };
}
