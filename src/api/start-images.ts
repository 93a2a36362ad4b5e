// Starts the images of a request: a run of its own or, under an Idempotency-Key, a job that its client follows.

import type { Generate, ImageGeneration, Run } from "../gateway/generation/contract.ts";
import type { InputDependencies } from "../gateway/generation/inputs/inputs.ts";
import { createRepeatable, type Repetition } from "../gateway/generation/start.ts";
import type { Jobs } from "../gateway/jobs/contract.ts";
import { followJob, type JobReader } from "../gateway/jobs/follow-job.ts";

type Api = {
  generate: Generate;
  /** Null: there are no jobs. */
  jobs?: Jobs | null;
  media: JobReader["media"];
  inputs: Pick<InputDependencies, "affinity">;
};

/** What a job of these images returns, and whom it notifies. */
type JobFacts = Omit<Repetition, "idempotencyKey">;

const NO_FACTS: JobFacts = {};

/** @throws {AppError} everything that is known before an upstream is called */
export const startImages = (
  api: Api,
  generation: ImageGeneration,
  idempotencyKey: string | undefined,
  facts: JobFacts = NO_FACTS,
): Promise<Run> =>
  idempotencyKey === undefined || !api.jobs
    ? api.generate(generation)
    : startRepeatable({ ...api, jobs: api.jobs }, generation, idempotencyKey, facts);

async function startRepeatable(
  { jobs, media, inputs }: Api & { jobs: Jobs },
  generation: ImageGeneration,
  idempotencyKey: string,
  { echo, webhookUrl, compared }: JobFacts,
): Promise<Run> {
  const job = await createRepeatable(jobs, generation, { echo, webhookUrl, compared, idempotencyKey });
  return followJob({ jobs, media, affinity: inputs.affinity }, job, generation.choice, generation.signal);
}
