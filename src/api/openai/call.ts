// Call of the OpenAI dialect: an admitted request, and the start of its image generation.

import type { Clock } from "../../clock.ts";
import type { ImageOptions, Json, Turn } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Generate, ImageGeneration, ImageSpec, Run } from "../../gateway/generation/contract.ts";
import type { Affinity } from "../../gateway/generation/inputs/affinity.ts";
import { holdsReferences, type InputDependencies, type LeftOut, plainTurns, resolveTurns } from "../../gateway/generation/inputs/inputs.ts";
import type { UnresolvedTurn } from "../../gateway/generation/inputs/unresolved-turn.ts";
import { createRepeatable } from "../../gateway/generation/start.ts";
import type { JobClient } from "../../gateway/generation/undelivered/job-client.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
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

/** An order that can be started: understood, its images stored. */
export type PreparedOrder = { spec: ImageSpec; leftOut: LeftOut[] };

type AskedImages = Pick<ImageOrder, "model" | "turns" | "n" | "options" | "hints" | "names" | "imagesParam">;

/**
 * Understands the order and reads the images that it names.
 * @throws {AppError} `not_found`, `invalid_request`
 */
export async function prepareImages(api: Api, call: Call, order: AskedImages, signal: AbortSignal): Promise<PreparedOrder> {
  const choice = imageChoiceOf(api, order.model);
  const options = optionsOf(order);
  const leftOut: LeftOut[] = [];
  const turns = holdsReferences(order.turns) ? await readTurns(api, call, order.turns, { signal, leftOut }) : plainTurns(order.turns);
  return { spec: { choice, options, turns, n: order.n, imagesParam: order.imagesParam }, leftOut };
}

/** @throws {AppError} `not_found` */
function imageChoiceOf(api: Api, model: string): ModelChoice {
  const choice = modelOf(api.catalogue(), model);
  if (choice.kind === "image") return choice;
  throw new AppError("not_found", `The model '${model}' makes videos, which this route does not serve.`, {
    param: "model",
    reason: "model_not_found",
  });
}

function optionsOf({ options, hints, names }: AskedImages): ImageOptions {
  const shape = readImageOptions(hints, names);
  return shape === NO_OPTIONS ? options : { ...options, ...shape };
}

type Reading = { signal: AbortSignal; leftOut: LeftOut[] };

function readTurns(api: Api, { key, requestId, request }: Call, turns: UnresolvedTurn[], { signal, leftOut }: Reading): Promise<Turn[]> {
  admitInputs(api, request, key.id);
  return resolveTurns(api.inputs, turns, { keyId: key.id, requestId, signal, leftOut });
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

/** `job`: what answers the request and its repetitions; null: a run of its own. `turns`: the conversation as it goes upstream. */
export type StartedImages = {
  run: Run;
  job: Job | null;
  turns: Turn[];
  /** Inputs of the history that could not be read. */
  leftOut: readonly LeftOut[];
  /** Ends the generation as if the client had left; a job goes on. */
  stop(): void;
};

const NOTHING_LEFT_OUT: readonly LeftOut[] = [];
const stopNothing = () => {};

/** Reads the images that the order names and starts it. @throws {AppError} everything that is known before an upstream is called */
export async function startImages(api: Api, call: Call, order: ImageOrder): Promise<StartedImages> {
  const { request } = call;
  // A response in one piece is abandoned by its request alone.
  const stoppable = order.stream ? stoppableBy(request) : null;
  const signal = stoppable?.signal ?? request.signal;
  const choice = imageChoiceOf(api, order.model);
  const options = optionsOf(order);
  const leftOut: LeftOut[] | null = holdsReferences(order.turns) ? [] : null;
  const turns = leftOut ? await readTurns(api, call, order.turns, { signal, leftOut }) : plainTurns(order.turns);
  const generation: ImageGeneration = {
    choice,
    options,
    turns,
    n: order.n,
    imagesParam: order.imagesParam,
    requestId: call.requestId,
    dialect: "openai",
    route: order.route,
    stream: order.stream,
    returnsBytes: order.returnsBytes,
    key: call.key,
    signal,
    insist: insists(request),
    startedAt: call.startedAt,
  };
  const idempotencyKey = idempotencyKeyOf(request);
  const job = idempotencyKey && api.jobs ? await createRepeatable(api.jobs, generation, { ...repetitionOf(order), idempotencyKey }) : null;
  const run = job ? followJob({ ...api, jobs: api.jobs! }, job, choice, signal) : await api.generate(generation);
  return { run, job, turns, leftOut: leftOut ?? NOTHING_LEFT_OUT, stop: stoppable?.stop ?? stopNothing };
}

const repetitionOf = ({ echo, webhookUrl, compared }: ImageOrder) => ({ echo, webhookUrl, compared });

/** Unique part of a response's ids; a job's own id, so that repetitions have the same ids. */
export const answerId = (job: Job | null): string => job?.id.slice(job.id.indexOf("_") + 1) ?? newId();
