// Live run: a generation under way as the client that began it reads it.

import type { GenerateEvent } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { ignoredHeader } from "../models/model-options.ts";
import type { Run, RunFacts } from "./contract.ts";
import { type EventLog, EventReader } from "./event-log.ts";
import type { Delivery } from "./undelivered/delivery.ts";

/** What a reader needs of a generation. */
export type ReadGeneration = {
  readonly events: EventLog<GenerateEvent>;
  /** What serves it as of now. */
  readonly facts: RunFacts;
  /** Names of the fields that change nothing. */
  readonly ignored: readonly string[];
  /** The client has read everything, or has left. */
  dropBytes(): void;
  /** A reader stopped by itself; resolves when it may go on. */
  leftBy(delivery: Delivery): Promise<void> | undefined;
};

/** The events of a generation for one client, which leaves when its request is aborted. */
export class RunReader extends EventReader<GenerateEvent> {
  constructor(
    private readonly run: ReadGeneration,
    private readonly signal: AbortSignal,
    protected readonly delivery: Delivery,
  ) {
    super(run.events);
  }

  protected override assertStays(): void {
    this.delivery.assertOpen();
    if (this.signal.aborted) throw new AppError("cancelled", "The client went away.");
  }

  protected override abandoned(): void {
    this.run.dropBytes();
  }

  protected override stopped(): Promise<void> | undefined {
    return this.run.leftBy(this.delivery);
  }
}

/** A run that is read by the client that began it. */
export class LiveRun extends RunReader implements Run {
  constructor(
    private readonly generation: ReadGeneration,
    signal: AbortSignal,
    delivery: Delivery,
    readonly usualMs: number | null | undefined,
  ) {
    super(generation, signal, delivery);
  }

  get events(): AsyncIterable<GenerateEvent> {
    return this;
  }

  delivered(): void {
    this.delivery.delivered();
  }

  // A request for a model that turns out to be retired changes over to a successor while it runs.
  get family(): string {
    return this.generation.facts.family;
  }

  get successorOf(): string | null {
    return this.generation.facts.successorOf;
  }

  get headers(): Readonly<Record<string, string>> {
    return ignoredHeader(this.generation.ignored);
  }
}
