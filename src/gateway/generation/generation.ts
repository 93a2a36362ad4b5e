// Generation: the owner of one image run. Its calls, events, deadline, and what happens when its client leaves.

import type { Base64, GenerateEvent } from "../../domain/generation.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { MemoryBudget } from "../media/memory-budget.ts";
import { isModelRetired } from "../models/choose-family.ts";
import type { Deadline } from "../pool/latency-estimate.ts";
import { activityOf } from "./activity.ts";
import type { Attempt } from "./attempt.ts";
import type { ImageGeneration, Run, RunFacts, RunUnderWay } from "./contract.ts";
import type { GenerationDependencies } from "./dependencies.ts";
import { type Done, isCharged, summarize, toDone, toFailure, withSoonest } from "./done.ts";
import { type Admitted, deadlineFrom, type EarlyLease } from "./early-lease.ts";
import { EventLog } from "./event-log.ts";
import { ImageAttempts, type ImageOwner, type ImageResult } from "./image-attempts.ts";
import { LiveRun, type ReadGeneration, RunReader } from "./live-run.ts";
import type { ImagePlan } from "./plan-images.ts";
import { planSuccessor } from "./plan-successor.ts";
import type { GenerationRecord } from "./request-record.ts";
import type { Cancellation, RunningGeneration } from "./running-generations.ts";
import { Delivery } from "./undelivered/delivery.ts";
import { hashGeneration } from "./undelivered/hash-generation.ts";
import { storedResult } from "./undelivered/stored-result.ts";
import { type Entry, isLost, type StoredResult } from "./undelivered/undelivered.ts";

const NONE: readonly never[] = [];
/** Base64 up to this length is what a request holds anyway: counting it would cost more than it weighs. */
const NOT_COUNTED = 4 * 1024;
const isSpentCall = ({ submitted, isRefused }: Attempt) => submitted && !isRefused;

export class Generation implements RunUnderWay, ImageOwner, ReadGeneration {
  readonly events = new EventLog<GenerateEvent>();
  /** Of the client that began it. */
  readonly delivery: Delivery;
  readonly deadline: Deadline;
  readonly request: ImageGeneration;
  readonly memory: MemoryBudget;
  /** Its last call has ended. */
  isOver = false;
  private successor: RunFacts | null = null;
  private retired: readonly string[] = NONE;
  private readonly cutter = new AbortController();
  private readonly calls: Attempt[] = [];
  private readonly results: ImageResult[] = [];
  private failures: readonly unknown[] = NONE;
  /** Images that have not ended. */
  private pending: number;
  private whenEnded: PromiseWithResolvers<void> | null = null;
  private done: Done | null = null;
  private isAttended = true;
  /** Base64 in the events, counted in the budget. */
  private retainedBytes = 0;
  private entry: Entry | null = null;
  /** Gives back the text that it holds, at its end. */
  release: (() => void) | null = null;
  /** Of the client that reads it after the one that began it. */
  private joined: Delivery | null = null;

  constructor(
    private readonly deps: GenerationDependencies,
    /** The plan that serves now: another than at the start once its model turned out to be retired. */
    private plan: ImagePlan,
    readonly record: GenerationRecord,
    private readonly admitted: Admitted,
  ) {
    this.request = plan.request;
    this.pending = plan.request.n;
    this.memory = deps.memory;
    this.deadline = deadlineFrom(deps);
    deps.running.add(this);
    this.delivery = new Delivery(this.request.signal, this);
  }

  /** Starts the calls at once. The last event is one `done`; without any success the events end with the first failure. */
  start(): void {
    for (let image = 0; image < this.request.n; image++) this.makeImage(this.plan);
  }

  /** Resolves when the last call has ended and the log is closed. */
  get ended(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    this.whenEnded ??= Promise.withResolvers();
    return this.whenEnded.promise;
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

  get requestId(): string {
    return this.request.requestId;
  }

  activity(): RunningGeneration {
    return activityOf(this, { isSent: this.isSpent(), isLeft: !this.isAttended });
  }

  /** By the operator: cut before anything was sent; afterwards by the rule for clients that leave. Null: it is over. */
  cancel(): Cancellation | null {
    if (this.isOver) return null;
    const error = new AppError("cancelled", "The operator of this server cancelled the request.");
    const isSpent = this.isSpent();
    if (!isSpent || this.deps.settings().generation.on_disconnect === "abort") {
      this.cutter.abort(error);
      return isSpent ? "aborted" : "released";
    }
    if (!this.request.forJob) (this.joined ?? this.delivery).dismiss(error);
    return "finishes";
  }

  retain(base64: Base64): boolean {
    if (!this.request.returnsBytes || !this.isAttended) return false;
    if (base64.length <= NOT_COUNTED) return true;
    if (!this.memory.take(base64.length)) return false;
    this.memory.giveWhenGone(this, base64.length);
    this.retainedBytes += base64.length;
    return true;
  }

  /** The client has read everything, or has left: who reads it later reads from the store. */
  dropBytes(): void {
    if (this.retainedBytes === 0) return;
    this.memory.give(this.retainedBytes);
    this.memory.forget(this);
    this.retainedBytes = 0;
    for (const event of this.events.all()) if (event.type === "image") event.base64 = undefined;
  }

  takeEarlyLease(): EarlyLease {
    const { lease } = this.admitted;
    this.admitted.lease = null;
    return lease;
  }

  addCall(attempt: Attempt): void {
    this.calls.push(attempt);
  }

  emit(event: GenerateEvent): void {
    this.events.push(event);
  }

  cutLate(): void {
    const seconds = this.deadline.wholeMs / 1000;
    this.cutter.abort(new AppError("upstream_timeout", `There was no result within ${seconds} seconds.`));
  }

  private makeImage(plan: ImagePlan): void {
    void new ImageAttempts(this.deps, plan, this).run();
  }

  made(result: ImageResult): void {
    this.results.push(result);
    this.endOne();
  }

  /** By the successor where the upstream has retired the plan's model: nothing was charged until then. */
  failed(error: unknown, plan: ImagePlan): void {
    const next = this.successorAfter(error, plan);
    if (next) this.makeImage(next);
    else {
      this.failures = [...this.failures, error];
      this.endOne();
    }
  }

  private endOne(): void {
    this.pending -= 1;
    if (this.pending > 0) return;
    const { results } = this;
    if (results.length > 0) this.succeed(results.length === 1 ? toDone(results[0]!) : summarize(results));
    else this.fail(this.failures.find(isCharged) ?? this.failures[0]);
  }

  /** The plan that serves now instead of one whose model turned out to be retired. Images of one request change over together. */
  private successorAfter(error: unknown, plan: ImagePlan): ImagePlan | null {
    if (this.signal.aborted || !isModelRetired(error)) return null;
    if (this.retired.includes(plan.family)) return this.plan;
    const next = planSuccessor(this.deps, plan, new Set([...this.retired, plan.family]));
    if (!next) return null;
    this.retired = [...this.retired, plan.family];
    this.plan = next;
    const { requested } = this.request.choice;
    this.successor = { family: next.family, successorOf: requested };
    this.record.serve(next.family);
    this.deps.log.info("A retired model is served by its successor", { requested, family: next.family });
    return next;
  }

  /** What serves it as of now. */
  get facts(): RunFacts {
    return this.successor ?? this.plan.route;
  }

  /** Names of the fields that change nothing. */
  get ignored(): readonly string[] {
    return this.plan.ignored;
  }

  private end(): void {
    this.isOver = true;
    this.deps.running.delete(this);
    this.release?.();
    this.whenEnded?.resolve();
  }

  private succeed(done: Done): void {
    this.record.finish(done);
    this.record.close(this.admitted.admission);
    this.done = done;
    this.end();
    if (this.entry) this.deps.undelivered!.change(this.entry, { type: "result", result: this.result() });
    this.events.push(done);
    this.events.close();
  }

  private fail(thrown: unknown): void {
    const { undelivered, pool } = this.deps;
    const error = withSoonest(thrown, pool, this.plan.lease);
    this.record.fail(error);
    this.record.close(this.admitted.admission);
    this.end();
    if (undelivered && !this.request.forJob && isLost(error)) {
      const outcome = { type: "failure" as const, failure: toFailure(error) };
      if (this.entry) undelivered.change(this.entry, outcome);
      else undelivered.add({ ...this.lost(), outcome });
    } else if (this.entry) undelivered!.remove(this.entry);
    this.events.fail(error);
  }

  /** As the client that began it sees it. */
  toRun(usualMs: number | null | undefined): Run {
    return new LiveRun(this, this.request.signal, this.delivery, usualMs);
  }

  /** The events, for one reader. `delivery` is its own. */
  read(signal: AbortSignal, delivery: Delivery): AsyncIterable<GenerateEvent> {
    this.joined = delivery;
    return new RunReader(this, signal, delivery);
  }

  /** A reader stopped by itself; resolves when it may go on. */
  leftBy(delivery: Delivery): Promise<void> | undefined {
    // A reader that stops at the end has read everything.
    if (this.done !== null || this.isOver) return;
    delivery.leave();
    // Calls that are cut have ended when their reader continues.
    if (this.signal.aborted) return this.ended;
  }

  /** Another client reads it from now on, or has left. */
  attend(isAttended: boolean): void {
    this.isAttended = isAttended;
    if (!isAttended) this.events.wake();
  }

  /** The client that began it has all of it. */
  delivered(): void {
    this.dropBytes();
  }

  /** The client that began it went away. */
  left(): void {
    this.attend(false);
    this.dropBytes();
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
    return this.calls.some(isSpentCall);
  }

  private lost() {
    const { key, requestId } = this.request;
    return { keyId: key.id, requestId, hash: () => hashGeneration(this.request) };
  }

  private result(): StoredResult {
    return storedResult(this.events.all(), this.done!, { n: this.request.n, facts: this.facts });
  }
}
