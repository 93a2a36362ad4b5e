// Where requests wait for a token: each is served, refused, timed out or given up exactly once.

import type { Clock } from "../../clock.ts";
import { AppError, serverFailure } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { availabilityOf, mayGetSlot } from "./availability.ts";
import { createQueue } from "./fair-queue.ts";
import type { LatencyEstimate } from "./latency-estimate.ts";
import type { Lease, LeaseOptions, LeaseRequest } from "./lease-contract.ts";
import type { CandidateSet, PoolToken } from "./pool-token.ts";
import type { PoolIndex } from "./scheduler.ts";

type Waiter = {
  keyId: number;
  lane: CandidateSet;
  request: LeaseRequest;
  since: number;
  /** Epoch ms. */
  deadline: number;
  /** When a call of it must have ended. */
  callDeadline: LeaseOptions["deadline"];
  /** As last told. */
  position: number;
  onWait: LeaseOptions["onWait"];
  grant(lease: Lease): void;
  refuse(reason: unknown): void;
  /** Takes back timer and listener. */
  detach(): void;
};

export type WaitQueue = {
  /**
   * Waits for a token of the lane, where none is free now. Rejects at once when waiting is pointless, or when the room is full and no other
   * key has more places in it.
   */
  enter(lane: CandidateSet, request: LeaseRequest, options: LeaseOptions & { waitMs: number }, limit: number): Promise<Lease>;
  /** @throws {AppError} `busy` when a call on this token would not end before the deadline */
  assertInTime(lane: CandidateSet, member: PoolToken, request: LeaseRequest, deadline: LeaseOptions["deadline"], time: number): void;
  /** Serves whoever can be served now, and refuses those who have nothing left to wait for. */
  serve(): void;
  size(): number;
  close(): void;
};

type WaitingRoomDependencies = {
  clock: Clock;
  log: Log;
  index: PoolIndex;
  pace: LatencyEstimate;
  /** The time, with whatever it ends ended. */
  now(): number;
  take(member: PoolToken, request: LeaseRequest, waitedMs: number): Lease;
  refuse(lane: CandidateSet, exclude: ReadonlySet<number>, now: number): AppError;
};

/** How often those who wait are told of a better place, at most. */
const TELL_MS = 250;
const UNKNOWN_PACE_MS = 5_000;
const NOBODY: ReadonlySet<number> = new Set();

export function createWaitQueue({ clock, log, index, pace, now, take, refuse }: WaitingRoomDependencies): WaitQueue {
  const queue = createQueue<Waiter, CandidateSet>();
  const lanes = new Map<CandidateSet, Set<Waiter>>();
  let isServing = false;
  let cancelTelling: (() => void) | null = null;
  let wake: { time: number; cancel: () => void } | null = null;

  function estimate(lane: CandidateSet, position: number, time: number): number | null {
    const { kind, family } = lane.want;
    if (lane.busy > 0) return pace.estimate(kind, family, position, lane.busy);
    const { soonest } = availabilityOf(lane, NOBODY, time);
    return Number.isFinite(soonest) ? soonest - time : null;
  }

  /** When it makes sense to come again: the soonest slot or the end of a pause, at least a second. */
  function retryAfter(lane: CandidateSet, time: number): number {
    const { kind, family } = lane.want;
    const pause = lane.busy > 0 ? Number.POSITIVE_INFINITY : availabilityOf(lane, NOBODY, time).soonest - time;
    const slot = pace.estimate(kind, family, (lanes.get(lane)?.size ?? 0) + 1, lane.busy) ?? UNKNOWN_PACE_MS;
    return Math.max(1_000, Number.isFinite(pause) ? pause : slot);
  }

  function tell(waiter: Waiter, position: number, time: number): void {
    waiter.position = position;
    try {
      waiter.onWait?.(position, estimate(waiter.lane, position, time));
    } catch (error) {
      log.error("Telling a place in the queue failed", { error });
    }
  }

  function tellLater(): void {
    if (queue.size() === 0) return;
    cancelTelling ??= clock.after(TELL_MS, () => {
      cancelTelling = null;
      const time = clock.now();
      queue.inOrder().forEach((waiter, before) => {
        if (waiter.position !== before + 1) tell(waiter, before + 1, time);
      });
    });
  }

  /** Out of the queue and all that belongs to it; false when it was out already. */
  function leave(waiter: Waiter): boolean {
    waiter.detach();
    const place = lanes.get(waiter.lane);
    if (!place?.delete(waiter)) return false;
    if (place.size === 0) lanes.delete(waiter.lane);
    queue.leave(waiter);
    index.drop(waiter.lane);
    tellLater();
    return true;
  }

  function serve(): void {
    if (isServing || queue.size() === 0) return;
    isServing = true;
    try {
      const time = now();
      serveAll(time);
      refuseHopeless(time);
    } finally {
      isServing = false;
      setWake();
    }
  }

  function serveAll(time: number): void {
    const isOpen = (lane: CandidateSet) => lane.ready.size() > 0;
    const find = (waiter: Waiter) => index.pick(waiter.lane, waiter.request, time);
    const isInTime = ({ request, callDeadline }: Waiter, found: PoolToken) => !isTooLate(found, request, callDeadline, time);
    for (let next = queue.next(isOpen, find, isInTime); next; next = queue.next(isOpen, find, isInTime)) {
      const { waiter, found } = next;
      leave(waiter);
      if (!isInTime(waiter, found)) waiter.refuse(tooLate(waiter.lane, time));
      else waiter.grant(take(found, waiter.request, time - waiter.since));
    }
  }

  function refuseHopeless(time: number): void {
    for (const [lane, waiters] of lanes) {
      if (!lane.stirred) continue;
      lane.stirred = false;
      if (mayGetSlot(lane, NOBODY)) continue;
      const { soonest } = availabilityOf(lane, NOBODY, time);
      for (const waiter of [...waiters]) {
        if (soonest > waiter.deadline && leave(waiter)) waiter.refuse(refuse(lane, waiter.request.exclude, time));
      }
    }
  }

  /** Only those who wait need the pool to wake by itself; whoever comes looks at the time. */
  function setWake(): void {
    const time = queue.size() > 0 ? index.nextWake() : null;
    if (wake?.time === time) return;
    wake?.cancel();
    const alarm = () => {
      wake = null;
      serve();
      setWake();
    };
    wake = time === null ? null : { time, cancel: clock.after(time - clock.now(), alarm) };
  }

  function timeOut(waiter: Waiter): void {
    serve();
    const time = clock.now();
    if (!lanes.get(waiter.lane)?.has(waiter)) return;
    const error = mayGetSlot(waiter.lane, waiter.request.exclude)
      ? busy(waiter.lane, `none came free within ${seconds(time - waiter.since)}`, time)
      : null;
    leave(waiter);
    setWake();
    waiter.refuse(error ?? refuse(waiter.lane, waiter.request.exclude, time));
  }

  function busy(lane: CandidateSet, why: string, time: number): AppError {
    const message = `All tokens that can serve ${lane.want.family} are busy: ${why}.`;
    return new AppError("busy", message, { retryAfterMs: retryAfter(lane, time) });
  }

  /** Whether a call on this token would not end in time. */
  function isTooLate({ row }: PoolToken, { kind, family }: LeaseRequest, deadline: LeaseOptions["deadline"], time: number): boolean {
    return deadline !== undefined && time > pace.latestStart(kind, family, [row.provider], deadline);
  }

  const tooLate = (lane: CandidateSet, time: number) => busy(lane, "a call that begins now would not end in time", time);

  /** In a full room the key with the most places gives its newest one to a key that has fewer; false: nobody has to. */
  function makeRoom(keyId: number, time: number): boolean {
    // Two more, so that the two do not push each other out in turns.
    const displaced = queue.newestOfLargest(queue.sizeOf(keyId) + 2);
    if (!displaced || displaced.keyId === keyId || !leave(displaced)) return false;
    displaced.refuse(busy(displaced.lane, "the queue is full, and this API key has the most requests in it", time));
    return true;
  }

  async function enter(...[lane, request, options, limit]: Parameters<WaitQueue["enter"]>): Promise<Lease> {
    const since = clock.now();
    const { kind, family, providers } = lane.want;
    const latest = options.deadline ? pace.latestStart(kind, family, providers, options.deadline) : Number.POSITIVE_INFINITY;
    const waitMs = Math.min(options.waitMs, latest - since);
    const deadline = since + waitMs;
    const isHopeless = !mayGetSlot(lane, request.exclude) && availabilityOf(lane, request.exclude, since).soonest > deadline;
    if (isHopeless) throw refuse(lane, request.exclude, since);
    if (options.waitMs <= 0) throw busy(lane, "waiting is switched off", since);
    if (waitMs <= 0) throw tooLate(lane, since);
    if (queue.size() >= limit && !makeRoom(request.keyId, since)) throw busy(lane, "the queue is full", since);

    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const { signal, onWait } = options;
    const giveUp = () => {
      if (leave(waiter)) reject(signal.reason);
      setWake();
    };
    const cancelTimer = clock.after(waitMs, () => timeOut(waiter));
    const detach = () => {
      cancelTimer();
      signal.removeEventListener("abort", giveUp);
    };
    const { keyId } = request;
    const waiter: Waiter = {
      ...{ keyId, lane, request, since, deadline, callDeadline: options.deadline },
      ...{ position: 0, onWait, grant: resolve, refuse: reject, detach },
    };
    signal.addEventListener("abort", giveUp, { once: true });
    queue.enter(waiter);
    index.hold(lane);
    lanes.set(lane, (lanes.get(lane) ?? new Set()).add(waiter));
    tell(waiter, queue.aheadOfNewest(keyId) + 1, since);
    setWake();
    return promise;
  }

  return {
    enter,
    assertInTime(lane, member, request, deadline, time) {
      if (isTooLate(member, request, deadline, time)) throw tooLate(lane, time);
    },
    serve,
    size: queue.size,
    close() {
      for (const waiter of queue.inOrder()) if (leave(waiter)) waiter.refuse(serverFailure("The server is stopping.", "stopping"));
      cancelTelling?.();
      cancelTelling = null;
      setWake();
    },
  };
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
