// What every generating route of this surface shares: the call's facts, and the way from a decoded body to a running generation.
import type { Clock } from "../../clock.ts";
import type { KeyRow } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import type { Affinity } from "../../gateway/affinity.ts";
import type { Generate, Run } from "../../gateway/generate.ts";
import { imageWish } from "../../gateway/image-parameters.ts";
import { type DraftTurn, type InputDependencies, resolveTurns } from "../../gateway/inputs.ts";
import type { MediaStore } from "../../gateway/media.ts";
import { type ModelChoice, nearestModels, parseModel } from "../../gateway/models.ts";
import type { SettingsStore } from "../../gateway/settings.ts";
import type { Log } from "../../log.ts";
import type { BodyReader } from "../body.ts";
import type { ImageHints } from "./decode.ts";

/** What the routes of this surface need of the program. */
export type Api = {
  bodies: BodyReader;
  settings: SettingsStore;
  generate: Generate;
  inputs: InputDependencies;
  media: MediaStore;
  affinity: Affinity;
  clock: Clock;
  log: Log;
};

/** One admitted request. */
export type Call = {
  request: Request;
  requestId: string;
  key: KeyRow;
  /** Scheme and host for links. */
  origin: string;
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
  turns: DraftTurn[];
  n: number;
  seed?: number;
  hints: ImageHints;
  imageOnly?: boolean;
};

/**
 * Reads the pictures that the order names and starts the generation. `stop` ends it as if the client had left.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startImages(api: Api, call: Call, order: ImageOrder): Promise<{ run: Run; stop(): void }> {
  const { key, requestId, request, startedAt } = call;
  const choice = modelOf(order.model);
  if (choice.kind !== "image") {
    throw new AppError("not_found", `The model '${order.model}' makes videos, which this route does not serve.`, {
      param: "model",
      reason: "model_not_found",
    });
  }
  const wish = imageWish(order.hints);
  const left = new AbortController();
  const signal = AbortSignal.any([request.signal, left.signal]);
  const turns = await resolveTurns(api.inputs, order.turns, { keyId: key.id, requestId, signal });
  const { route, stream, system, n, seed, imageOnly } = order;
  const run = await api.generate({
    requestId,
    dialect: "openai",
    route,
    stream,
    key,
    choice,
    wish,
    system,
    turns,
    n,
    seed,
    imageOnly,
    signal,
    startedAt,
  });
  return { run, stop: () => left.abort() };
}
