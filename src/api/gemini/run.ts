// Starts what generateContent and :predict make: a generation that is read as it goes, or a job where it has to outlive its client.

import type { ModelOptions } from "../../domain/generation.ts";
import type { ImageGeneration, Run } from "../../gateway/generation/contract.ts";
import { JobClient } from "../../gateway/generation/job-client.ts";
import type { CreateVideoJob } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
import { ignoredHeader, leftBehind, OPTION_NAMES } from "../../gateway/models/model-options.ts";
import { familyOf, type ModelChoice } from "../../gateway/models/models.ts";
import { insists } from "../generation-headers.ts";
import { type Api, type Call, jobsOf, stoppable } from "./call.ts";

/** A generation under way. `stop` ends it as if the client had left; a job goes on. */
export type Started = { run: Run; stop(): void };

export type ImageWork = Pick<ImageGeneration, "route" | "choice" | "wish" | "turns" | "n"> &
  Partial<
    Pick<
      ImageGeneration,
      "stream" | "system" | "seed" | "thinking" | "includeThoughts" | "imageOnly" | "picturesParam" | "options" | "shapeParams"
    >
  >;

/**
 * Under an `Idempotency-Key` the images are a job, which ends also without its client and answers its repetitions.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startImages(api: Api, call: Call, work: ImageWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  const idempotencyKey = request.headers.get("idempotency-key");
  const { signal, stop } = stoppable(request);
  if (api.jobs && idempotencyKey) {
    const { stream: _, ...order } = work;
    const job = await api.jobs.createImages({ ...order, requestId, startedAt, keyId: key.id, dialect: "gemini", idempotencyKey });
    const run = followJob({ ...api, jobs: api.jobs, affinity: api.inputs.affinity }, job, work.choice, signal);
    return { run: { ...run, headers: { ...run.headers, ...ignoredHeader(leftByJob(api, work.choice, work.options)) } }, stop };
  }
  const run = await api.generate({
    stream: false,
    ...work,
    requestId,
    key,
    startedAt,
    signal,
    insist: insists(request),
    dialect: "gemini",
  });
  return { run, stop };
}

/** Names of the options that a job's model leaves behind on some provider that can serve it; of a video model all. */
export function leftByJob(
  { pool }: Pick<Api, "pool">,
  { families: [family], kind }: ModelChoice,
  options: ModelOptions | undefined,
): string[] {
  const wished = Object.keys(options ?? {}).map((name) => OPTION_NAMES[name as keyof ModelOptions]);
  if (kind === "video") return wished;
  const providers = Object.keys(familyOf(family)?.providers ?? {}).filter((provider) => pool.canServe(kind, family, [provider]));
  return leftBehind(family, providers, options);
}

export type VideoWork = Pick<CreateVideoJob, "route" | "choice" | "prompt" | "images" | "source" | "aspect" | "seed">;

/** @throws {AppError} as `Jobs.createVideo` */
export async function startVideo(api: Api, call: Call, work: VideoWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  const idempotencyKey = request.headers.get("idempotency-key") ?? undefined;
  const { signal, stop } = stoppable(request);
  const jobs = jobsOf(api);
  const client = new JobClient(signal, insists(request));
  const job = await jobs.createVideo({ ...work, requestId, startedAt, keyId: key.id, dialect: "gemini", idempotencyKey, client });
  const run = followJob({ ...api, jobs, affinity: api.inputs.affinity }, job, work.choice, signal);
  const events = client.deliverEvents(run.events);
  return { run: { ...run, events, headers: { ...run.headers, ...client.headers }, delivered: client.delivered }, stop };
}
