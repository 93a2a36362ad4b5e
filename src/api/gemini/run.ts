// Start of images and videos for generateContent and :predict, live or as a job that outlives its client.

import type { ModelOptions } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { ImageGeneration, ImageSpec, Run } from "../../gateway/generation/contract.ts";
import { createRepeatable } from "../../gateway/generation/start.ts";
import { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { CreateVideoJob } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
import { ignoredHeader, leftBehind, OPTION_NAMES, pickModelOptions } from "../../gateway/models/model-options.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import { idempotencyKeyOf, insists } from "../generation-headers.ts";
import { stoppable as stoppableBy } from "../sse.ts";
import { type Api, type Call, jobsOf } from "./call.ts";

/** A generation under way. `stop` ends it as if the client had left; a job goes on. */
export type Started = { run: Run; stop(): void };

export type ImageWork = ImageSpec & { route: string; stream: boolean };

/** Starts what the request asks for. @throws {AppError} everything that is known before an upstream is called */
export async function startImages(api: Api, call: Call, work: ImageWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  // A response in one piece is abandoned by its request alone.
  const stoppable = work.stream ? stoppableBy(request) : null;
  const signal = stoppable?.signal ?? request.signal;
  const facts = { requestId, dialect: "gemini" as const, returnsBytes: true, key, signal, startedAt, insist: insists(request) };
  const generation: ImageGeneration = { ...work, ...facts };
  const stop = stoppable?.stop ?? stopNothing;
  const idempotencyKey = idempotencyKeyOf(request);
  if (idempotencyKey === undefined || !api.jobs) return { run: await api.generate(generation), stop };
  return { run: followed(api, await createRepeatable(api.jobs, generation, { idempotencyKey }), generation), stop };
}

const stopNothing = () => {};

function followed(api: Api, job: Job, { choice, options, signal }: ImageGeneration): Run {
  const run = followJob({ ...api, jobs: api.jobs!, affinity: api.inputs.affinity }, job, choice, signal);
  return { ...run, headers: { ...run.headers, ...ignoredHeader(leftByJob(api, choice, pickModelOptions(options))) } };
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
