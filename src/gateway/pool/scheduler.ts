// Answers "which token now?" without walking the pool: per kind of request a lane with its ready tokens in order of the strategy.

import type { Random } from "../../clock.ts";
import { createHeap } from "./heap.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import { BUSY, type CandidateSet, couldServe, type Entry, limitOf, type PoolToken, READY, readiness, type Want } from "./pool-token.ts";
import { advance, type Candidate, rankInto, type Strategy } from "./strategies.ts";

export type PoolIndex = {
  /** The lane of a request, made when there is none. */
  candidateSetOf(request: LeaseRequest, now: number): CandidateSet;
  /** The first by strategy that is ready and not excluded; the preferred one when it is ready. */
  pick(lane: CandidateSet, request: LeaseRequest, now: number): PoolToken | null;
  /** Whether some token outside `exclude` is ready. */
  hasReady(lane: CandidateSet, exclude: ReadonlySet<number>): boolean;
  /** Puts a token where it now belongs, in every lane. */
  touch(member: PoolToken, now: number): void;
  /** Touches every token whose time has come; false when there is none. */
  wake(now: number): boolean;
  /** Epoch ms of the next such time, or null. */
  nextWake(): number | null;
  /** A request begins or ceases to wait in the lane. */
  hold(lane: CandidateSet): void;
  drop(lane: CandidateSet): void;
};

const MAX_LANES = 64;

type IndexDependencies = {
  random: Random;
  strategy: () => Strategy;
  members: ReadonlyMap<number, PoolToken>;
  /** Whether any token or group has own caps: then the cost of a request decides who is ready for it. */
  hasCaps: () => boolean;
};

export function createIndex({ random, strategy, members, hasCaps }: IndexDependencies): PoolIndex {
  /** Least recently used first. */
  const shared = new Map<string, CandidateSet>();
  /** Lanes of requests that wait for one token only, by that token. */
  const pinned = new Map<number, Map<string, CandidateSet>>();
  const alarms = createHeap<PoolToken["alarm"]>((a, b) => a.time < b.time);

  const keyOf = (request: LeaseRequest): string => {
    const { kind, family, providers, minTier, credits, estimate } = request;
    const plan = minTier || credits ? JSON.stringify([minTier, credits]) : "";
    return `${kind} ${family} ${providers.join()} ${plan} ${hasCaps() ? `${estimate.images} ${estimate.usd}` : ""}`;
  };

  function createLane(key: string, request: LeaseRequest, now: number): CandidateSet {
    const { kind, family, providers, minTier, credits, pinned: pin, estimate } = request;
    const lane: CandidateSet = {
      key,
      want: { kind, family, providers, minTier, credits, pinned: pin, estimate },
      entries: new Map(),
      ready: createHeap<Entry>(comesBefore),
      busy: 0,
      waiting: 0,
      stirred: false,
      outlook: null,
      strategy: strategy(),
      race: { time: 0, random },
    };
    const only = pin === undefined ? null : members.get(pin);
    for (const member of only === null ? members.values() : only ? [only] : []) {
      const until = place(lane, member, now);
      if (until < member.alarm.time) setAlarm(member, until);
    }
    return lane;
  }

  function setAlarm(member: PoolToken, time: number): void {
    member.alarm.time = time;
    if (time === Number.POSITIVE_INFINITY) alarms.remove(member.alarm);
    else alarms.put(member.alarm);
  }

  function touch(member: PoolToken, now: number): void {
    let until = Number.POSITIVE_INFINITY;
    for (const lane of shared.values()) until = Math.min(until, place(lane, member, now));
    const own = pinned.get(member.row.id);
    if (own) for (const lane of own.values()) until = Math.min(until, place(lane, member, now));
    if (until !== member.alarm.time) setAlarm(member, until);
  }

  return {
    candidateSetOf(request, now) {
      const key = keyOf(request);
      if (request.pinned !== undefined) return pinned.get(request.pinned)?.get(key) ?? createLane(key, request, now);
      const known = shared.get(key);
      if (known) {
        shared.delete(key);
        shared.set(key, known);
        return known;
      }
      if (shared.size >= MAX_LANES) for (const lane of shared.values()) if (lane.waiting === 0 && shared.delete(lane.key)) break;
      const lane = createLane(key, request, now);
      shared.set(key, lane);
      return lane;
    },
    pick(lane, request, now) {
      if (lane.strategy !== strategy()) reorder(lane, strategy());
      const preferred = request.prefer === undefined ? undefined : lane.entries.get(request.prefer);
      // Requests of one lane may differ in cost, which matters to caps only.
      const want = hasCaps() ? { ...lane.want, estimate: request.estimate } : lane.want;
      const { exclude, avoid } = request;
      const out = avoid && avoid.size > 0 ? new Set([...exclude, ...avoid]) : exclude;
      if (preferred && !out.has(request.prefer!) && isReady(preferred, want, now)) return preferred.member;
      const found = pickFirst(lane, want, out, now, touch);
      return found === null && out !== exclude ? pickFirst(lane, want, exclude, now, touch) : found;
    },
    hasReady(lane, exclude) {
      let ready = lane.ready.size();
      for (const id of exclude) if (lane.entries.get(id)?.state === READY) ready--;
      return ready > 0;
    },
    touch,
    wake(now) {
      const isDue = () => (alarms.peek()?.time ?? Number.POSITIVE_INFINITY) <= now;
      if (!isDue()) return false;
      while (isDue()) touch(alarms.peek()!.member, now);
      return true;
    },
    nextWake: () => alarms.peek()?.time ?? null,
    hold(lane) {
      lane.waiting++;
      const { pinned: pin } = lane.want;
      if (pin === undefined) return;
      if (!pinned.has(pin)) pinned.set(pin, new Map());
      pinned.get(pin)!.set(lane.key, lane);
    },
    drop(lane) {
      lane.waiting--;
      const { pinned: pin } = lane.want;
      if (pin === undefined || lane.waiting > 0) return;
      pinned.get(pin)?.delete(lane.key);
      if (pinned.get(pin)?.size === 0) pinned.delete(pin);
    },
  };
}

const comesBefore = (a: Entry, b: Entry): boolean => {
  const priority = b.member.row.priority - a.member.row.priority;
  if (priority !== 0) return priority < 0;
  if (a.first !== b.first) return a.first < b.first;
  return a.second !== b.second ? a.second < b.second : a.member.row.id < b.member.row.id;
};

function rank(lane: CandidateSet, entry: Entry): void {
  const { row, used, inFlight } = entry.member;
  const { kind } = lane.want;
  const candidate: Candidate = {
    id: row.id,
    weight: row.weight,
    credits: row.credits,
    inFlight: inFlight[kind],
    limit: limitOf(entry.member, kind),
    used,
  };
  rankInto(entry, lane.strategy, candidate, lane.race);
}

/** Puts the token in, at its place, or out of the lane. Returns the epoch ms at which to look again, Infinity for none. */
function place(lane: CandidateSet, member: PoolToken, now: number): number {
  let entry = lane.entries.get(member.row.id);
  if (!couldServe(member, lane.want)) {
    if (entry) leave(lane, entry);
    return Number.POSITIVE_INFINITY;
  }
  if (!entry) {
    entry = { at: -1, member, state: READY, first: 0, second: 0 };
    lane.entries.set(member.row.id, entry);
    lane.outlook = null;
  }
  const state = readiness(member, lane.want, now);
  if (state !== entry.state) moveTo(lane, entry, state);
  if (state === READY) {
    rank(lane, entry);
    lane.ready.put(entry);
  } else lane.ready.remove(entry);
  return state > 0 ? state : Number.POSITIVE_INFINITY;
}

function moveTo(lane: CandidateSet, entry: Entry, state: number): void {
  if (entry.state === BUSY) lane.busy--;
  if (state === BUSY) lane.busy++;
  if (state > 0) lane.stirred = true;
  lane.outlook = null;
  entry.state = state;
}

function leave(lane: CandidateSet, entry: Entry): void {
  moveTo(lane, entry, Number.POSITIVE_INFINITY);
  lane.ready.remove(entry);
  lane.entries.delete(entry.member.row.id);
}

/** Asks again rather than trust the place: a group's cap may have filled up through another token. */
function isReady(entry: Entry, want: Want, now: number): boolean {
  return entry.state === READY && readiness(entry.member, want, now) === READY;
}

function pickFirst(lane: CandidateSet, want: Want, exclude: ReadonlySet<number>, now: number, touch: PoolIndex["touch"]): PoolToken | null {
  const skipped: Entry[] = [];
  let found: PoolToken | null = null;
  for (let entry = lane.ready.peek(); entry; entry = lane.ready.peek()) {
    const excluded = exclude.has(entry.member.row.id);
    if (!excluded && isReady(entry, want, now)) {
      found = entry.member;
      advance(lane.race, entry, lane.strategy);
      break;
    }
    if (!excluded) touch(entry.member, now);
    if (entry.state !== READY) continue;
    lane.ready.remove(entry);
    skipped.push(entry);
  }
  for (const entry of skipped) {
    rank(lane, entry);
    lane.ready.put(entry);
  }
  return found;
}

function reorder(lane: CandidateSet, strategy: Strategy): void {
  lane.strategy = strategy;
  for (const entry of lane.entries.values()) {
    if (entry.state !== READY) continue;
    lane.ready.remove(entry);
    rank(lane, entry);
    lane.ready.put(entry);
  }
}
