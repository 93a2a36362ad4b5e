// What every generating route of this surface shares: the call's facts, and the way from a decoded body to a running generation.
import type { Clock } from "../../clock.ts";
import type { KeyRow } from "../../db/store.ts";
import { AppError } from "../../errors.ts";
import type { Affinity } from "../../gateway/affinity.ts";
import type { Generate, Run } from "../../gateway/generate.ts";
import { type ImageWish, imageWish } from "../../gateway/image-parameters.ts";
import { type DraftTurn, type InputDependencies, resolveTurns } from "../../gateway/inputs.ts";
import type { Jobs } from "../../gateway/job.ts";
import type { MediaStore } from "../../gateway/media.ts";
import { type ModelChoice, nearestModels, parseModel } from "../../gateway/models.ts";
import type { SettingsStore } from "../../gateway/settings.ts";
import type { Turn } from "../../gateway/types.ts";
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
  /** Drafts are wanted while the picture is made. */
  includeThoughts?: boolean;
  /** Field that the pictures came in, named when there are too many. */
  picturesParam?: string;
};

/** Whether calls that clients make on the side are answered without an upstream; see auxiliary.ts. */
export const wantsLocal = (api: Pick<Api, "settings">, { key }: Pick<Call, "key">): boolean =>
  key.auxiliary ?? api.settings.current().chat.auxiliary;

/** An order that can be started: understood, its pictures stored. */
export type PreparedOrder = { choice: ModelChoice; wish: ImageWish; turns: Turn[] };

const HINT_NAMES = { aspectRatio: "aspect_ratio", imageSize: "image_size" } as const;

/**
 * Understands the order and reads the pictures that it names.
 * @throws {AppError} `not_found`, `invalid_request`
 */
export async function prepareImages(
  api: Api,
  { key, requestId }: Call,
  order: Pick<ImageOrder, "model" | "turns" | "hints">,
  signal: AbortSignal,
): Promise<PreparedOrder> {
  const choice = modelOf(order.model);
  if (choice.kind !== "image") {
    throw new AppError("not_found", `The model '${order.model}' makes videos, which this route does not serve.`, {
      param: "model",
      reason: "model_not_found",
    });
  }
  const wish = imageWish(order.hints, HINT_NAMES);
  const turns = await resolveTurns(api.inputs, order.turns, { keyId: key.id, requestId, signal });
  return { choice, wish, turns };
}

/** `turns`: the conversation as it goes upstream. `stop` ends the generation as if the client had left. */
export type StartedImages = { run: Run; turns: Turn[]; stop(): void };

/**
 * Reads the pictures that the order names and starts the generation.
 * @throws {AppError} everything that is known before an upstream is called
 */
export async function startImages(api: Api, call: Call, order: ImageOrder): Promise<StartedImages> {
  const { key, requestId, request, startedAt } = call;
  const left = new AbortController();
  // An answer in one piece is abandoned by its request alone.
  const signal = order.stream ? AbortSignal.any([request.signal, left.signal]) : request.signal;
  const { choice, wish, turns } = await prepareImages(api, call, order, signal);
  const { route, stream, system, n, seed, imageOnly, includeThoughts, picturesParam } = order;
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
    includeThoughts,
    picturesParam,
    signal,
    startedAt,
  });
  return { run, turns, stop: () => left.abort() };
}
