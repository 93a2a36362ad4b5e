// One image generation under way: its events, the signal that cuts it, and what becomes of it when its client leaves.

import type { Clock } from "../../clock.ts";
import type { Settings } from "../../config/settings-schema.ts";
import type { GenerateEvent } from "../../domain/generation.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { AttemptState } from "./attempt.ts";
import type { ImageGeneration, RunFacts, RunUnderWay } from "./contract.ts";
import { Delivery } from "./delivery.ts";
import { EventLog } from "./event-log.ts";
import { hashGeneration } from "./hash-generation.ts";
import { createOutputRecorder } from "./image-output.ts";
import { type Entry, isLost, type StoredFailure, type StoredResult, type Undelivered } from "./undelivered.ts";

type Dependencies = { undelivered?: Undelivered; settings: () => Settings; clock: Clock; shutdown: AbortSignal };
type Done = Extract<GenerateEvent, { type: "done" }>;

export class LiveRun implements RunUnderWay {
  readonly log = new EventLog<GenerateEvent>();
  /** Resolves when the last call has ended and the log is closed. */
  readonly ended: Promise<void>;
  /** Of the client that began it. */
  readonly delivery: Delivery;
  private readonly cutter = new AbortController();
  private readonly calls: AttemptState[] = [];
  private readonly end: () => void;
  private done: Done | null = null;
  /** Its last call has ended. */
  isOver = false;
  private isAttended = true;
  private entry: Entry | null = null;

  constructor(
    private readonly deps: Dependencies,
    private readonly request: ImageGeneration,
    readonly facts: RunFacts,
    seconds: number,
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopping = () => this.stopWithServer();
    const late = () => this.cutter.abort(new AppError("upstream_timeout", `There was no result within ${seconds} seconds.`));
    const cancelTimer = deps.clock.after(seconds * 1000, late);
    deps.shutdown.addEventListener("abort", stopping, { once: true });
    if (deps.shutdown.aborted) stopping();
    this.ended = promise;
    this.end = () => {
      this.isOver = true;
      cancelTimer();
      deps.shutdown.removeEventListener("abort", stopping);
      resolve();
    };
    this.delivery = new Delivery(request.signal, { left: () => this.leave(), delivered: () => {} });
  }

  /** Aborts when the calls are to end; its reason says why. */
  get signal(): AbortSignal {
    return this.cutter.signal;
  }

  /** Whether nobody reads it and nothing was spent yet: then no other call is begun. */
  get isPointless(): boolean {
    return !this.isAttended && !this.isSpent();
  }

  /** Ends the calls that still run, for the server stops. A job goes on after the next start: to it this is no failure. */
  stopWithServer(): void {
    const message = "The server is stopping.";
    this.cutter.abort(this.request.forJob ? new AppError("cancelled", message) : serverFailure(message, "stopping"));
  }

  /** Takes note of a call that is about to be made. */
  addCall(state: AttemptState): void {
    this.calls.push(state);
  }

  readonly tell = (event: GenerateEvent): void => this.log.push(event);

  succeed(done: Done): void {
    this.done = done;
    this.end();
    if (this.entry) this.deps.undelivered!.change(this.entry, { type: "result", result: this.result() });
    this.log.push(done);
    this.log.close();
  }

  fail(error: unknown): void {
    this.end();
    const { undelivered } = this.deps;
    if (undelivered && !this.request.forJob && isLost(error)) {
      const outcome = { type: "failure" as const, failure: toFailure(error) };
      if (this.entry) undelivered.change(this.entry, outcome);
      else undelivered.add({ ...this.lost(), outcome });
    } else if (this.entry) undelivered!.remove(this.entry);
    this.log.fail(error);
  }

  /** The events, for one reader. `delivery` is its own. */
  read(signal: AbortSignal, delivery: Delivery): AsyncIterable<GenerateEvent> {
    const assertStays = () => {
      if (signal.aborted) throw new AppError("cancelled", "The client went away.");
    };
    const stopped = () => {
      // A reader that stops at the end has read everything.
      if (this.done !== null || this.isOver) return;
      delivery.leave();
      // What is cut has ended when its reader goes on.
      if (this.signal.aborted) return this.ended;
    };
    return this.log.read(assertStays, stopped);
  }

  /** Another client reads it from now on, or has left. */
  attend(isAttended: boolean): void {
    this.isAttended = isAttended;
    if (!isAttended) this.log.wake();
  }

  /** The client that began it went away. */
  private leave(): void {
    this.attend(false);
    const { undelivered, settings } = this.deps;
    if (this.isOver && this.done === null) return;
    const isKept = undelivered && !this.request.forJob;
    if (isKept && this.done) undelivered.add({ ...this.lost(), outcome: { type: "result", result: this.result() } });
    else if (this.done) return;
    else if (isKept && this.isSpent() && settings().generation.on_disconnect === "finish")
      this.entry = undelivered.add({ ...this.lost(), outcome: { type: "running" }, run: this });
    else this.cutter.abort(new AppError("cancelled", "The client went away."));
  }

  private isSpent(): boolean {
    return this.calls.some(({ submitted, isRefused }) => submitted && !isRefused);
  }

  private lost() {
    const { key, requestId } = this.request;
    return { keyId: key.id, requestId, hash: () => hashGeneration(this.request) };
  }

  private result(): StoredResult {
    const notes = createOutputRecorder(this.request.n);
    for (const event of [...this.log.all(), this.done!]) notes.hear(event);
    const answer = notes.answer();
    const mediaIds = answer.parts.flatMap((part) => (part.type === "image" ? [part.mediaId] : []));
    const { usage, provider } = this.done!;
    return { ...this.facts, answer, mediaIds, usage, provider };
  }
}

const toFailure = ({ kind, message, reason, detail, param, customer }: AppError): StoredFailure => ({
  kind,
  message,
  reason,
  detail,
  param,
  customer,
});
