// Scheduler: picks the token for a lease without walking the pool, from a candidate set per sort of request.

import type { Random } from "../../clock.ts";
import { createHeap } from "../../heap.ts";
import { CandidateSet } from "./candidate-set.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import type { PoolToken } from "./pool-token.ts";
import type { Strategy } from "./strategies.ts";

const MAX_CANDIDATE_SETS = 64;

type Dependencies = {
  random: Random;
  strategy: () => Strategy;
  tokens: ReadonlyMap<number, PoolToken>;
  /** Whether any token or group has own caps: then the cost of a request decides which tokens are ready for it. */
  hasCaps: () => boolean;
};

export class Scheduler {
  /** Least recently used first. */
  readonly #shared = new Map<string, CandidateSet>();
  /** The last of them, and all: every lease goes through all of them more than once. */
  #latest: CandidateSet | null = null;
  #listed: readonly CandidateSet[] = [];
  /** Sets of requests that wait for one token only, by that token. */
  readonly #pinned = new Map<number, Map<string, CandidateSet>>();
  /** Keys of sets by the list of providers, which the requests of a route share. */
  readonly #keys = new WeakMap<readonly string[], { request: LeaseRequest; key: string }>();
  readonly #alarms = createHeap<PoolToken["alarm"]>((a, b) => a.time < b.time);

  constructor(private readonly deps: Dependencies) {}

  /** The candidate set of a request, created when there is none. */
  candidateSetOf(request: LeaseRequest, now: number): CandidateSet {
    const key = this.#keyOf(request);
    if (request.pinned !== undefined) return this.#pinned.get(request.pinned)?.get(key) ?? this.#create(key, request, now);
    const known = this.#shared.get(key);
    if (known) {
      if (known !== this.#latest) this.#moveToEnd(key, known);
      return known;
    }
    if (this.#shared.size >= MAX_CANDIDATE_SETS) this.#evictOne();
    const candidates = this.#create(key, request, now);
    this.#moveToEnd(key, candidates);
    this.#listed = [...this.#shared.values()];
    return candidates;
  }

  #moveToEnd(key: string, candidates: CandidateSet): void {
    this.#shared.delete(key);
    this.#shared.set(key, candidates);
    this.#latest = candidates;
  }

  /** The first by strategy that is ready and not excluded; the preferred one when it is ready. */
  pick(candidates: CandidateSet, request: LeaseRequest, now: number): PoolToken | null {
    candidates.setStrategy(this.deps.strategy());
    const { exclude, avoid, prefer } = request;
    // Requests of one set may differ in cost, which matters to caps only.
    const want = this.deps.hasCaps() ? { ...candidates.want, estimate: request.estimate } : candidates.want;
    const out = avoid && avoid.size > 0 ? new Set([...exclude, ...avoid]) : exclude;
    if (prefer !== undefined && !out.has(prefer) && candidates.isReady(prefer, want, now)) return this.deps.tokens.get(prefer)!;
    const found = candidates.pickFirst(want, out, now, this);
    return found === null && out !== exclude ? candidates.pickFirst(want, exclude, now, this) : found;
  }

  /** As {@link CandidateSet.preview}, without taking anything. */
  preview(request: LeaseRequest, now: number): { token: PoolToken; state: number }[] {
    const candidates = this.candidateSetOf(request, now);
    candidates.setStrategy(this.deps.strategy());
    return candidates.preview(now);
  }

  /** Updates a token in every candidate set. */
  reindex(token: PoolToken, now: number): void {
    let until = Number.POSITIVE_INFINITY;
    for (const candidates of this.#listed) until = Math.min(until, candidates.update(token, now));
    const own = this.#pinned.get(token.row.id);
    if (own) for (const candidates of own.values()) until = Math.min(until, candidates.update(token, now));
    if (until !== token.alarm.time) this.#setAlarm(token, until);
  }

  /** Reindexes every token whose cooldown or cap is over; false when there is none. */
  wake(now: number): boolean {
    let first = this.#alarms.peek();
    const isDue = first !== undefined && first.time <= now;
    for (; first !== undefined && first.time <= now; first = this.#alarms.peek()) this.reindex(first.token, now);
    return isDue;
  }

  /** Epoch ms of the next such time, or null. */
  nextWake(): number | null {
    return this.#alarms.peek()?.time ?? null;
  }

  /** A request begins to wait for the set, which is retained from now on. */
  retain(candidates: CandidateSet): void {
    candidates.waiting++;
    const { pinned } = candidates.want;
    if (pinned === undefined) return;
    if (!this.#pinned.has(pinned)) this.#pinned.set(pinned, new Map());
    this.#pinned.get(pinned)!.set(candidates.key, candidates);
  }

  /** A request ceases to wait for the set. */
  release(candidates: CandidateSet): void {
    candidates.waiting--;
    const { pinned } = candidates.want;
    if (pinned === undefined || candidates.waiting > 0) return;
    this.#pinned.get(pinned)?.delete(candidates.key);
    if (this.#pinned.get(pinned)?.size === 0) this.#pinned.delete(pinned);
  }

  #keyOf(request: LeaseRequest): string {
    const known = this.#keys.get(request.providers);
    if (known && isOfSameSort(known.request, request) && !this.deps.hasCaps()) return known.key;
    const key = this.#newKey(request);
    if (!this.deps.hasCaps()) this.#keys.set(request.providers, { request, key });
    return key;
  }

  #newKey({ kind, family, providers, minTier, credits, costs, estimate }: LeaseRequest): string {
    const tier = minTier || credits ? JSON.stringify([minTier, credits]) : "";
    return `${kind} ${family} ${providers.join()} ${tier} ${costs ? orderOf(costs) : ""} ${this.deps.hasCaps() ? `${estimate.images} ${estimate.usd}` : ""}`;
  }

  #create(key: string, request: LeaseRequest, now: number): CandidateSet {
    const { kind, family, providers, minTier, credits, pinned, costs, estimate } = request;
    const want = { kind, family, providers, minTier, credits, pinned, costs, estimate };
    const candidates = new CandidateSet(key, want, this.deps.strategy(), this.deps.random);
    const tokens = this.deps.tokens;
    const only = pinned === undefined ? null : tokens.get(pinned);
    for (const token of only === null ? tokens.values() : only ? [only] : []) {
      const until = candidates.update(token, now);
      if (until < token.alarm.time) this.#setAlarm(token, until);
    }
    return candidates;
  }

  /** Drops the least recently used set that no request waits for. */
  #evictOne(): void {
    for (const candidates of this.#shared.values()) if (candidates.waiting === 0 && this.#shared.delete(candidates.key)) return;
  }

  #setAlarm(token: PoolToken, time: number): void {
    token.alarm.time = time;
    if (time === Number.POSITIVE_INFINITY) this.#alarms.remove(token.alarm);
    else this.#alarms.put(token.alarm);
  }
}

/** Whether two requests with the same list of providers have the same key where there are no caps. */
const isOfSameSort = (one: LeaseRequest, other: LeaseRequest): boolean =>
  one.kind === other.kind &&
  one.family === other.family &&
  one.minTier === other.minTier &&
  one.credits === other.credits &&
  one.costs === other.costs;

/** Providers from the cheapest on: requests that order them alike share a set, whatever they cost. */
function orderOf(costs: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(costs).sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return sorted.map(([name, usd], at) => `${at > 0 && sorted[at - 1]![1] === usd ? "=" : "<"}${name}`).join("");
}
