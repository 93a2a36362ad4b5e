// Pool watch: wraps the pool of one process and verifies every lease against the pool's contract.

import type { Kind } from "../../src/domain/generation.ts";
import type { TokenRow } from "../../src/domain/token.ts";
import { AppError } from "../../src/errors.ts";
import { CATALOGUE } from "../../src/gateway/models/testing.ts";
import type { Lease, LeaseOptions, LeaseRequest, Leases, Outcome } from "../../src/gateway/pool/lease-contract.ts";
import type { Pool } from "../../src/gateway/pool/pool.ts";
import type { Chronicle } from "./chronicle.ts";
import type { HealthBooks, Token } from "./health-books.ts";
import { LATE_MS } from "./time.ts";

type Asked = {
  number: number;
  request: LeaseRequest;
  candidateSet: string;
  /** Any token of its candidate set may serve: requests of the same set cannot overtake each other. */
  isPlain: boolean;
  /** It stands in the queue. */
  waits: boolean;
  /** When its call must have ended, elapsed ms. */
  callBy: { at: number; wholeMs: number } | null;
  /** Elapsed ms by which it is answered. */
  deadline: number;
  /** Step in which it came. */
  cameIn: number;
};

type Call = { token: Token; kind: Kind; at: number; isProbe: boolean; isCounted: boolean };

export type PoolFigures = { leases: number; waited: number; refused: number; longestQueue: number };

export type PoolWatch = Leases & {
  /** The pool has loaded these rows: rows of tokens that were there before may have changed. */
  loaded(): void;
  /** As {@link Pool.adopt}. */
  adopt(id: number, kind: Kind, family: string): Lease | null;
  /** After every step. */
  verify(): void;
  /** Also what cannot be read without stirring the pool. */
  verifyDeeply(): void;
  open(): number;
  waiting(): number;
  /** The wall clock jumped on or back by `ms`: minutes counted for caps are not comparable for a while. */
  jumped(ms: number): void;
};

type Dependencies = {
  pool: Pool;
  books: HealthBooks;
  chronicle: Chronicle;
  figures: PoolFigures;
  elapsed(): number;
  step(): number;
  now(): number;
  settings(): { wait_ms: number; queue_limit: number };
};

const MINUTE = 60_000;
/** After so long the pool has acted on whatever ended: at the last moment at which a timer may come, others of that moment may come before it. */
const SETTLED_MS = LATE_MS + 1;
/** After so long the pool has noticed that the clock was set on. */
const NOTICED_MS = 1_000 + SETTLED_MS;
/** A request with more of its time left than this has not waited. */
const MOST_OF_TIME = 0.97;

export function watchPool({ pool, books, chronicle, figures, elapsed, step, now, settings }: Dependencies): PoolWatch {
  const { note } = chronicle;
  const assert: Chronicle["assert"] = chronicle.assert;
  const asked = new Set<Asked>();
  const calls = new Set<Call>();
  /** Calls that count against caps. */
  let counted: Call[] = [];
  let capsKnownFrom = 0;
  /** By how much the wall clock was set on, and until when the pool may not have noticed, elapsed ms. */
  let setOn = { ms: 0, until: 0 };
  let numbers = 0;
  /** Step of the last lease granted from the queue, by key. Within a step the order is not seen. */
  const lastGrants = new Map<number, number>();
  /** To be checked when the step is over. */
  let doubts: (() => void)[] = [];

  const limitOf = (row: TokenRow, kind: Kind) => (kind === "image" ? row.imageConcurrency : row.videoConcurrency);
  const isOpen = (row: TokenRow, kind: Kind) =>
    row.enabled && (kind === "image" ? row.imageEnabled : row.videoEnabled) && limitOf(row, kind) !== 0;

  const inFlight = (token: Token, kind: Kind): number => {
    let count = 0;
    for (const call of calls) if (call.token === token && call.kind === kind) count++;
    return count;
  };
  const isProbed = (token: Token) => [...calls].some((call) => call.token === token && call.isProbe);

  function matches({ row }: Token, { kind, family, providers, minTier, exclude, pinned }: LeaseRequest): boolean {
    if (!isOpen(row, kind) || !providers.includes(row.provider) || exclude.has(row.id)) return false;
    if (CATALOGUE.servedFamilies(row.provider, row.families)?.includes(family) === false || row.denyFamilies.includes(family)) return false;
    return (row.tier ?? 0) >= (minTier?.[row.provider] ?? 0) && (pinned ?? row.id) === row.id;
  }

  type Caps = { requestsPerMinute?: number; group?: { requestsPerMinute?: number } } | null;

  /** Calls of the last minute that the token's cap, or the strictest one for its group, still allows. */
  function capRoom(token: Token, time: number): number {
    const recent = counted.filter(({ at }) => at <= time && time - at < MINUTE);
    const own = (token.row.caps as Caps)?.requestsPerMinute ?? Number.POSITIVE_INFINITY;
    const ofGroup = [...token.group.members].map((id) => (books.tokens.get(id)?.row.caps as Caps)?.group?.requestsPerMinute);
    const shared = Math.min(Number.POSITIVE_INFINITY, ...ofGroup.filter((cap) => cap !== undefined));
    const used = recent.filter((call) => call.token === token).length;
    const usedByGroup = shared === Number.POSITIVE_INFINITY ? 0 : recent.filter((call) => call.token.group === token.group).length;
    return Math.min(own - used, shared - usedByGroup);
  }

  /** Whether the token could take the request now, beyond doubt. */
  function isEligible(token: Token, request: LeaseRequest, time: number): boolean {
    if (!matches(token, request)) return false;
    const limit = limitOf(token.row, request.kind);
    if (limit !== -1 && inFlight(token, request.kind) >= limit) return false;
    // The timer that is to wake the pool may come late.
    if (books.cooldownEnd(token, request.family, time - SETTLED_MS).until > 0) return false;
    if (books.isHalfOpen(token, time) && isProbed(token)) return false;
    const isCapped = token.row.caps !== null || [...token.group.members].some((id) => books.tokens.get(id)?.row.caps);
    return !isCapped || (elapsed() >= capsKnownFrom && capRoom(token, time - SETTLED_MS) > 0 && capRoom(token, time) > 0);
  }

  function isOvertaken(one: Asked, other: Asked): boolean {
    return one !== other && one.isPlain && one.waits && asked.has(one) && one.candidateSet === other.candidateSet;
  }

  /** Within a key first come first served; between keys by turns; nobody who has just come before those who wait. */
  function checkTurn(one: Asked, time: number): void {
    const { keyId } = one.request;
    const earlier = [...asked].filter((other) => isOvertaken(other, one) && other.number < one.number);
    const before = lastGrants.get(keyId) ?? -1;
    const hadTurn = (other: Asked) => (lastGrants.get(other.request.keyId) ?? -1) >= before;
    const passed = earlier.filter((other) => {
      if (!one.waits || (one.isPlain && other.request.keyId === keyId)) return true;
      return other.cameIn < before && !hadTurn(other);
    });
    if (one.waits) lastGrants.set(keyId, step());
    if (passed.length === 0) return;
    doubts.push(() => {
      for (const other of passed) {
        const wasServed = !asked.has(other) || (other.request.keyId !== keyId && one.waits && hadTurn(other));
        assert(wasServed, "Nobody is overtaken and no key starves:", { passed: other.number, by: one.number, time });
      }
    });
  }

  function granted(one: Asked, lease: Lease): Call {
    const time = now();
    const { kind, family } = one.request;
    const token = books.tokens.get(lease.tokenId);
    assert(token !== undefined, "A lease is for a token of the pool:", lease.tokenId);
    note("lease", { number: one.number, key: one.request.keyId, token: token.row.id, family, waited: one.waits });
    assert(matches(token, one.request), "A lease is for a token that can serve:", { token: token.row.id, request: one.number });
    const { until, isFresh } = books.cooldownEnd(token, family, time);
    assert(until === 0 || isFresh, "No token is used while it is held back:", { token: token.row.id, family, forMs: until - time });
    const limit = limitOf(token.row, kind);
    assert(limit === -1 || inFlight(token, kind) < limit, "No token has more calls at once than its limit:", {
      token: token.row.id,
      limit,
    });
    assert(elapsed() < capsKnownFrom || capRoom(token, time) > 0, "No cap is passed:", { token: token.row.id, caps: token.row.caps });
    const isProbe = books.isHalfOpen(token, time);
    assert(!isProbe || !isProbed(token), "A half-open breaker lets one call through at a time:", { token: token.row.id });
    checkTurn(one, time);
    figures.leases++;
    if (one.waits) figures.waited++;
    const call: Call = { token, kind, at: time, isProbe, isCounted: true };
    calls.add(call);
    counted = counted.filter(({ at }) => Math.abs(time - at) < 10 * MINUTE);
    counted.push(call);
    return call;
  }

  function uncount(call: Call): void {
    counted = counted.filter((other) => other !== call);
  }

  /** The same lease, with both ends watched. */
  function watched(lease: Lease, call: Call, family: string): Lease {
    let isReported = false;
    let hasEnded = false;
    return {
      tokenId: lease.tokenId,
      provider: lease.provider,
      label: lease.label,
      proxy: lease.proxy,
      location: lease.location,
      waitedMs: lease.waitedMs,
      sharesAccount: lease.sharesAccount,
      report(outcome) {
        if (isReported || hasEnded) return lease.report(outcome);
        isReported = true;
        note("report", { token: lease.tokenId, family, ok: outcome.ok, kind: outcome.ok ? undefined : outcome.kind });
        if (!wasMade(outcome)) uncount(call);
        // Before the pool acts on it: a probe that succeeded lets the next ones in.
        if (outcome.ok) call.isProbe = false;
        lease.report(outcome);
        books.report(call.token, family, outcome);
      },
      async [Symbol.asyncDispose]() {
        if (!hasEnded) {
          hasEnded = true;
          if (!isReported) uncount(call);
          calls.delete(call);
        }
        await lease[Symbol.asyncDispose]();
      },
    };
  }

  function refused(one: Asked, error: unknown): void {
    const time = now();
    figures.refused++;
    note("no lease", { number: one.number, kind: error instanceof AppError ? error.kind : String(error) });
    if (!(error instanceof AppError) || error.kind === "cancelled" || error.kind === "upstream_timeout") return;
    const isFull = error.kind === "busy" && error.message.includes("queue is full");
    if (isFull && one.waits) {
      const waiting = [...asked].filter(({ waits }) => waits);
      const own = waiting.filter(({ request }) => request.keyId === one.request.keyId).length + 1;
      // Those of this step may have come after it gave way.
      const earlier = Map.groupBy(
        waiting.filter(({ cameIn }) => cameIn < step()),
        ({ request }) => request.keyId,
      );
      const most = Math.max(0, ...[...earlier.values()].map(({ length }) => length));
      assert(own >= most, "In a full queue the key with the most places gives way:", { number: one.number, own, most });
    }
    const isTooLate = error.kind === "busy" && error.message.includes("would not end in time");
    if (isTooLate) {
      const leftMs = one.callBy === null ? null : one.callBy.at - elapsed();
      const isFresh = leftMs === null || leftMs > MOST_OF_TIME * one.callBy!.wholeMs;
      assert(!isFresh, "Nobody is refused for lack of time who has lost none:", { number: one.number, leftMs });
    }
    if (!isFull && !isTooLate) {
      for (const token of books.tokens.values()) {
        const isIdle = isEligible(token, one.request, time);
        assert(!isIdle, "No request is refused while a token could serve:", { number: one.number, token: token.row.id, kind: error.kind });
      }
    }
    if (error.retryAfterMs !== undefined) assert(error.retryAfterMs > 0, "Retry-After lies ahead:", error.retryAfterMs);
  }

  async function lease(request: LeaseRequest, options: LeaseOptions): Promise<Lease> {
    const { kind, family, providers, minTier, estimate, exclude, pinned } = request;
    const candidateSet = JSON.stringify([kind, family, providers, minTier, estimate.images, estimate.usd]);
    const wait = options.waitMs ?? settings().wait_ms;
    const one: Asked = {
      number: ++numbers,
      request,
      candidateSet,
      isPlain: exclude.size === 0 && pinned === undefined,
      waits: false,
      callBy: options.deadline ?? null,
      deadline: elapsed() + wait + LATE_MS,
      cameIn: step(),
    };
    asked.add(one);
    const onWait: LeaseOptions["onWait"] = (position, waitMs) => {
      // Thrown from here it would end in the log of the pool.
      doubts.push(() => assert(position >= 1 && (waitMs === null || waitMs >= 0), "A queue position is valid:", { position, waitMs }));
      one.waits = true;
      figures.longestQueue = Math.max(figures.longestQueue, [...asked].filter(({ waits }) => waits).length);
      options.onWait?.(position, waitMs);
    };
    try {
      const lease = await pool.lease(request, { ...options, onWait });
      asked.delete(one);
      return watched(lease, granted(one, lease), family);
    } catch (error) {
      asked.delete(one);
      refused(one, error);
      throw error;
    }
  }

  function verifyNobodyIsForgotten(): void {
    const time = now() - (elapsed() <= setOn.until ? setOn.ms : 0);
    const reported = new Set<string>();
    for (const one of asked) {
      assert(elapsed() <= one.deadline, "No request waits longer than the longest wait:", { number: one.number });
      if (!one.waits || (one.isPlain && reported.has(one.candidateSet))) continue;
      if (one.isPlain) reported.add(one.candidateSet);
      for (const token of books.tokens.values()) {
        const facts = { number: one.number, token: token.row.id, family: one.request.family };
        assert(!isEligible(token, one.request, time), "No request waits while a token could serve:", facts);
      }
    }
  }

  return {
    soonestMs: (request) => pool.soonestMs(request),
    isFree: (request) => pool.isFree(request),
    canServe: (kind, family, providers) => pool.canServe(kind, family, providers),
    families: (kind) => pool.families(kind),
    deniedFor: (kind, family) => pool.deniedFor(kind, family),
    usualMs: (kind, family) => pool.usualMs(kind, family),
    lease,
    adopt(id, kind, family) {
      const lease = pool.adopt(id, kind, family);
      const token = books.tokens.get(id);
      assert((lease === null) === (token === undefined), "A call is adopted unless its token is gone:", id);
      if (!lease || !token) return null;
      const call: Call = { token, kind, at: now(), isProbe: false, isCounted: false };
      calls.add(call);
      return watched(lease, call, family);
    },
    loaded() {
      // A cap that begins to hold knows nothing of the minute before.
      capsKnownFrom = elapsed() + MINUTE;
    },
    jumped(ms) {
      setOn = { ms: Math.max(0, ms), until: elapsed() + NOTICED_MS };
      counted = counted.filter(({ at }) => at <= now());
      capsKnownFrom = elapsed() + 2 * MINUTE;
    },
    verify() {
      for (const doubt of doubts) doubt();
      doubts = [];
      books.verify();
      if (asked.size > 0) verifyNobodyIsForgotten();
    },
    verifyDeeply() {
      const views = pool.snapshot();
      books.verifyModels(views);
      const gauges = pool.gauges();
      const images = [...calls].filter(({ kind }) => kind === "image").length;
      assert(gauges.inFlight.image === images && gauges.inFlight.video === calls.size - images, "Gauges count the calls:", gauges);
      const waiting = [...asked].filter(({ waits }) => waits).length;
      assert(gauges.queued === waiting, "The queue holds who waits:", { queued: gauges.queued, waiting });
      for (const view of views) {
        const token = books.tokens.get(view.id)!;
        for (const kind of ["image", "video"] as const) {
          assert(view.inFlight[kind] === inFlight(token, kind), "A token's slots are its calls:", { token: view.id, kind });
        }
      }
    },
    open: () => calls.size,
    waiting: () => asked.size,
  };
}

/** Whether the upstream counts the call. */
function wasMade(outcome: Outcome): boolean {
  return outcome.ok || outcome.charged || (outcome.kind !== "network" && outcome.kind !== "cancelled");
}
