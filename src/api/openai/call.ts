// Call of the OpenAI dialect: an admitted request, and the start of its image generation.

import type { Clock } from "../../clock.ts";
import type { ImageOptions, Json, Turn } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Generate, ImageSpec } from "../../gateway/generation/contract.ts";
import type { Affinity } from "../../gateway/generation/inputs/affinity.ts";
import { type InputDependencies, type LeftOut, resolveTurns } from "../../gateway/generation/inputs/inputs.ts";
import type { UnresolvedTurn } from "../../gateway/generation/inputs/unresolved-turn.ts";
import { type StartedGeneration, startGeneration } from "../../gateway/generation/start.ts";
import type { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import { type ImageHints, readImageOptions } from "../../gateway/models/image-options.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { SideCallLog } from "../../gateway/side-calls/log.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { type Admission, admitInputs } from "../admission.ts";
import type { BodyReader } from "../body/body.ts";
import { idempotencyKeyOf, insists } from "../generation-headers.ts";
import type { CollectedHints } from "../image-config.ts";
import { stoppable } from "../sse.ts";

/** Dependencies of the routes of this dialect. */
export type Api = Admission & {
  bodies: BodyReader;
  settings: SettingsStore;
  catalogue: () => Catalogue;
  generate: Generate;
  inputs: InputDependencies;
  media: MediaStore;
  affinity: Affinity;
  sideCalls: SideCallLog;
  /** Null: there are no background jobs. */
  jobs?: Jobs | null;
  clock: Clock;
  log: Log;
};

/** One admitted request. */
export type Call = {
  request: Request;
  requestId: string;
  key: KeyRow;
  /** Scheme and host for links that people follow in a browser. */
  origin: string;
  /** Scheme and host for links that the client itself follows, by which it called. */
  calledOrigin: string;
  startedAt: number;
};

/** The meaning of a model id. @throws {AppError} `not_found` with the nearest known ids */
export function modelOf(catalogue: Catalogue, id: string): ModelChoice {
  const choice = catalogue.parseModel(id);
  if (choice) return choice;
  const near = catalogue.nearestModels(id, 3).join(", ");
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  throw new AppError("not_found", `The model '${shown}' does not exist. Did you mean: ${near}?`, {
    param: "model",
    reason: "model_not_found",
  });
}

export type ImageOrder = {
  route: string;
  stream: boolean;
  model: string;
  turns: UnresolvedTurn[];
  n: number;
  /** All but shape and size, which the hints give. */
  options: ImageOptions;
  hints: ImageHints;
  /** What the hints are called in the body, for errors. */
  names?: CollectedHints["names"];
  /** Field that the images came in, named when there are too many. */
  imagesParam?: string;
  /** What a job returns as it was asked for, and the URL that is notified of its end. */
  echo?: Json;
  webhookUrl?: string;
  /** See `ImageGeneration`. */
  returnsBytes?: boolean;
  /** What else tells this request from another under one Idempotency-Key. */
  compared?: Json;
};

/** An order that can be started: understood, its images stored. */
export type PreparedOrder = { spec: ImageSpec; leftOut: LeftOut[] };

/**
 * Understands the order and reads the images that it names.
 * @throws {AppError} `not_found`, `invalid_request`
 */
export async function prepareImages(
  api: Api,
  { key, requestId, request }: Call,
  order: Pick<ImageOrder, "model" | "turns" | "n" | "options" | "hints" | "names" | "imagesParam">,
  signal: AbortSignal,
): Promise<PreparedOrder> {
  const choice = modelOf(api.catalogue(), order.model);
  if (choice.kind !== "image") {
    throw new AppError("not_found", `The model '${order.model}' makes videos, which this route does not serve.`, {
      param: "model",
      reason: "model_not_found",
    });
  }
  const { n, imagesParam } = order;
  const options = { ...order.options, ...readImageOptions(order.hints, order.names) };
  const leftOut: LeftOut[] = [];
  if (order.turns.some(({ parts }) => parts.some(({ type }) => type === "reference"))) admitInputs(api, request, key.id);
  const turns = await resolveTurns(api.inputs, order.turns, { keyId: key.id, requestId, signal, leftOut });
  return { spec: { choice, options, turns, n, imagesParam }, leftOut };
}

type NewImageJob = { call: Call; order: ImageOrder; spec: ImageSpec; client: JobClient };

/** Creates the job, or finds the one of the same earlier request. @throws {AppError} as `Jobs.createImages` */
export function createImageJob(jobs: Jobs, { call, order, spec, client }: NewImageJob): Promise<Job> {
  const { request, requestId, key, startedAt } = call;
  const { route, echo, webhookUrl, compared } = order;
  const idempotencyKey = idempotencyKeyOf(request);
  const facts = { requestId, startedAt, dialect: "openai" as const, route, keyId: key.id };
  return jobs.createImages({ ...spec, ...facts, echo, webhookUrl, compared, idempotencyKey, client });
}

/** `turns`: the conversation as it goes upstream. */
export type StartedImages = StartedGeneration & {
  turns: Turn[];
  /** Inputs of the history that could not be read. */
  leftOut: LeftOut[];
  /** Ends the generation as if the client had left; a job goes on. */
  stop(): void;
};

/** Reads the images that the order names and starts it. @throws {AppError} as {@link startGeneration} */
export async function startImages(api: Api, call: Call, order: ImageOrder): Promise<StartedImages> {
  const { key, requestId, request, startedAt } = call;
  const { route, stream, returnsBytes, echo, webhookUrl, compared } = order;
  // A response in one piece is abandoned by its request alone.
  const { signal, stop } = stream ? stoppable(request) : { signal: request.signal, stop() {} };
  const { spec, leftOut } = await prepareImages(api, call, order, signal);
  const { generate, jobs } = api;
  const follow = (job: Job) => followJob({ ...api, jobs: jobs! }, job, spec.choice, signal);
  const facts = { requestId, dialect: "openai" as const, route, stream, returnsBytes, key, signal, startedAt, echo, webhookUrl, compared };
  const repetition = { insist: insists(request), idempotencyKey: idempotencyKeyOf(request) };
  const { run, job } = await startGeneration({ generate, jobs, follow }, { ...facts, ...repetition }, spec);
  return { run, job, turns: spec.turns, leftOut, stop };
}

/** Unique part of a response's ids; a job's own id, so that repetitions have the same ids. */
export const answerId = (job: Job | null): string => job?.id.slice(job.id.indexOf("_") + 1) ?? newId();
