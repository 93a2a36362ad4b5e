// What every generating route of this surface shares: the call's facts, and the way from a decoded body to a running generation.

import type { Clock } from "../../clock.ts";
import type { ImageOptions, Json, Turn } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import { AppError } from "../../errors.ts";
import type { Affinity } from "../../gateway/generation/affinity.ts";
import type { Generate, Run } from "../../gateway/generation/contract.ts";
import { type InputDependencies, type LeftOut, resolveTurns, type UnresolvedTurn } from "../../gateway/generation/inputs.ts";
import type { JobClient } from "../../gateway/generation/job-client.ts";
import type { Jobs } from "../../gateway/jobs/contract.ts";
import { followJob } from "../../gateway/jobs/follow-job.ts";
import type { MediaStore } from "../../gateway/media/media-store.ts";
import { type ImageHints, readImageOptions } from "../../gateway/models/image-options.ts";
import { type ModelChoice, nearestModels, parseModel } from "../../gateway/models/models.ts";
import type { SettingsStore } from "../../gateway/settings/settings.ts";
import type { SideCallLog } from "../../gateway/side-calls/log.ts";
import { newId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import { type Admission, admitInputs } from "../admission.ts";
import type { BodyReader } from "../body/body.ts";
import { insists } from "../generation-headers.ts";
import type { CollectedHints } from "../image-config.ts";

/** What the routes of this surface need of the program. */
export type Api = Admission & {
  bodies: BodyReader;
  settings: SettingsStore;
  generate: Generate;
  inputs: InputDependencies;
  media: MediaStore;
  affinity: Affinity;
  sideCalls: SideCallLog;
  /** Null: nothing is done in the background. */
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
  /** Scheme and host for links that the client itself follows: those by which it called. */
  calledOrigin: string;
  startedAt: number;
};

/** The meaning of a model id. @throws {AppError} `not_found` with the nearest known ids */
export function modelOf(id: string): ModelChoice {
  const choice = parseModel(id);
  if (choice) return choice;
  const near = nearestModels(id, 3).join(", ");
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
  system?: string;
  turns: UnresolvedTurn[];
  n: number;
  seed?: number;
  hints: ImageHints;
  /** What the hints are called in the body, for errors. */
  names?: CollectedHints["names"];
  imageOnly?: boolean;
  /** Drafts are wanted while the image is made. */
  includeThoughts?: boolean;
  /** Field that the images came in, named when there are too many. */
  picturesParam?: string;
  /** What a job gives back as it was asked for, and where its end is told. */
  echo?: Json;
  webhookUrl?: string;
  /** What else tells this request from another under one Idempotency-Key. */
  compared?: Json;
};

/** An order that can be started: understood, its images stored. */
export type PreparedOrder = { choice: ModelChoice; wish: ImageOptions; turns: Turn[]; leftOut: LeftOut[] };

/**
 * Understands the order and reads the images that it names.
 * @throws {AppError} `not_found`, `invalid_request`
 */
export async function prepareImages(
  api: Api,
  { key, requestId, request }: Call,
  order: Pick<ImageOrder, "model" | "turns" | "hints" | "names">,
  signal: AbortSignal,
): Promise<PreparedOrder> {
  const choice = modelOf(order.model);
  if (choice.kind !== "image") {
    throw new AppError("not_found", `The model '${order.model}' makes videos, which this route does not serve.`, {
      param: "model",
      reason: "model_not_found",
    });
  }
  const wish = readImageOptions(order.hints, order.names);
  const leftOut: LeftOut[] = [];
  if (order.turns.some(({ parts }) => parts.some(({ type }) => type === "reference"))) admitInputs(api, request, key.id);
  const turns = await resolveTurns(api.inputs, order.turns, { keyId: key.id, requestId, signal, leftOut });
  return { choice, wish, turns, leftOut };
}

/** The name under which a client may repeat the request; null without one, or where nothing is kept. */
const repeatName = ({ jobs }: Api, request: Request): string | null => (jobs ? request.headers.get("idempotency-key") : null);

/** Makes the order a job, or finds the one that the same request made before. @throws {AppError} as `Jobs.createImages` */
export function createImageJob(
  api: Api,
  jobs: Jobs,
  call: Call,
  order: ImageOrder,
  { client, ...prepared }: PreparedOrder & { client?: JobClient },
): Promise<Job> {
  const { request, requestId, key, startedAt } = call;
  const { route, system, n, seed, imageOnly, includeThoughts, picturesParam, echo, webhookUrl, compared } = order;
  const { leftOut: _, ...ready } = prepared;
  const wishes = { ...ready, system, n, seed, imageOnly, includeThoughts, picturesParam, echo, webhookUrl, compared };
  const idempotencyKey = repeatName(api, request) ?? undefined;
  return jobs.createImages({ ...wishes, requestId, startedAt, dialect: "openai", route, keyId: key.id, idempotencyKey, client });
}

/** `turns`: the conversation as it goes upstream. `job`: what answers it and its repetitions; null: nothing is kept. */
export type StartedImages = {
  run: Run;
  turns: Turn[];
  /** Inputs of the history that could not be read. */
  leftOut: LeftOut[];
  job: Job | null;
  /** Ends the generation as if the client had left; a job goes on. */
  stop(): void;
};

/**
 * Reads the images that the order names and starts the generation. Under an `Idempotency-Key` it is a job that the client waits for:
 * it ends also when the client has left, and tells its repetitions what it told the first.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startImages(api: Api, call: Call, order: ImageOrder): Promise<StartedImages> {
  const { key, requestId, request, startedAt } = call;
  const left = new AbortController();
  // An answer in one piece is abandoned by its request alone.
  const signal = order.stream ? AbortSignal.any([request.signal, left.signal]) : request.signal;
  const prepared = await prepareImages(api, call, order, signal);
  const { leftOut, ...ready } = prepared;
  const { turns } = ready;
  const stop = () => left.abort();
  if (api.jobs && repeatName(api, request) !== null) {
    const job = await createImageJob(api, api.jobs, call, order, prepared);
    return { run: followJob({ ...api, jobs: api.jobs }, job, ready.choice, signal), turns, leftOut, job, stop };
  }
  const { route, stream, system, n, seed, imageOnly, includeThoughts, picturesParam } = order;
  const run = await api.generate({
    requestId,
    dialect: "openai",
    route,
    stream,
    key,
    ...ready,
    system,
    n,
    seed,
    imageOnly,
    includeThoughts,
    picturesParam,
    signal,
    insist: insists(request),
    startedAt,
  });
  return { run, turns, leftOut, job: null, stop };
}

/** What makes an answer's ids its own: of a job always the same, so that repetitions are one answer. */
export const answerId = (job: Job | null): string => job?.id.slice(job.id.indexOf("_") + 1) ?? newId();
