// Wait queue: requests wait here for a token; each is served, refused, timed out or aborted exactly once.

import { type Clock, monotonicNow } from "../../clock.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { CandidateSet } from "./candidate-set.ts";
import { FairQueue } from "./fair-queue.ts";
import { type LatencyEstimate, latestStart } from "./latency-estimate.ts";
import type { Lease, LeaseOptions, LeaseRequest } from "./lease-contract.ts";
import type { PoolToken } from "./pool-token.ts";
import type { Scheduler } from "./scheduler.ts";
import { estimateWaitMs, retryAfterMs } from "./wait-estimate.ts";

type Waiter = {
  keyId: number;
  candidates: CandidateSet;
  request: LeaseRequest;
  /** Begin and end of the wait, by {@link monotonicNow}. */
  since: number;
  until: number;
  callDeadline: LeaseOptions["deadline"];
  /** As last reported. */
  position: number;
  onWait: LeaseOptions["onWait"];
  grant(lease: Lease): void;
  refuse(reason: unknown): void;
  /** Removes timer and listener. */
  detach(): void;
};

/** Of a request that may have to wait again: it keeps its turn. */
export type Ticket = { /** Null: it has not waited yet. */ arrival: number | null /** By {@link monotonicNow}. */; since: number };

export type WaitOptions = LeaseOptions & { waitMs: number; ticket?: Ticket };

type Dependencies = {
  clock: Clock;
  log: Log;
  scheduler: Scheduler;
  latency: LatencyEstimate;
  /** The time, after cooldowns and caps that are over by then have ended. */
  now(): number;
  take(token: PoolToken, request: LeaseRequest, waitedMs: number): Lease;
  refusal(candidates: CandidateSet, exclude: ReadonlySet<number>, now: number): AppError;
};

/** Timers do not notice that the clock on the wall is set on, or that the machine slept: cooldowns are looked at as often as this. */
const LOOK_MS = 1_000;
/** Least time between two reports of queue positions. */
const REPORT_MS = 250;
const NONE: ReadonlySet<number> = new Set();

export class WaitQueue {
  readonly #queue = new FairQueue<Waiter, CandidateSet>();
  readonly #waiters = new Map<CandidateSet, Set<Waiter>>();
  #isServing = false;
  #cancelReport: (() => void) | null = null;
  /** The time that it waits for, epoch ms. */
  #wake: { time: number; cancel: () => void } | null = null;

  constructor(private readonly deps: Dependencies) {}

  get size(): number {
    return this.#queue.size;
  }

  /**
   * Waits for a token of the set, where none is free now. Rejects at once when waiting is pointless, or when `limit` requests wait and no
   * other key has more of them.
   */
  async enter(candidates: CandidateSet, request: LeaseRequest, options: WaitOptions, limit: number): Promise<Lease> {
    const { scheduler, clock } = this.deps;
    const now = clock.now();
    const elapsed = monotonicNow(clock);
    const waitMs = this.#assertMayWait(candidates, request, options, now);
    const { ticket = { arrival: null, since: elapsed } } = options;
    const isFull = ticket.arrival === null && this.#queue.size >= limit;
    if (isFull && !this.#displaceFor(request.keyId, now)) throw this.#busy(candidates, "the queue is full", now);

    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const { signal, onWait, deadline: callDeadline } = options;
    const abort = () => {
      if (this.#leave(waiter)) reject(signal.reason);
      this.#setWake();
    };
    const cancelTimer = clock.after(waitMs, () => this.#timeOut(waiter));
    const detach = () => {
      cancelTimer();
      signal.removeEventListener("abort", abort);
    };
    const { keyId } = request;
    const waiter: Waiter = {
      ...{ keyId, candidates, request, since: ticket.since, until: elapsed + waitMs, callDeadline },
      ...{ position: 0, onWait, grant: resolve, refuse: reject, detach },
    };
    signal.addEventListener("abort", abort, { once: true });
    const isBack = ticket.arrival !== null;
    ticket.arrival = this.#queue.enter(waiter, ticket.arrival ?? undefined);
    scheduler.retain(candidates);
    this.#remember(waiter);
    this.#reportPosition(waiter, isBack ? this.#queue.inOrder().indexOf(waiter) + 1 : this.#queue.aheadOfNewest(keyId) + 1, now);
    this.#setWake();
    return promise;
  }

  /** @throws {AppError} `busy` when a call on this token would not end before the deadline */
  assertInTime(candidates: CandidateSet, token: PoolToken, deadline: LeaseOptions["deadline"], now: number): void {
    if (this.#isTooLate(token, candidates.want, deadline)) throw this.#tooLate(candidates, now);
  }

  /** Serves all requests that can be served now, and refuses those that have nothing left to wait for. */
  serve(): void {
    if (this.#isServing || this.#queue.size === 0) return;
    this.#isServing = true;
    try {
      const now = this.deps.now();
      this.#serveAll(now);
      this.#refuseHopeless(now);
    } finally {
      this.#isServing = false;
      this.#setWake();
    }
  }

  /** Puts each request where it belongs now: once there are caps, the cost of a request decides which tokens are ready for it. */
  regroup(): void {
    const { clock, scheduler } = this.deps;
    for (const waiter of this.#queue.inOrder()) {
      const candidates = scheduler.candidateSetOf(waiter.request, clock.now());
      if (candidates === waiter.candidates) continue;
      scheduler.retain(candidates);
      scheduler.release(waiter.candidates);
      this.#forget(waiter);
      waiter.candidates = candidates;
      this.#remember(waiter);
    }
    this.#queue.regroup();
  }

  /** Refuses all requests. */
  close(): void {
    for (const waiter of this.#queue.inOrder())
      if (this.#leave(waiter)) waiter.refuse(serverFailure("The server is stopping.", "stopping"));
    this.#cancelReport?.();
    this.#cancelReport = null;
    this.#setWake();
  }

  /** How long the request may wait, in ms. @throws {AppError} when waiting is pointless */
  #assertMayWait(candidates: CandidateSet, { exclude }: LeaseRequest, options: WaitOptions, now: number): number {
    const { kind, family, providers } = candidates.want;
    const { deadline } = options;
    const latest = deadline ? this.deps.latency.latestStart(kind, family, providers, deadline) : Number.POSITIVE_INFINITY;
    const waitMs = Math.min(options.waitMs, latest - monotonicNow(this.deps.clock));
    const isHopeless = !candidates.mayGetSlot(exclude) && candidates.availability(exclude, now).soonest > now + waitMs;
    if (isHopeless) throw this.deps.refusal(candidates, exclude, now);
    if (options.waitMs <= 0) throw this.#busy(candidates, "waiting is switched off", now);
    if (waitMs <= 0) throw this.#tooLate(candidates, now);
    return waitMs;
  }

  /** In a full queue the key with the most requests gives up its newest for a key that has fewer; false: no key has to. */
  #displaceFor(keyId: number, now: number): boolean {
    // Two more, so that two keys do not displace each other in turns.
    const displaced = this.#queue.newestOfLargest(this.#queue.sizeOf(keyId) + 2);
    if (!displaced || displaced.keyId === keyId || !this.#leave(displaced)) return false;
    displaced.refuse(this.#busy(displaced.candidates, "the queue is full, and this API key has the most requests in it", now));
    return true;
  }

  /** Removes the waiter with its timer; false when it had left already. */
  #leave(waiter: Waiter): boolean {
    waiter.detach();
    if (!this.#forget(waiter)) return false;
    this.#queue.leave(waiter);
    this.deps.scheduler.release(waiter.candidates);
    this.#reportPositionsLater();
    return true;
  }

  #remember(waiter: Waiter): void {
    this.#waiters.set(waiter.candidates, (this.#waiters.get(waiter.candidates) ?? new Set()).add(waiter));
  }

  #forget(waiter: Waiter): boolean {
    const waiters = this.#waiters.get(waiter.candidates);
    if (!waiters?.delete(waiter)) return false;
    if (waiters.size === 0) this.#waiters.delete(waiter.candidates);
    return true;
  }

  #serveAll(now: number): void {
    const { scheduler, take, clock } = this.deps;
    const elapsed = monotonicNow(clock);
    const search = {
      isOpen: (candidates: CandidateSet) => candidates.readyCount > 0,
      find: (waiter: Waiter) => scheduler.pick(waiter.candidates, waiter.request, now),
      isServed: ({ request, callDeadline }: Waiter, found: PoolToken) => !this.#isTooLate(found, request, callDeadline),
    };
    for (let next = this.#queue.next(search); next; next = this.#queue.next(search)) {
      const { waiter, found } = next;
      this.#leave(waiter);
      if (search.isServed(waiter, found)) waiter.grant(take(found, waiter.request, Math.round(elapsed - waiter.since)));
      else waiter.refuse(this.#tooLate(waiter.candidates, now));
    }
  }

  #refuseHopeless(now: number): void {
    const elapsed = monotonicNow(this.deps.clock);
    for (const [candidates, waiters] of this.#waiters) {
      if (!candidates.dirty) continue;
      candidates.dirty = false;
      if (candidates.mayGetSlot(NONE)) continue;
      const { soonest } = candidates.availability(NONE, now);
      for (const waiter of [...waiters]) {
        if (soonest - now <= waiter.until - elapsed || !this.#leave(waiter)) continue;
        waiter.refuse(this.deps.refusal(candidates, waiter.request.exclude, now));
      }
    }
  }

  /** The pool wakes by itself only while requests wait: a new one evaluates the time anyway. */
  #setWake(): void {
    const { clock, scheduler } = this.deps;
    const time = this.#queue.size > 0 ? scheduler.nextWake() : null;
    if (this.#wake?.time === time) return;
    this.#wake?.cancel();
    const alarm = () => {
      this.#wake = null;
      this.serve();
      this.#setWake();
    };
    this.#wake = time === null ? null : { time, cancel: clock.after(Math.min(time - clock.now(), LOOK_MS), alarm) };
  }

  #timeOut(waiter: Waiter): void {
    this.serve();
    const { clock } = this.deps;
    const { candidates, request, since } = waiter;
    const now = clock.now();
    if (!this.#waiters.get(candidates)?.has(waiter)) return;
    const error = candidates.mayGetSlot(request.exclude)
      ? this.#busy(candidates, `none came free within ${seconds(monotonicNow(clock) - since)}`, now)
      : null;
    this.#leave(waiter);
    this.#setWake();
    waiter.refuse(error ?? this.deps.refusal(candidates, request.exclude, now));
  }

  #busy(candidates: CandidateSet, why: string, now: number): AppError {
    const message = `All tokens that can serve ${candidates.want.family} are busy: ${why}.`;
    const waiting = this.#waiters.get(candidates)?.size ?? 0;
    return new AppError("busy", message, { retryAfterMs: retryAfterMs(this.deps.latency, candidates, waiting, now) });
  }

  #tooLate(candidates: CandidateSet, now: number): AppError {
    return this.#busy(candidates, "a call that begins now would not end in time", now);
  }

  /** Whether a call on this token would not end in time. */
  #isTooLate({ row }: PoolToken, { kind, family }: ModelCall, deadline: LeaseOptions["deadline"]): boolean {
    if (deadline === undefined) return false;
    return monotonicNow(this.deps.clock) > latestStart(this.deps.latency.most(kind, family, row.provider), deadline);
  }

  #reportPosition(waiter: Waiter, position: number, now: number): void {
    waiter.position = position;
    try {
      waiter.onWait?.(position, estimateWaitMs(this.deps.latency, waiter.candidates, position, now));
    } catch (error) {
      this.deps.log.error("Reporting a queue position failed", { error });
    }
  }

  #reportPositionsLater(): void {
    if (this.#queue.size === 0) return;
    const { clock } = this.deps;
    this.#cancelReport ??= clock.after(REPORT_MS, () => {
      this.#cancelReport = null;
      const now = clock.now();
      this.#queue.inOrder().forEach((waiter, before) => {
        if (waiter.position !== before + 1) this.#reportPosition(waiter, before + 1, now);
      });
    });
  }
}

type ModelCall = Pick<LeaseRequest, "kind" | "family">;

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
