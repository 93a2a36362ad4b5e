// Starts what generateContent and :predict make: a generation that is read as it goes, or a job where it has to outlive its client.
import type { ImageGeneration, Run } from "../../gateway/generate.ts";
import type { Job, VideoOrder } from "../../gateway/job.ts";
import { type GenerateEvent, NO_USAGE } from "../../gateway/types.ts";
import { type Api, type Call, jobsOf, stoppable } from "./call.ts";
import { failureOf } from "./job-failure.ts";

/** A generation under way. `stop` ends it as if the client had left; a job goes on. */
export type Started = { run: Run; stop(): void };

export type ImageWork = Pick<ImageGeneration, "route" | "choice" | "wish" | "turns" | "n"> &
  Partial<Pick<ImageGeneration, "stream" | "system" | "seed" | "thinking" | "includeThoughts" | "imageOnly" | "picturesParam">>;

/**
 * Under an `Idempotency-Key` the images are a job, which ends also without its client and answers its repetitions; a job knows no drafts
 * and keeps no words.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startImages(api: Api, call: Call, work: ImageWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  const idempotencyKey = request.headers.get("idempotency-key");
  const { signal, stop } = stoppable(request);
  if (api.jobs && idempotencyKey) {
    const { route, choice, wish, turns, n, system, seed } = work;
    const facts = { requestId, startedAt, keyId: key.id, dialect: "gemini" as const, idempotencyKey };
    const job = await api.jobs.createImages({ ...facts, route, choice, wish, turns, n, system, seed });
    return { run: runOf(api, call, job, signal), stop };
  }
  const run = await api.generate({ stream: false, ...work, requestId, key, startedAt, signal, dialect: "gemini" });
  return { run, stop };
}

export type VideoWork = Pick<VideoOrder, "route" | "choice" | "prompt" | "images" | "aspect" | "seed">;

/** @throws {AppError} as `Jobs.createVideo` */
export async function startVideo(api: Api, call: Call, work: VideoWork): Promise<Started> {
  const { requestId, key, startedAt, request } = call;
  const idempotencyKey = request.headers.get("idempotency-key") ?? undefined;
  const { signal, stop } = stoppable(request);
  const job = await jobsOf(api).createVideo({ ...work, requestId, startedAt, keyId: key.id, dialect: "gemini", idempotencyKey });
  return { run: runOf(api, call, job, signal), stop };
}

/** A job as its client waits for it. */
const runOf = (api: Api, call: Call, job: Job, signal: AbortSignal): Run => ({
  family: job.family,
  successorOf: null,
  headers: {},
  events: eventsOf(api, call, job, signal),
});

/** @throws {AppError} the failure that the job ended with */
async function* eventsOf(api: Api, { key }: Call, job: Job, signal: AbortSignal): AsyncGenerator<GenerateEvent> {
  let last = job;
  for await (const next of (await jobsOf(api).watch(job.id, key.id, signal)) ?? []) {
    last = next;
    yield { type: "generating" };
  }
  const failure = failureOf(last);
  if (failure) throw failure;
  for (const id of last.mediaIds) {
    const media = await api.media.get(id);
    if (media) yield { type: "image", media, signature: api.inputs.affinity.of(id)?.signature };
  }
  const usage = last.usage ?? NO_USAGE;
  yield { type: "done", finish: "stop", upstreamReason: "STOP", usage, provider: last.provider ?? "" };
}
