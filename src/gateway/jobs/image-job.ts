// Images as a job: the same generation as for a client that waits, read by us and written down.

import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { JobRow } from "../../db/jobs.ts";
import { type GenerateEvent, type Json, noImageText, type Part, type Turn } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Generate, ImageGeneration, ImageSpec, Run } from "../generation/contract.ts";
import { createOutputRecorder, type OutputRecorder } from "../generation/image-output.ts";
import { pixelsOf, uriInput } from "../generation/inputs.ts";
import { readOptions, type StoredOptions, storeOptions } from "../generation/stored-options.ts";
import type { Keys } from "../keys/keys.ts";
import type { MediaStore } from "../media/media-store.ts";
import { searchesOf } from "../models/model-options.ts";
import { actualImageUsd, type Prices } from "../models/prices.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { nextProgress, toJobError } from "./job-state.ts";

export type ImageJobDependencies = {
  lifecycle: JobLifecycle;
  generate: Generate;
  keys: Pick<Keys, "get">;
  media: Pick<MediaStore, "open">;
  settings: () => Settings;
  /** Absent: the catalogue's. */
  prices?: () => Prices;
  clock: Clock;
  log: Log;
};

/** What lives only as long as this process works on the job. */
export type ImageRun = {
  readonly id: string;
  /** Aborts when a queued job is to be left as it is. */
  readonly parked: AbortSignal;
  /** Ends the generation. */
  readonly stop: AbortController;
  /** Its calls, since the generation began. */
  readonly calls: { wasSent: boolean; underWay: number; mayBePaid: boolean };
};

type StoredPart =
  | { type: "text"; text: string; signature?: string }
  | { type: "image"; mediaId: string; signature?: string }
  | { type: "uri"; uri: string; mime: string };
export type ImageJobSpec = Omit<ImageSpec, "turns"> & { turns: { role: Turn["role"]; parts: StoredPart[] }[] };
/** As it is in the row. */
type PlanRow = Omit<ImageJobSpec, "options" | "imagesParam"> & StoredOptions & { picturesParam?: string };

const ASK_AGAIN_MS = 2_000;
/** Failures that end by waiting, while nothing was sent. */
const PASSING: ReadonlySet<string> = new Set(["busy", "unavailable", "upstream_rate_limited"]);

/** The turns as they are kept: pictures by their media id. Every picture of a job is stored. */
export function storeTurns(turns: readonly Turn[]): ImageJobSpec["turns"] {
  const store = (part: Part): StoredPart => {
    if (part.type === "text") return part;
    const { mediaId, signature, uri, mime } = part.image;
    if (uri !== undefined) return { type: "uri", uri, mime };
    if (!mediaId) throw new Error("A picture of an image job is not in the store.");
    return { type: "image", mediaId, ...(signature ? { signature } : {}) };
  };
  return turns.map(({ role, parts }) => ({ role, parts: parts.map(store) }));
}

/** Starts the generation of a job. Nothing is sent before `ready` resolves, and before `submitting` is on disk. */
export async function startImages(deps: ImageJobDependencies, run: ImageRun, job: JobRow, ready: Promise<unknown>): Promise<Run> {
  const key = deps.keys.get(job.keyId);
  if (!key) throw new AppError("forbidden", "The API key of this job is not known here any more.");
  const { turns, ...plan } = readImageSpec(job.plan);
  const { requestId, dialect, route, createdAt } = job;
  const request: ImageGeneration = {
    requestId,
    dialect,
    route,
    stream: false,
    key,
    ...plan,
    turns: await openTurns(deps, turns),
    forJob: true,
    signal: run.stop.signal,
    startedAt: createdAt,
    async onSubmit() {
      await ready;
      run.calls.wasSent = true;
      run.calls.underWay++;
      const submitted = { state: "submitting" as const, submittedAt: deps.clock.now(), charged: true };
      const moved = await deps.lifecycle.move(job.id, ["queued", "submitting"], submitted);
      if (moved) return;
      run.calls.underWay--;
      throw new AppError("cancelled", "The job was cancelled before it was submitted.");
    },
    onCallEnd: (charged) => callEnded(deps, run, charged),
  };
  return deps.generate(request);
}

/**
 * While a job whose calls were all refused looks for another token, nothing of it is upstream: a crash finds it queued, and it is made
 * after the next start.
 */
async function callEnded({ lifecycle, log }: ImageJobDependencies, { id, calls }: ImageRun, charged: boolean): Promise<void> {
  calls.underWay--;
  calls.mayBePaid ||= charged;
  if (calls.underWay > 0 || calls.mayBePaid) return;
  try {
    await lifecycle.move(id, ["submitting"], { state: "queued", charged: false, submittedAt: null });
  } catch (error) {
    // It stays submitting: a crash leaves it to a person, which costs nothing twice.
    log.error("A refused job could not be queued again", { jobId: id, error });
  }
}

/** Reads the generation to its end and writes the job's. False: the job is still queued and is to be started again, after a pause. */
export async function followImages(deps: ImageJobDependencies, run: ImageRun, job: JobRow, images: Run): Promise<boolean> {
  const { n } = readImageSpec(job.plan);
  const mediaIds: string[] = [];
  const notes = createOutputRecorder(n);
  try {
    for await (const event of images.events) {
      if (event.type === "queued") deps.lifecycle.stand(job.id, event);
      else if (event.type === "image") mediaIds.push(event.media.id);
      if (notes.hear(event)) {
        const progress = nextProgress(job.progress, { told: (90 * mediaIds.length) / n, elapsedMs: 0, usualMs: 1 });
        await deps.lifecycle.move(job.id, ["submitting"], { progress, mediaIds: [...mediaIds], answer: notes.answer() });
      } else if (event.type === "done") await finish(deps, job, images.family, mediaIds, event, notes);
    }
    return true;
  } catch (error) {
    return imagesFailed(deps, run, job, error);
  }
}

/** What a failure means for the job; false when it is to be tried again. */
export async function imagesFailed(
  { lifecycle, clock, log }: ImageJobDependencies,
  run: ImageRun,
  job: JobRow,
  error: unknown,
): Promise<boolean> {
  if (!(error instanceof AppError)) log.error("A job met an internal error", { jobId: job.id, error });
  const failure = error instanceof AppError ? error : new AppError("upstream_unavailable", "Internal error", { charged: true });
  const now = await lifecycle.read(job.id);
  if (now?.state === "queued") {
    if (run.parked.aborted) return true;
    if (!run.calls.wasSent && PASSING.has(failure.kind) && clock.now() < job.deadlineAt) return false;
  }
  const isCut = run.stop.signal.aborted && failure.kind === "cancelled";
  if (now?.state === "submitting" && isCut) await lifecycle.move(job.id, ["submitting"], { state: "unknown", error: toJobError(failure) });
  else await lifecycle.end(job.id, ["queued", "submitting"], { state: "failed", error: toJobError(failure), charged: failure.charged });
  return true;
}

/** Ms until a job that found no token is started again. */
export function restartDelay(job: JobRow, now: number): number {
  return Math.min(ASK_AGAIN_MS, Math.max(job.deadlineAt - now, 0));
}

async function finish(
  { lifecycle, prices }: ImageJobDependencies,
  job: JobRow,
  family: string,
  mediaIds: string[],
  done: Extract<GenerateEvent, { type: "done" }>,
  notes: OutputRecorder,
): Promise<void> {
  const { options } = readImageSpec(job.plan);
  const { usage, provider, finish: word, message, upstreamReason } = done;
  const usd = actualImageUsd(family, provider, options.size, usage, {
    images: mediaIds.length,
    prices: prices?.(),
    searches: searchesOf(done.extras),
  });
  const facts = { mediaIds, answer: notes.answer(), usage, provider, usd, charged: true };
  const isRefused = word.startsWith("policy");
  if (mediaIds.length > 0) await lifecycle.end(job.id, ["queued", "submitting"], { ...facts, state: "completed", error: null });
  else {
    const told = message ?? noImageText(upstreamReason);
    const scope = "request" as const;
    const error = isRefused
      ? new AppError("content_policy", told, {
          charged: true,
          detail: { scope, reason: word === "policy_input" ? "policy_input" : "policy_output" },
        })
      : new AppError("no_result", notes.said().trim() || told, { charged: true, detail: { scope, reason: "text_only" } });
    await lifecycle.end(job.id, ["queued", "submitting"], { ...facts, state: "failed", error: toJobError(error) });
  }
}

/** Turns as they were kept, with the bytes of their pictures. @throws {AppError} `invalid_request` when one was deleted */
export async function openTurns({ media }: Pick<ImageJobDependencies, "media">, turns: ImageJobSpec["turns"]): Promise<Turn[]> {
  const open = async (part: StoredPart): Promise<Part> => {
    if (part.type === "text") return part;
    if (part.type === "uri") return { type: "image", image: uriInput(part.uri, part.mime) };
    const found = await media.open(part.mediaId);
    if (!found) throw new AppError("invalid_request", "An input of this job was deleted before it could be used.");
    return {
      type: "image",
      image: { mime: found.media.mime, data: found.blob, mediaId: part.mediaId, pixels: pixelsOf(found.media), signature: part.signature },
    };
  };
  return Promise.all(turns.map(async ({ role, parts }) => ({ role, parts: await Promise.all(parts.map(open)) })));
}

export function readImageSpec(plan: Json): ImageJobSpec {
  const { choice, turns, n, shapeParams, picturesParam, ...options } = plan as unknown as PlanRow;
  return { choice, turns, n, shapeParams, imagesParam: picturesParam, options: readOptions(options) };
}

export function writeImageSpec({ options, imagesParam, ...plan }: ImageJobSpec): Json {
  return { ...plan, ...storeOptions(options), picturesParam: imagesParam } satisfies PlanRow as unknown as Json;
}
