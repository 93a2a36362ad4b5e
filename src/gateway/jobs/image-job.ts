// Image job: runs a generation without a client, and writes its progress and end to the job.

import { type Clock, sleep } from "../../clock.ts";
import type { JobRow } from "../../db/jobs.ts";
import type { GenerateEvent } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { newRequestId } from "../../ids.ts";
import type { Log } from "../../log.ts";
import type { Generate, ImageGeneration, Run } from "../generation/contract.ts";
import { createOutputRecorder, type OutputRecorder } from "../generation/undelivered/image-output.ts";
import type { Keys } from "../keys/keys.ts";
import type { MediaStore } from "../media/contract.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import { searchesOf } from "../models/model-options.ts";
import { actualImageUsd } from "../models/prices.ts";
import { openTurns, readImageSpec } from "./image-spec.ts";
import type { JobLifecycle } from "./job-lifecycle.ts";
import { nextProgress, toJobError } from "./job-state.ts";
import { noImageError } from "./no-image-error.ts";
import type { StopSignals } from "./video-job.ts";

export type ImageJobDependencies = {
  lifecycle: JobLifecycle;
  generate: Generate;
  keys: Pick<Keys, "get">;
  media: Pick<MediaStore, "open">;
  catalogue: () => Catalogue;
  clock: Clock;
  log: Log;
};

const RESTART_MS = 2_000;
/** Failures that pass by waiting, while nothing was sent. */
const TRANSIENT: ReadonlySet<string> = new Set(["busy", "unavailable", "upstream_rate_limited"]);

export class ImageJob {
  /** Ends the generation. */
  readonly #stop = new AbortController();
  /** Whether the body of a call was ever sent. */
  #wasSent = false;
  #callsUnderWay = 0;
  #mayBeCharged = false;

  constructor(
    private readonly deps: ImageJobDependencies,
    readonly id: string,
    private readonly signals: StopSignals,
  ) {}

  /** Ends the generation: the job was changed elsewhere, or cannot be worked on. */
  stop(): void {
    this.#stop.abort();
  }

  /** Starts the generation. Nothing is sent before `ready` resolves, and before `submitting` is on disk. */
  async start(row: JobRow, ready: Promise<unknown>): Promise<Run> {
    const { keys, media, generate } = this.deps;
    const key = keys.get(row.keyId);
    if (!key) throw new AppError("forbidden", "The API key of this job is not known here any more.");
    const { turns, ...spec } = readImageSpec(row.plan);
    const { requestId, dialect, route, createdAt } = row;
    const request: ImageGeneration = {
      requestId,
      dialect,
      route,
      stream: false,
      key,
      ...spec,
      turns: await openTurns(media, turns),
      forJob: true,
      signal: this.#stop.signal,
      startedAt: createdAt,
      onSubmit: async () => {
        await ready;
        // Nothing is under way of one that was given up: another node may have it.
        this.#stop.signal.throwIfAborted();
        await this.#onSubmit();
      },
      onCallEnd: (charged) => this.#onCallEnd(charged),
    };
    return generate(request);
  }

  /** Runs the job to its end, or until the server stops. `started`: a generation that was started already. */
  async run(row: JobRow, started: Run | null): Promise<void> {
    const { lifecycle, clock } = this.deps;
    const { stopping, aborted } = this.signals;
    const abort = () => this.stop();
    // A queued generation is stopped at once; one under way may end.
    const stopIfQueued = async () => {
      if ((await lifecycle.read(this.id))?.state === "queued") this.stop();
    };
    aborted.addEventListener("abort", abort, { once: true });
    stopping.addEventListener("abort", stopIfQueued, { once: true });
    try {
      for (let current = row, run = started; ; run = null) {
        if (await this.#runOnce(current, run)) return;
        lifecycle.setQueuePosition(this.id, null);
        const pauseMs = Math.min(RESTART_MS, Math.max(current.deadlineAt - clock.now(), 0));
        await sleep(clock, pauseMs, AbortSignal.any([stopping, this.#stop.signal])).catch(() => {});
        // The request log has the first attempt under the first id.
        const queued = await lifecycle.move(this.id, ["queued"], { requestId: newRequestId(clock.now()) });
        if (!queued || stopping.aborted) return;
        current = queued;
      }
    } finally {
      aborted.removeEventListener("abort", abort);
      stopping.removeEventListener("abort", stopIfQueued);
    }
  }

  /** False: the job is still queued and is to be started again, after a pause. */
  async #runOnce(row: JobRow, started: Run | null): Promise<boolean> {
    try {
      await this.#follow(row, started ?? (await this.start(row, Promise.resolve())));
      return true;
    } catch (error) {
      return this.#fail(row, error);
    }
  }

  /** Reads the generation to its end and writes the job's. */
  async #follow(row: JobRow, run: Run): Promise<void> {
    const { lifecycle } = this.deps;
    const { n } = readImageSpec(row.plan);
    const mediaIds: string[] = [];
    const output = createOutputRecorder(n);
    for await (const event of run.events) {
      if (event.type === "queued") lifecycle.setQueuePosition(this.id, event);
      else if (event.type === "image") mediaIds.push(event.media.id);
      if (output.hear(event)) {
        const progress = nextProgress(row.progress, { reported: (90 * mediaIds.length) / n, elapsedMs: 0, usualMs: 1 });
        await lifecycle.move(this.id, ["submitting"], { progress, mediaIds: [...mediaIds], answer: output.answer() });
      } else if (event.type === "done") await this.#finish(row, { family: run.family, mediaIds, done: event, output });
    }
  }

  async #onSubmit(): Promise<void> {
    this.#wasSent = true;
    this.#callsUnderWay++;
    const submitted = { state: "submitting" as const, submittedAt: this.deps.clock.now(), charged: true };
    if (await this.deps.lifecycle.move(this.id, ["queued", "submitting"], submitted)) return;
    this.#callsUnderWay--;
    throw new AppError("cancelled", "The job was cancelled before it was submitted.");
  }

  /** A job whose calls were all refused is queued while it waits for another token: a crash then starts it again. */
  async #onCallEnd(charged: boolean): Promise<void> {
    this.#callsUnderWay--;
    this.#mayBeCharged ||= charged;
    if (this.#callsUnderWay > 0 || this.#mayBeCharged) return;
    try {
      await this.deps.lifecycle.move(this.id, ["submitting"], { state: "queued", charged: false, submittedAt: null });
    } catch (error) {
      // It stays submitting: after a crash the operator decides, and nothing is charged twice.
      this.deps.log.error("A refused job could not be queued again", { jobId: this.id, error });
    }
  }

  /** Ends the job after a failure; false when it is to be started again. */
  async #fail(row: JobRow, error: unknown): Promise<boolean> {
    const { lifecycle, clock, log } = this.deps;
    if (!(error instanceof AppError)) log.error("A job met an internal error", { jobId: this.id, error });
    const failure = error instanceof AppError ? error : new AppError("upstream_unavailable", "Internal error", { charged: true });
    const current = await lifecycle.read(this.id);
    if (current?.state === "queued") {
      if (this.signals.stopping.aborted) return true;
      if (!this.#wasSent && TRANSIENT.has(failure.kind) && clock.now() < row.deadlineAt) return false;
    }
    const isCut = this.#stop.signal.aborted && failure.kind === "cancelled";
    if (current?.state === "submitting" && isCut && current.cancelAsked)
      // The body was sent: the call counts at its estimate.
      await lifecycle.end(this.id, ["submitting"], { state: "cancelled", error: toJobError(asCharged(failure)), charged: true });
    else if (current?.state === "submitting" && isCut)
      await lifecycle.move(this.id, ["submitting"], { state: "unknown", error: toJobError(failure) });
    else {
      const { charged } = failure;
      await lifecycle.end(this.id, ["queued", "submitting"], { state: "failed", error: toJobError(failure), charged });
    }
    return true;
  }

  async #finish(
    row: JobRow,
    ended: { family: string; mediaIds: string[]; done: Extract<GenerateEvent, { type: "done" }>; output: OutputRecorder },
  ): Promise<void> {
    const { family, mediaIds, done, output } = ended;
    const { options, turns } = readImageSpec(row.plan);
    const inputs = turns.flatMap(({ parts }) => parts).filter(({ type }) => type === "image").length;
    const { usage, provider } = done;
    const usd = actualImageUsd(this.deps.catalogue().imageCosts(family, provider), {
      size: options.size,
      usage,
      images: mediaIds.length,
      thinking: options.thinking,
      inputs: mediaIds.length * inputs,
      searches: searchesOf(done.extras),
    });
    const facts = { family, mediaIds, answer: output.answer(), usage, provider, usd, charged: true };
    const end =
      mediaIds.length > 0
        ? { ...facts, state: "completed" as const, error: null }
        : { ...facts, state: "failed" as const, error: toJobError(noImageError(done, output.said())) };
    await this.deps.lifecycle.end(this.id, ["queued", "submitting"], end);
  }
}
