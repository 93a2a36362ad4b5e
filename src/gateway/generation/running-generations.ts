// Generations under way: the end of the server and the operator reach them; each can be seen and cancelled.

import { type Clock, monotonicNow } from "../../clock.ts";
import type { Kind } from "../../domain/generation.ts";
import type { Deadline } from "../pool/latency-estimate.ts";

/** A generation under way, as the operator sees it. Times are epoch ms. */
export type RunningGeneration = {
  requestId: string;
  kind: Kind;
  keyId: number;
  /** As the client wrote it. */
  model: string;
  family: string;
  /** A job's: its row says more of it. */
  forJob: boolean;
  startedAt: number;
  state: "queued" | "running";
  /** In the queue for a token; null: it does not wait. */
  position: number | null;
  /** Estimate of the remaining wait, ms. */
  waitMs: number | null;
  /** Whose call runs, or ran last. */
  token: { label: string; provider: string } | null;
  /** A call was sent and may cost. */
  isSent: boolean;
  /** Nobody waits for it any more. */
  isLeft: boolean;
};

/**
 * What became of one that the operator cancels. `released`: nothing was sent, nothing is charged. `aborted`: it is cut, and counts at its
 * estimate. `finishes`: it was sent; its client is told, the result is stored and given to the next identical request.
 */
export type Cancellation = "released" | "aborted" | "finishes";

type Running = {
  readonly requestId: string;
  readonly deadline: Deadline;
  stopWithServer(): void;
  /** Its deadline has passed. */
  cutLate(): void;
  activity(): RunningGeneration;
  cancel(): Cancellation | null;
};

export class RunningGenerations {
  readonly #all = new Set<Running>();
  /** One timer for all deadlines, set to the first of them or earlier. */
  #sweepAt = Number.POSITIVE_INFINITY;
  #cancelSweep = () => {};

  constructor(
    private readonly shutdown: AbortSignal,
    private readonly clock: Clock,
  ) {
    shutdown.addEventListener("abort", () => {
      for (const generation of this.#all) generation.stopWithServer();
    });
  }

  add(generation: Running): void {
    const { at, wholeMs } = generation.deadline;
    this.#all.add(generation);
    if (at < this.#sweepAt) this.#setSweep(at, wholeMs);
    if (this.shutdown.aborted) generation.stopWithServer();
  }

  delete(generation: Running): void {
    this.#all.delete(generation);
  }

  #setSweep(at: number, ms: number): void {
    this.#cancelSweep();
    this.#sweepAt = at;
    this.#cancelSweep = this.clock.after(ms, () => this.#sweep());
  }

  #sweep(): void {
    // A timer may ring a little early by the clock that it was set by.
    const now = Math.max(monotonicNow(this.clock), this.#sweepAt);
    this.#sweepAt = Number.POSITIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const generation of this.#all) {
      const { at } = generation.deadline;
      if (at <= now) generation.cutLate();
      else next = Math.min(next, at);
    }
    if (next < Number.POSITIVE_INFINITY) this.#setSweep(next, next - now);
  }

  get size(): number {
    return this.#all.size;
  }

  /** The oldest ones, in the order of their start. */
  list(limit: number): RunningGeneration[] {
    const found: RunningGeneration[] = [];
    for (const generation of this.#all) {
      if (found.length === limit) break;
      found.push(generation.activity());
    }
    return found;
  }

  /** Null: it has ended. */
  find(requestId: string): RunningGeneration | null {
    for (const generation of this.#all) if (generation.requestId === requestId) return generation.activity();
    return null;
  }

  /** For the operator; null: there is none of this id any more. */
  cancel(requestId: string): Cancellation | null {
    for (const generation of this.#all) if (generation.requestId === requestId) return generation.cancel();
    return null;
  }
}
