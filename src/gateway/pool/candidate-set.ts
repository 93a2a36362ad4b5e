// Candidate set: all tokens that could serve requests of one sort, the ready ones in a heap in order of the strategy.

import type { Random } from "../../clock.ts";
import { createHeap, type Heap } from "../../heap.ts";
import { type Availability, computeAvailability, lacksOnlySlot } from "./availability.ts";
import { BUSY, couldServe, limitOf, type PoolToken, READY, readiness, type Want } from "./pool-token.ts";
import { advance, type Candidate, type Race, type Rank, rankInto, type Strategy } from "./strategies.ts";

/** One token in one set. `state` as from `readiness`. */
type Entry = Rank & { at: number; token: PoolToken; state: number /** Cost of the request at its provider, USD. */; usd: number };

const NONE: readonly Entry[] = [];

/** What holds the candidate sets of a pool. */
type Index = { reindex(token: PoolToken, now: number): void };

export class CandidateSet {
  readonly #entries = new Map<number, Entry>();
  readonly #ready: Heap<Entry> = createHeap<Entry>(comesBefore);
  readonly #race: Race;
  /** The token that is being ranked: one object for all of them. */
  readonly #ranked: Candidate = { id: 0, weight: 0, credits: null, inFlight: 0, limit: 0, used: 0 };
  /** Null once an entry has changed. */
  #availability: Availability | null = null;
  /** Tokens that lack only a slot. */
  busy = 0;
  /** Requests that wait for it; a set with none may be dropped at any time. */
  waiting = 0;
  /** Something but a slot changed since the wait queue last checked its waiters for hope. */
  dirty = false;

  constructor(
    readonly key: string,
    readonly want: Want,
    private strategy: Strategy,
    random: Random,
  ) {
    this.#race = { time: 0, random };
  }

  get readyCount(): number {
    return this.#ready.size();
  }

  /** Adds, moves or removes the token by what it is now. Returns the epoch ms at which to do so again, Infinity for none. */
  update(token: PoolToken, now: number): number {
    let entry = this.#entries.get(token.row.id);
    if (!couldServe(token, this.want)) {
      if (entry) this.#remove(entry);
      return Number.POSITIVE_INFINITY;
    }
    if (!entry) {
      entry = { at: -1, token, state: READY, first: 0, second: 0, usd: this.want.costs?.[token.row.provider] ?? 0 };
      this.#entries.set(token.row.id, entry);
      this.#availability = null;
    }
    const state = readiness(token, this.want, now);
    if (state !== entry.state) this.#setState(entry, state);
    if (state === READY) {
      this.#rank(entry);
      this.#ready.put(entry);
    } else this.#ready.remove(entry);
    return state > 0 ? state : Number.POSITIVE_INFINITY;
  }

  setStrategy(strategy: Strategy): void {
    if (strategy === this.strategy) return;
    this.strategy = strategy;
    for (const entry of this.#entries.values()) {
      if (entry.state !== READY) continue;
      this.#ready.remove(entry);
      this.#rank(entry);
      this.#ready.put(entry);
    }
  }

  /** Whether this token is ready for `want`: evaluated again, because a group's cap may have filled up through another token. */
  isReady(id: number, want: Want, now: number): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && isReadyNow(entry, want, now);
  }

  /** The first ready token outside `exclude`; those found not to be ready any more are reindexed. */
  pickFirst(want: Want, exclude: ReadonlySet<number>, now: number, index: Index): PoolToken | null {
    let skipped: Entry[] | null = null;
    let found: PoolToken | null = null;
    for (let entry = this.#ready.peek(); entry; entry = this.#ready.peek()) {
      const excluded = exclude.has(entry.token.row.id);
      if (!excluded && isReadyNow(entry, want, now)) {
        found = entry.token;
        advance(this.#race, entry, this.strategy);
        break;
      }
      if (!excluded) index.reindex(entry.token, now);
      if (entry.state !== READY) continue;
      this.#ready.remove(entry);
      skipped ??= [];
      skipped.push(entry);
    }
    for (const entry of skipped ?? NONE) {
      this.#rank(entry);
      this.#ready.put(entry);
    }
    return found;
  }

  /** Whether some token outside `exclude` is ready. */
  hasReady(exclude: ReadonlySet<number>): boolean {
    let ready = this.#ready.size();
    for (const id of exclude) if (this.#entries.get(id)?.state === READY) ready--;
    return ready > 0;
  }

  /** Whether some token outside `exclude` lacks only a slot: then a call that ends helps. Never walks the set. */
  mayGetSlot(exclude: ReadonlySet<number>): boolean {
    let slots = this.busy + this.#ready.size();
    for (const id of exclude) if (lacksOnlySlot(this.#entries.get(id)?.state ?? Number.POSITIVE_INFINITY)) slots--;
    return slots > 0;
  }

  /** Of the tokens outside `exclude`. Walks the set only when something in it has changed. */
  availability(exclude: ReadonlySet<number>, now: number): Availability {
    if (exclude.size > 0) return computeAvailability(this.#entries.values(), this.want, exclude, now);
    this.#availability ??= computeAvailability(this.#entries.values(), this.want, exclude, now);
    return this.#availability;
  }

  /** All tokens: the ready ones in the order in which they would be taken, then the others from the soonest on. Walks the set. */
  preview(now: number): { token: PoolToken; state: number }[] {
    const all = [...this.#entries.values()].map((entry) => ({ entry, state: readiness(entry.token, this.want, now) }));
    const place = (state: number) => (state === READY ? -2 : state);
    all.sort((a, b) => place(a.state) - place(b.state) || (comesBefore(a.entry, b.entry) ? -1 : 1));
    return all.map(({ entry, state }) => ({ token: entry.token, state }));
  }

  #setState(entry: Entry, state: number): void {
    if (entry.state === BUSY) this.busy--;
    if (state === BUSY) this.busy++;
    if (state > 0) this.dirty = true;
    this.#availability = null;
    entry.state = state;
  }

  #remove(entry: Entry): void {
    this.#setState(entry, Number.POSITIVE_INFINITY);
    this.#ready.remove(entry);
    this.#entries.delete(entry.token.row.id);
  }

  #rank(entry: Entry): void {
    const { row, used, inFlight } = entry.token;
    const { kind } = this.want;
    const ranked = this.#ranked;
    ranked.id = row.id;
    ranked.weight = row.weight;
    ranked.credits = row.credits;
    ranked.inFlight = inFlight[kind];
    ranked.limit = limitOf(entry.token, kind);
    ranked.used = used;
    rankInto(entry, this.strategy, ranked, this.#race);
  }
}

function comesBefore(a: Entry, b: Entry): boolean {
  const priority = b.token.row.priority - a.token.row.priority;
  if (priority !== 0) return priority < 0;
  if (a.usd !== b.usd) return a.usd < b.usd;
  if (a.first !== b.first) return a.first < b.first;
  return a.second !== b.second ? a.second < b.second : a.token.row.id < b.token.row.id;
}

function isReadyNow(entry: Entry, want: Want, now: number): boolean {
  return entry.state === READY && readiness(entry.token, want, now) === READY;
}
