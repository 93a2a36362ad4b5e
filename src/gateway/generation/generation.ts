// Generation: the owner of one image run. Its calls, events, deadline, and what happens when its client leaves.

import { addUsage, type GenerateEvent, NO_USAGE } from "../../domain/generation.ts";
import { AppError, serverFailure, withRetryAfter } from "../../errors.ts";
import type { Admission } from "../limits/contract.ts";
import { isModelRetired } from "../models/choose-family.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import type { AttemptState, CallResult } from "./attempt.ts";
import type { ImageGeneration, RunFacts, RunUnderWay } from "./contract.ts";
import type { GenerateDependencies } from "./dependencies.ts";
import { EventLog } from "./event-log.ts";
import { type AttemptOwner, ImageAttempts, type ImageResult } from "./image-attempts.ts";
import type { ImagePlan } from "./plan-images.ts";
import { planSuccessor } from "./plan-successor.ts";
import { Delivery } from "./undelivered/delivery.ts";
import { hashGeneration } from "./undelivered/hash-generation.ts";
import { createOutputRecorder } from "./undelivered/image-output.ts";
import { type Entry, isLost, type StoredFailure, type StoredResult } from "./undelivered/undelivered.ts";

type Done = Extract<GenerateEvent, { type: "done" }>;

export class Generation implements RunUnderWay, AttemptOwner {
  readonly events = new EventLog<GenerateEvent>();
  /** Resolves when the last call has ended and the log is closed. */
  readonly ended: Promise<void>;
  /** Of the client that began it. */
  readonly delivery: Delivery;
  readonly deadline: Deadline;
  /** Its last call has ended. */
  isOver = false;
  private readonly request: ImageGeneration;
  /** The plan that serves now: another than at the start once its model turned out to be retired. */
  private plan: ImagePlan;
  private served: RunFacts;
  private readonly retired = new Set<string>();
  private readonly cutter = new AbortController();
  private readonly calls: AttemptState[] = [];
  private readonly end: () => void;
  private done: Done | null = null;
  private isAttended = true;
  private entry: Entry | null = null;

  constructor(
    private readonly deps: GenerateDependencies,
    plan: ImagePlan,
    private readonly admission: Admission,
    facts: RunFacts,
  ) {
    this.plan = plan;
    this.served = facts;
    this.request = plan.request;
    const seconds = deps.settings().generation.image_timeout;
    this.deadline = { at: deps.clock.now() + seconds * 1000, wholeMs: seconds * 1000 };
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
    this.delivery = new Delivery(this.request.signal, { left: () => this.leave(), delivered: () => {} });
  }

  /** Starts the calls at once. The last event is one `done`; without any success the events end with the first failure. */
  start(): void {
    this.runAll().then(
      (done) => this.succeed(done),
      (error) => this.fail(error),
    );
  }

  get signal(): AbortSignal {
    return this.cutter.signal;
  }

  get isPointless(): boolean {
    return !this.isAttended && !this.isSpent();
  }

  /** Ends the calls that still run because the server stops. A job continues after the next start: for it this is not a failure. */
  stopWithServer(): void {
    const message = "The server is stopping.";
    this.cutter.abort(this.request.forJob ? new AppError("cancelled", message) : serverFailure(message, "stopping"));
  }

  addCall(state: AttemptState): void {
    this.calls.push(state);
  }

  emit(event: GenerateEvent): void {
    this.events.push(event);
  }

  /** @throws {AppError} the first failure when no call succeeded */
  private async runAll(): Promise<Done> {
    const { plan } = this;
    const made: ImageResult[] = [];
    const failures: unknown[] = [];
    const one = () =>
      this.makeOne(plan).then(
        (result) => made.push(result),
        (failure) => failures.push(failure),
      );
    try {
      await Promise.all(Array.from({ length: this.request.n }, one));
      if (made.length === 0) throw this.withRetryTime(failures.find(isCharged) ?? failures[0]);
      const done = summarize(made);
      plan.record.finish(done);
      return done;
    } catch (error) {
      plan.record.fail(error);
      throw error;
    } finally {
      plan.record.close(this.admission);
    }
  }

  /** One image, by the successor where the upstream has retired the plan's model. Nothing was charged until then. */
  private async makeOne(plan: ImagePlan): Promise<ImageResult> {
    try {
      return await new ImageAttempts(this.deps, plan, this).run();
    } catch (error) {
      const next = !this.signal.aborted && isModelRetired(error) ? this.successorTo(plan) : null;
      if (!next) throw error;
      return this.makeOne(next);
    }
  }

  /** Images of one request change over together. */
  private successorTo(plan: ImagePlan): ImagePlan | null {
    if (this.retired.has(plan.family)) return this.plan;
    const next = planSuccessor(this.deps, plan, new Set([...this.retired, plan.family]));
    if (!next) return null;
    this.retired.add(plan.family);
    this.plan = next;
    const { requested } = this.request.choice;
    this.served = { family: next.family, successorOf: requested };
    plan.record.serve(next.family);
    this.deps.log.info("A retired model is served by its successor", { requested, family: next.family });
    return next;
  }

  /** What serves it as of now. */
  get facts(): RunFacts {
    return this.served;
  }

  /** Names of the fields that change nothing. */
  get ignored(): readonly string[] {
    return this.plan.ignored;
  }

  /** After a limit by the minute the client learns when the first token returns, not when the last one that was tried does. */
  private withRetryTime(failure: unknown): unknown {
    if (!(failure instanceof AppError) || failure.kind !== "upstream_rate_limited") return failure;
    const soonest = this.deps.pool.soonestMs({ ...this.plan.lease, exclude: new Set() });
    return soonest === null ? failure : withRetryAfter(failure, soonest);
  }

  private succeed(done: Done): void {
    this.done = done;
    this.end();
    if (this.entry) this.deps.undelivered!.change(this.entry, { type: "result", result: this.result() });
    this.events.push(done);
    this.events.close();
  }

  private fail(error: unknown): void {
    this.end();
    const { undelivered } = this.deps;
    if (undelivered && !this.request.forJob && isLost(error)) {
      const outcome = { type: "failure" as const, failure: toFailure(error) };
      if (this.entry) undelivered.change(this.entry, outcome);
      else undelivered.add({ ...this.lost(), outcome });
    } else if (this.entry) undelivered!.remove(this.entry);
    this.events.fail(error);
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
      // Calls that are cut have ended when their reader continues.
      if (this.signal.aborted) return this.ended;
    };
    return this.events.read(assertStays, stopped);
  }

  /** Another client reads it from now on, or has left. */
  attend(isAttended: boolean): void {
    this.isAttended = isAttended;
    if (!isAttended) this.events.wake();
  }

  /** The client that began it went away. */
  private leave(): void {
    this.attend(false);
    const { undelivered, settings } = this.deps;
    if (this.isOver && this.done === null) return;
    const isOffered = undelivered && !this.request.forJob;
    if (isOffered && this.done) undelivered.add({ ...this.lost(), outcome: { type: "result", result: this.result() } });
    else if (this.done) return;
    else if (isOffered && this.isSpent() && settings().generation.on_disconnect === "finish")
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
    const recorder = createOutputRecorder(this.request.n);
    for (const event of [...this.events.all(), this.done!]) recorder.hear(event);
    const answer = recorder.answer();
    const mediaIds = answer.parts.flatMap((part) => (part.type === "image" ? [part.mediaId] : []));
    const { usage, provider } = this.done!;
    return { ...this.facts, answer, mediaIds, usage, provider };
  }
}

const toRefusal = ({ upstreamReason, message }: CallResult) => ({ upstreamReason, message });

/** Of several failures the one that may have cost something is returned: the client is not to repeat the request. */
const isCharged = (failure: unknown): boolean => failure instanceof AppError && failure.charged;

function summarize(made: readonly ImageResult[]): Done {
  const usage = made.reduce((sum, { result }) => (result.usage ? addUsage(sum, result.usage) : sum), NO_USAGE);
  const { result, provider } = made.find((one) => one.result.images.length > 0) ?? made[0]!;
  const { finish, upstreamReason, message, modelVersion, extras } = result;
  const refused = made.map((one) => one.result).filter((one) => one.images.length === 0 && one.finish.startsWith("policy"));
  return { type: "done", finish, upstreamReason, message, usage, provider, modelVersion, extras, refusals: refused.map(toRefusal) };
}

const toFailure = ({ kind, message, reason, detail, param, customer }: AppError): StoredFailure => ({
  kind,
  message,
  reason,
  detail,
  param,
  customer,
});
