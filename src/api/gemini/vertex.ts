// Vertex AI paths, as SDKs in express mode call them with an API key; operations are polled by POST.
// Source: requests of @google/genai 3.3 and google-genai 3.6.1 with `vertexai` and an API key; Vertex AI reference, fetchPredictOperation, read 2026-11-29.

import type { Job } from "../../domain/job.ts";
import { AppError } from "../../errors.ts";
import { failureOf } from "../../gateway/jobs/job-state.ts";
import { jsonWithBytes } from "../json-bytes.ts";
import { type Api, type Call, jobsOf } from "./call.ts";
import { rpcStatus } from "./errors.ts";
import { countTokens } from "./generate/count-tokens.ts";
import { generateContent, streamGenerateContent } from "./generate/generate.ts";
import { predict } from "./generate/predict.ts";
import { plainId, videoJobId } from "./job-names.ts";
import { modelList, oneModel } from "./models.ts";
import { OperationBody, tolerant } from "./schema.ts";
import { startPrediction } from "./videos.ts";

/** `publishers/google/models/…`, below a project and a location or by itself. */
const RESOURCE = /^((?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/google\/models)(?:\/(.*))?$/;

type Answer = (api: Api, call: Call, model: string, collection: string) => Response | Promise<Response>;

const METHODS: Readonly<Record<string, Answer>> = {
  generateContent,
  streamGenerateContent,
  countTokens,
  predict,
  predictLongRunning,
  fetchPredictOperation,
};

/** `{collection}/{model}:{method}`. */
export function callVertexModel(api: Api, call: Call, path: string) {
  const [, collection = "", rest = ""] = RESOURCE.exec(path) ?? [];
  const colon = rest.lastIndexOf(":");
  const method = rest.slice(colon + 1);
  const handler = colon > 0 && Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (!handler) throw expected(`publishers/google/models/{model}:{method}, the method one of ${Object.keys(METHODS).join(", ")}`);
  return handler(api, call, rest.slice(0, colon), collection);
}

/** The list of models, one of them, or an operation. */
export async function readVertexModel(api: Api, call: Call, path: string) {
  const [, collection = "", rest = ""] = RESOURCE.exec(path) ?? [];
  if (collection === "") throw expected("publishers/google/models");
  if (rest.includes("/operations/")) return operationResponse(api, call, path);
  if (rest !== "") return Response.json(asPublisherModel((await oneModel(api, rest).json()) as GeminiModel));
  const { models, ...page } = (await modelList(api, call).json()) as { models: GeminiModel[] };
  return Response.json({ publisherModels: models.map(asPublisherModel), ...page });
}

const validate = tolerant(OperationBody);

type GeminiModel = { name: string; displayName: string; description: string; version: string };

const asPublisherModel = ({ name, displayName, description, version }: GeminiModel) => ({
  name: `publishers/google/${name}`,
  ...{ displayName, description },
  versionId: version,
  launchStage: "GA",
});

async function predictLongRunning(api: Api, call: Call, model: string, collection: string): Promise<Response> {
  const { job, headers } = await startPrediction(api, call, model);
  return Response.json({ name: nameOf(job, collection) }, { headers });
}

async function fetchPredictOperation(api: Api, call: Call): Promise<Response> {
  using body = await api.bodies.json(call.request, validate);
  return operationResponse(api, call, body.value.operationName);
}

/** @throws {AppError} `not_found`, also for another key's */
async function operationResponse(api: Api, { key }: Call, name: string): Promise<Response> {
  const [, collection, id] = /^(.{0,300}publishers\/google\/models)\/[^/]{1,300}\/operations\/([a-z2-7]{1,60})$/.exec(name) ?? [];
  const job = id === undefined ? null : await jobsOf(api).get(videoJobId(id), key.id);
  if (!job || collection === undefined) throw new AppError("not_found", "There is no such operation.");
  return jsonWithBytes(await encodeOperation(api, job, nameOf(job, collection)));
}

const nameOf = (job: Job, collection: string): string =>
  `${collection}/${job.model.slice(job.model.lastIndexOf("/") + 1)}/operations/${plainId(job)}`;

const RESPONSE_TYPE = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse";

/** As Vertex has it where no storage is named: the bytes stand in the response. */
async function encodeOperation({ media }: Api, job: Job, name: string) {
  const failure = failureOf(job);
  const completed = (response: object) => ({ name, done: true, response: { "@type": RESPONSE_TYPE, ...response } });
  if (failure?.kind === "content_policy") {
    return completed({ raiMediaFilteredCount: 1, raiMediaFilteredReasons: [failure.message] });
  }
  if (failure) return { name, done: true, error: rpcStatus(failure) };
  if (job.state !== "completed") return { name, metadata: { progressPercent: job.progress } };
  const found = await Promise.all(job.mediaIds.slice(0, 1).map((id) => media.open(id)));
  const videos = found.flatMap((one) => (one ? [{ bytesBase64Encoded: one.blob, mimeType: one.media.mime }] : []));
  if (videos.length === 0) throw new AppError("not_found", "The video of this operation is past its age.");
  return completed({ videos });
}

const expected = (what: string) => new AppError("not_found", `Expected ${what}.`);
