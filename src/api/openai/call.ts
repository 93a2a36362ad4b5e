// Call of the OpenAI dialect: an admitted request, and the start of its image generation.

import type { Clock } from "../../clock.ts";
import type { ImageOptions, Json } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Generate, ImageGeneration, Run } from "../../gateway/generation/contract.ts";
import type { Affinity } from "../../gateway/generation/inputs/affinity.ts";
import { holdsReferences, type InputDependencies, type LeftOut, plainTurns, resolveTurns } from "../../gateway/generation/inputs/inputs.ts";
import type { UnresolvedTurn } from "../../gateway/generation/inputs/unresolved-turn.ts";
import type { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import type { MediaStore } from "../../gateway/media/contract.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import { type ImageHints, NO_OPTIONS, readImageOptions } from "../../gateway/models/image-options.ts";
import type { ModelChoice } from "../../gateway/models/parse-model.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { SideCallLog } from "../../gateway/side-calls/log.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { type Admission, admitInputs } from "../admission.ts";
import type { BodyReader } from "../body/body.ts";
import { idempotencyKeyOf, insists } from "../generation-headers.ts";
import type { CollectedHints } from "../image-config.ts";
import { stoppable as stoppableBy } from "../sse.ts";
import { startImages } from "../start-images.ts";

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
  /** Its response has the rate headers of its key. */
  isRated?: boolean;
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

/** Images that a request asks for: understood, what they name was read. */
export type PreparedImages = {
  generation: ImageGeneration;
  /** Inputs of the history that could not be read. */
  leftOut: readonly LeftOut[];
  /** Ends the generation as if the client had left; a job goes on. */
  stop(): void;
};

const NOTHING_LEFT_OUT: readonly LeftOut[] = [];
const stopNothing = () => {};

/**
 * Understands the order and reads the images that it names; at once where it names none.
 * @throws {AppError} `not_found`, `invalid_request`
 */
export function prepareImages(api: Api, call: Call, order: ImageOrder): PreparedImages | Promise<PreparedImages> {
  const { request, requestId, key, startedAt } = call;
  // A response in one piece is abandoned by its request alone.
  const stoppable = order.stream ? stoppableBy(request) : null;
  const generation: ImageGeneration = {
    choice: imageChoiceOf(api, order.model),
    options: optionsOf(order),
    turns: plainTurns(order.turns),
    n: order.n,
    imagesParam: order.imagesParam,
    requestId,
    dialect: "openai",
    route: order.route,
    stream: order.stream,
    returnsBytes: order.returnsBytes,
    key,
    signal: stoppable?.signal ?? request.signal,
    insist: insists(request),
    startedAt,
  };
  const prepared = { generation, leftOut: NOTHING_LEFT_OUT, stop: stoppable?.stop ?? stopNothing };
  return holdsReferences(order.turns) ? withInputs(api, call, order.turns, prepared) : prepared;
}

async function withInputs(api: Api, { request }: Call, turns: UnresolvedTurn[], prepared: PreparedImages): Promise<PreparedImages> {
  const { generation } = prepared;
  const { key, requestId, signal } = generation;
  const leftOut: LeftOut[] = [];
  admitInputs(api, request, key.id);
  const read = await resolveTurns(api.inputs, turns, { keyId: key.id, requestId, signal, leftOut });
  return { ...prepared, generation: { ...generation, turns: read }, leftOut };
}

/** Starts them. @throws {AppError} everything that is known before an upstream is called */
export const startPrepared = (api: Api, { request }: Call, order: ImageOrder, { generation }: PreparedImages): Promise<Run> =>
  startImages(api, generation, idempotencyKeyOf(request), order);

/** @throws {AppError} `not_found` */
function imageChoiceOf(api: Api, model: string): ModelChoice {
  const choice = modelOf(api.catalogue(), model);
  if (choice.kind === "image") return choice;
  throw new AppError("not_found", `The model '${model}' makes videos, which this route does not serve.`, {
    param: "model",
    reason: "model_not_found",
  });
}

function optionsOf({ options, hints, names }: ImageOrder): ImageOptions {
  const shape = readImageOptions(hints, names);
  return shape === NO_OPTIONS ? options : { ...options, ...shape };
}

type NewImageJob = { call: Call; order: ImageOrder; generation: ImageGeneration; client: JobClient };

/** Creates the job, or finds the one of the same earlier request. @throws {AppError} as `Jobs.createImages` */
export function createImageJob(jobs: Jobs, { call, order, generation, client }: NewImageJob): Promise<Job> {
  const { choice, options, turns, n, imagesParam, requestId, startedAt, dialect, route, key } = generation;
  const { echo, webhookUrl, compared } = order;
  const spec = { choice, options, turns, n, imagesParam };
  const facts = { requestId, startedAt, dialect, route, keyId: key.id };
  return jobs.createImages({ ...spec, ...facts, echo, webhookUrl, compared, idempotencyKey: idempotencyKeyOf(call.request), client });
}

/** Unique part of a response's ids; a job's own id, so that repetitions have the same ids. */
export const answerId = (job: Job | null | undefined): string => job?.id.slice(job.id.indexOf("_") + 1) ?? newId();
