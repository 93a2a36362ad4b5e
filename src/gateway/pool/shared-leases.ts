// Leases where nodes share the tokens: each needs a slot from the arbiter; a token whose slots others hold waits a moment.

import { type Clock, monotonicNow } from "../../clock.ts";
import type { SlotCandidate, SlotCap, SlotRequest } from "../../db/shared.ts";
import type { Kind } from "../../domain/generation.ts";
import type { SlotArbiter } from "../nodes/slot-arbiter.ts";
import { isHalfOpen } from "./health/cooldown.ts";
import type { ActiveLeases, HeldLease } from "./lease.ts";
import type { Lease, LeaseOptions, LeaseRequest } from "./lease-contract.ts";
import { nextPacificMidnight } from "./pacific-time.ts";
import { countersFor, FULL_ELSEWHERE, limitOf, type PoolToken } from "./pool-token.ts";
import type { WaitOptions } from "./wait-queue.ts";

type Dependencies = {
  arbiter: SlotArbiter;
  clock: Clock;
  leases: ActiveLeases;
  /** A token that is free as far as this node knows, or null. Throws what a lease throws. */
  pick(request: LeaseRequest, options: LeaseOptions): PoolToken | null;
  /** Waits until a token is free as far as this node knows. */
  wait(request: LeaseRequest, options: WaitOptions): Promise<Lease>;
  reindex(token: PoolToken): void;
  /** Requests that wait may be served. */
  serve(): void;
};

/** Tokens that the store chooses from. */
const CANDIDATES = 3;
/** A token whose slots were all taken is asked for again after this time, or when a slot comes free. */
const FULL_MS = 250;

export class SharedLeases {
  readonly #full = new Set<PoolToken>();
  #cancelClear: (() => void) | null = null;

  constructor(private readonly deps: Dependencies) {}

  /** As `Leases.lease`. */
  async lease(request: LeaseRequest, options: LeaseOptions & { waitMs: number }): Promise<Lease> {
    const { clock, leases, pick, wait } = this.deps;
    const since = monotonicNow(clock);
    // A token that was free as far as this node knew, and was not, costs no turn.
    const ticket = { arrival: null, since };
    for (let isFirst = true; ; isFirst = false) {
      const free = pick(request, options);
      // The wait goes on where it was: what is left of it, at least a moment.
      const waitedMs = Math.round(monotonicNow(clock) - since);
      const waitMs = isFirst ? options.waitMs : Math.max(1, options.waitMs - waitedMs);
      const first = free ? leases.take(free, request, waitedMs) : ((await wait(request, { ...options, waitMs, ticket })) as HeldLease);
      const lease = await this.#confirm(first, request, options);
      if (lease) return lease;
    }
  }

  /**
   * For a request whose admission is asked for at the same time: both share a round of the store. Null, also later: whoever is admitted asks
   * by {@link lease}.
   */
  leaseEarly(request: LeaseRequest, options: LeaseOptions, requestId: string): Promise<Lease | null> | null {
    const free = this.#pickQuietly(request, options);
    if (!free) return null;
    return this.#confirm(this.deps.leases.take(free, request, 0), request, options, requestId).catch(() => null);
  }

  /** What is thrown now is thrown again by who asks after the admission. */
  #pickQuietly(request: LeaseRequest, options: LeaseOptions): PoolToken | null {
    try {
      return this.deps.pick(request, options);
    } catch {
      return null;
    }
  }

  /** Counts a call that already runs upstream. */
  adopt(lease: HeldLease, kind: Kind): HeldLease {
    const candidates = [{ tokenId: lease.tokenId, limit: null, caps: [] }];
    const request = { kind, candidates, images: 0, microUsd: 0, dayUntil: 0 };
    this.deps.arbiter.take(request).then(
      (outcome) => ("refused" in outcome ? undefined : lease.hold(outcome)),
      // It is not counted: one more call may run for a while.
      () => {},
    );
    return lease;
  }

  /** Another node gave slots back. */
  freed(): void {
    this.#cancelClear?.();
    this.#cancelClear = null;
    if (this.#full.size === 0) return;
    for (const token of this.#full) {
      token.fullElsewhere = 0;
      this.deps.reindex(token);
    }
    this.#full.clear();
    this.deps.serve();
  }

  /** The lease with its slot, of its own token or of the next best; null: all of them are full, and marked so. */
  async #confirm(first: HeldLease, request: LeaseRequest, options: LeaseOptions, requestId?: string): Promise<Lease | null> {
    const { arbiter, clock, leases } = this.deps;
    let lease: HeldLease = first;
    try {
      const candidates = this.#candidates(first, request, options);
      const outcome = await arbiter.take({ ...slotRequest(candidates, request, clock.now()), requestId });
      if ("refused" in outcome) {
        if (outcome.refused !== "limit") for (const token of candidates) this.#markFull(token, request.kind);
        await first[Symbol.asyncDispose]();
        return null;
      }
      if (outcome.tokenId !== first.tokenId) {
        const chosen = candidates.find(({ row }) => row.id === outcome.tokenId)!;
        lease = leases.take(chosen, request, first.waitedMs);
        await first[Symbol.asyncDispose]();
      }
      lease.hold(outcome);
      options.signal.throwIfAborted();
      return lease;
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The leased token, and the next best ones where its slots may all be taken. */
  #candidates(first: HeldLease, request: LeaseRequest, options: LeaseOptions): PoolToken[] {
    const found = [first.token];
    if (!isLimited(candidateOf(first.token, request.kind, request.family, this.deps.clock.now()))) return found;
    const exclude = new Set(request.exclude).add(first.tokenId);
    while (found.length < CANDIDATES && request.pinned === undefined) {
      const next = this.deps.pick({ ...request, exclude, prefer: undefined }, { ...options, deadline: undefined });
      if (!next) break;
      found.push(next);
      exclude.add(next.row.id);
    }
    return found;
  }

  #markFull(token: PoolToken, kind: Kind): void {
    token.fullElsewhere |= FULL_ELSEWHERE[kind];
    this.#full.add(token);
    this.deps.reindex(token);
    this.#cancelClear ??= this.deps.clock.after(FULL_MS, () => this.freed());
  }
}

const isLimited = ({ limit, caps }: SlotCandidate) => limit !== null || caps.length > 0;

function slotRequest(tokens: readonly PoolToken[], { kind, family, estimate }: LeaseRequest, now: number): SlotRequest {
  return {
    kind,
    candidates: tokens.map((token) => candidateOf(token, kind, family, now)),
    images: estimate.images,
    microUsd: microUsd(estimate.usd),
    dayUntil: nextPacificMidnight(now),
  };
}

function candidateOf(token: PoolToken, kind: Kind, family: string, now: number): SlotCandidate {
  const limit = limitOf(token, kind);
  // One call shows whether the token works again.
  const isProbed = isHalfOpen(token.health, now) || isHalfOpen(token.group.health, now);
  return { tokenId: token.row.id, limit: isProbed ? 1 : limit === -1 ? null : limit, caps: capsOf(token, family) };
}

function capsOf(token: PoolToken, family: string): SlotCap[] {
  return countersFor(token, family).map(({ cap, counter }) => ({
    counter: nameOf(token, family, counter),
    requestsPerMinute: cap.requestsPerMinute,
    imagesPerMinute: cap.imagesPerMinute,
    requestsPerDay: cap.requestsPerDay,
    microUsdPerDay: cap.usdPerDay === null ? null : microUsd(cap.usdPerDay),
  }));
}

/** The same on every node. */
function nameOf({ row, group, counters }: PoolToken, family: string, counter: object): string {
  const own = `token ${row.id}`;
  if (counters.get("") === counter) return own;
  if (counters.get(family) === counter) return `${own} ${family}`;
  const shared = group.name === null ? `group of ${own}` : `group ${row.provider} ${group.name}`;
  return group.counters.get("") === counter ? shared : `${shared} ${family}`;
}

const microUsd = (usd: number): number => Math.round(usd * 1_000_000);
