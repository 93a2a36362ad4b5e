// :predictLongRunning, Veo's method, and its operations, which are jobs that clients poll.
// Source: docs/wire/gemini.md.

import type { InputMedia } from "../../domain/generation.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { ownMediaId } from "../../gateway/generation/inputs/inputs.ts";
import { assertReadable } from "../../gateway/generation/inputs/read-references.ts";
import type { InputReference } from "../../gateway/generation/inputs/unresolved-turn.ts";
import { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { CreateVideoJob } from "../../gateway/jobs/contract.ts";
import { failureOf } from "../../gateway/jobs/job-state.ts";
import { ignoredHeader } from "../../gateway/models/model-options.ts";
import { idempotencyKeyOf, insists, jobHeaders } from "../generation-headers.ts";
import { foldSeed } from "../seed.ts";
import { type Api, admittedModel, type Call, jobsOf } from "./call.ts";
import { rpcStatus } from "./errors.ts";
import { readInstance, validatePredict } from "./generate/predict.ts";
import { plainId, videoJobId, videoUri } from "./job-names.ts";
import { unread } from "./options.ts";
import { type Fields, fieldsOf, listOf, numberOf, textOf } from "./proto-json.ts";
import { fileIdIn, mediaReference, readReference } from "./references.ts";
import { aspectOf, resolutionOf, webhookOf } from "./video-options.ts";

/** Fields of `parameters` that are read; every other one is reported as ignored. */
const READ = ["aspectRatio", "resolution", "durationSeconds", "negativePrompt", "seed", "sampleCount"];

/** Returns the operation as soon as the job is durable. */
export async function predictLongRunning(api: Api, call: Call, model: string): Promise<Response> {
  const { job, headers } = await startPrediction(api, call, model);
  return Response.json({ name: operationName(job) }, { headers });
}

/** @throws {AppError} everything that is known before the job is durable */
export async function startPrediction(api: Api, call: Call, model: string): Promise<{ job: Job; headers: Record<string, string> }> {
  const { request, requestId, key, startedAt } = call;
  const choice = admittedModel(api, call, model, "video");
  using body = await api.bodies.json(request, validatePredict);
  const { instance, parameters, prompt } = readInstance(body.value);
  const { images, mode } = imagesOf(instance);
  const source = isRecord(instance.video) ? await readSource(api, call, instance.video, "instances[0].video") : undefined;
  const client = new JobClient(request.signal, insists(request));
  const job = await jobsOf(api).createVideo({
    ...{ requestId, startedAt, choice, prompt, source },
    dialect: "gemini",
    route: "POST /v1beta/models:predictLongRunning",
    keyId: key.id,
    options: {
      mode: source ? "extend" : mode,
      aspect: aspectOf(parameters.aspectRatio, "parameters.aspectRatio"),
      resolution: resolutionOf(parameters.resolution),
      seconds: numberOf(parameters.durationSeconds),
      seed: foldSeed(parameters.seed, "parameters.seed"),
    },
    images: await readImages(api, call, images),
    webhookUrl: webhookOf(body.value.webhookConfig),
    idempotencyKey: idempotencyKeyOf(request),
    client,
  });
  const samples = (numberOf(parameters.sampleCount) ?? 1) > 1 ? ["parameters.sampleCount"] : [];
  client.delivered();
  return { job, headers: { ...ignoredHeader([...unread(parameters, READ, "parameters."), ...samples]), ...client.headers } };
}

/** First and last frame, whose number sets the mode, else the images to refer to. */
function imagesOf({ image, lastFrame, referenceImages }: Fields): { images: InputReference[]; mode: CreateVideoJob["options"]["mode"] } {
  const references = listOf(referenceImages).map((one, index) =>
    mediaReference(fieldsOf(fieldsOf(one).image ?? one), `instances[0].referenceImages[${index}].image`),
  );
  if (references.length > 0) return { images: references, mode: "references" };
  if (!isRecord(image)) {
    if (isRecord(lastFrame))
      throw new AppError("invalid_request", "instances[0].lastFrame needs instances[0].image.", { param: "instances[0].image" });
    return { images: [], mode: undefined };
  }
  const first = mediaReference(image, "instances[0].image");
  if (!isRecord(lastFrame)) return { images: [first], mode: undefined };
  return { images: [first, mediaReference(lastFrame, "instances[0].lastFrame")], mode: undefined };
}

/** The images as stored media, in order. */
export function readImages(api: Api, call: Call, references: InputReference[]): Promise<InputMedia[]> {
  assertReadable(references.length, references[0]?.param ?? "instances");
  return Promise.all(references.map((reference) => readReference(api, call, reference)));
}

/** A video to start from: one that a job of the key made, or its bytes. */
export async function readSource(api: Api, call: Call, video: Fields, param: string): Promise<CreateVideoJob["source"]> {
  const uri = textOf(video.uri) ?? textOf(video.fileUri) ?? "";
  const [id, mediaId] = [fileIdIn(uri), ownMediaId(uri)];
  const job =
    id !== null
      ? await jobsOf(api).get(videoJobId(id), call.key.id)
      : mediaId !== null
        ? await jobsOf(api).makerOf(mediaId, call.key.id)
        : null;
  if (job) return { jobId: job.id };
  return { media: await readReference(api, call, mediaReference(video, param), "video") };
}

const operationName = (job: Job): string => `models/${job.model.replace(/^models\//, "")}/operations/${plainId(job)}`;

/** `models/{model}/operations/{id}` or `operations/{id}`. @throws {AppError} `not_found`, also for another key's */
export async function operation(api: Api, { key, calledOrigin }: Call, name: string): Promise<Response> {
  const id = /(?:^|\/)operations\/([a-z2-7]+)$/.exec(name)?.[1];
  const job = id === undefined ? null : await jobsOf(api).get(videoJobId(id), key.id);
  if (!job) throw new AppError("not_found", "There is no such operation.");
  return Response.json(encodeOperation(job, calledOrigin), { headers: jobHeaders(api.catalogue(), job) });
}

/** `Operation` of a `PredictLongRunningResponse`. Until it ends, `metadata` reports the progress in percent, and the queue position of one that waits. */
function encodeOperation(job: Job, origin: string) {
  const name = operationName(job);
  const failure = failureOf(job);
  if (failure?.kind === "content_policy") {
    return completed(name, { raiMediaFilteredCount: 1, raiMediaFilteredReasons: [failure.message] });
  }
  if (failure) return { name, done: true, error: rpcStatus(failure) };
  if (job.state === "completed") {
    return completed(name, { generatedSamples: [{ video: { uri: videoUri(origin, job), encoding: "video/mp4" } }] });
  }
  return { name, metadata: { progressPercent: job.progress, ...(job.place ? { queuePosition: job.place.position } : {}) } };
}

const RESPONSE_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse";

const completed = (name: string, generateVideoResponse: object) => ({
  name,
  done: true,
  response: { "@type": RESPONSE_TYPE, generateVideoResponse },
});
