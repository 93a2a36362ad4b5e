// A token inside the pool with what is known of it now, and the two questions of scheduling: could it serve, can it serve at once?

import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { ErrorKind } from "../../errors.ts";
import { HEALTHY, type Health, heldUntil, isHalfOpen } from "./health.ts";
import type { Heap } from "./heap.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import type { Cause, HealthReason } from "./reasons.ts";
import type { Race, Rank, Strategy } from "./strategies.ts";
import { type Cap, type Caps, type Counter, newCounter, parseCaps, roomAt, stricter } from "./token-quota.ts";

export type LastError = { at: number; kind: ErrorKind; reason: HealthReason | null; upstreamStatus: number | null };

/** Tokens that share one upstream quota; a token without a group is alone in one. */
export type Group = {
  /** As the operator named it, or null. */
  name: string | null;
  members: Set<PoolToken>;
  health: Health;
  families: Map<string, Health>;
  /** The strictest of its members' caps for the group. */
  cap: Cap | null;
  models: Map<string, Cap>;
  /** By family; "" counts all of them. */
  counters: Map<string, Counter>;
};

export type PoolToken = {
  row: TokenRow;
  /** Families that a token of this provider is taken to serve before it has learned its own; null: any. */
  assumed: readonly string[] | null;
  /** Whether tokens are checked by themselves: then what is not known yet will be. */
  awaitsCheck: () => boolean;
  caps: Caps | null;
  group: Group;
  health: Health;
  families: Map<string, Health>;
  /** By family; "" counts all of them. */
  counters: Map<string, Counter>;
  inFlight: Record<Kind, number>;
  /** Number of the last lease in the pool's count; 0: never leased. */
  used: number;
  /** Epoch ms of the last lease. */
  usedAt: number | null;
  /** A call is under way that shows whether the token works again. */
  probing: boolean;
  lastError: LastError | null;
  /** Gone from the store; it stays until its calls have ended. */
  removed: boolean;
  /** When something holds it back until a known time: its place among the alarms of the index. */
  alarm: { at: number; time: number; member: PoolToken };
};

/** What a lease needs of a token, for the questions below. */
export type Want = Pick<LeaseRequest, "kind" | "family" | "providers" | "minTier" | "credits" | "pinned" | "estimate">;

/** Nothing holds it back. */
export const READY = 0;
/** Only a free slot is missing. */
export const BUSY = -1;

export function createGroup(name: string | null): Group {
  return { name, members: new Set(), health: HEALTHY, families: new Map(), cap: null, models: new Map(), counters: new Map() };
}

export function createPoolToken(
  row: TokenRow,
  group: Group,
  { assumed, awaitsCheck }: Pick<PoolToken, "assumed" | "awaitsCheck">,
): PoolToken {
  const alarm = { at: -1, time: Number.POSITIVE_INFINITY } as PoolToken["alarm"];
  const member: PoolToken = {
    row,
    assumed,
    awaitsCheck,
    caps: parseCaps(row.caps),
    group,
    health: HEALTHY,
    families: new Map(),
    counters: new Map(),
    inFlight: { image: 0, video: 0 },
    used: 0,
    usedAt: null,
    probing: false,
    lastError: null,
    removed: false,
    alarm,
  };
  alarm.member = member;
  return member;
}

/** Takes the strictest caps of the group's members. */
export function refreshGroupCaps(group: Group): void {
  group.cap = null;
  group.models = new Map();
  for (const { caps } of group.members) {
    if (!caps) continue;
    group.cap = stricter(group.cap, caps.group);
    for (const [family, cap] of caps.groupModels) group.models.set(family, stricter(group.models.get(family) ?? null, cap)!);
  }
}

/** Calls at once that the token bears; -1 unlimited. */
export const limitOf = ({ row }: PoolToken, kind: Kind): number => (kind === "image" ? row.imageConcurrency : row.videoConcurrency);

/** Whether the operator lets the token serve this kind at all. */
export function isOpenFor({ row, removed }: PoolToken, kind: Kind): boolean {
  if (removed || !row.enabled) return false;
  return kind === "image" ? row.imageEnabled && row.imageConcurrency !== 0 : row.videoEnabled && row.videoConcurrency !== 0;
}

/** Families that the token is known or taken to have; null: any. */
export const knownFamilies = ({ row, assumed }: PoolToken): readonly string[] | null => row.families ?? assumed;

/** Whether the token has the model: as learned, before that as assumed, within the operator's lists. */
export function hasFamily(member: PoolToken, family: string): boolean {
  const { row } = member;
  if (knownFamilies(member)?.includes(family) === false) return false;
  if (row.allowFamilies.length > 0 && !row.allowFamilies.includes(family)) return false;
  return !row.denyFamilies.includes(family);
}

/** Whether the token could serve the request at some time: everything but health, caps and slots. */
export function couldServe(member: PoolToken, want: Want): boolean {
  const { row } = member;
  if (!isOpenFor(member, want.kind) || !want.providers.includes(row.provider) || !hasFamily(member, want.family)) return false;
  if (want.pinned !== undefined && want.pinned !== row.id) return false;
  // A plan that no check has told counts as the least; credits that are not known count as enough.
  if ((row.tier ?? 0) < (want.minTier?.[row.provider] ?? 0) && !isPlanPending(member, want)) return false;
  return row.credits === null || row.credits >= (want.credits?.[row.provider] ?? 0);
}

/** How often a token is looked at again whose first check has not ended. */
const PENDING_LOOK_MS = 1_000;

/** Whether the first check decides if the token's plan suffices. */
export function isPlanPending({ row, awaitsCheck }: PoolToken, { minTier }: Want): boolean {
  return row.tier === null && row.checkedAt === null && (minTier?.[row.provider] ?? 0) > 0 && awaitsCheck();
}

/** {@link READY}, {@link BUSY}, or the epoch ms at which the token is to be looked at again; Infinity: it needs the operator. */
export function readiness(member: PoolToken, want: Want, now: number): number {
  const { group } = member;
  let until = heldUntil(member.health, now);
  if (group.health !== HEALTHY) until = Math.max(until, heldUntil(group.health, now));
  if (member.families.size > 0) until = Math.max(until, heldUntil(member.families.get(want.family) ?? HEALTHY, now));
  if (group.families.size > 0) until = Math.max(until, heldUntil(group.families.get(want.family) ?? HEALTHY, now));
  if (member.caps || group.cap || group.models.size > 0) until = Math.max(until, capUntil(member, want, now));
  if (until > 0) return until;
  if (member.row.tier === null && isPlanPending(member, want)) return now + PENDING_LOOK_MS;
  if (isProbed(member, now)) return BUSY;
  const limit = limitOf(member, want.kind);
  return limit !== -1 && member.inFlight[want.kind] >= limit ? BUSY : READY;
}

/** Whether the one call that is to show whether it works again is under way. */
function isProbed(member: PoolToken, now: number): boolean {
  const { group, health } = member;
  if (health.condition !== null && member.probing && isHalfOpen(health, now)) return true;
  return group.health.condition !== null && isHalfOpen(group.health, now) && group.members.values().some(({ probing }) => probing);
}

/** The counters that a call of this family touches, with their caps; created when first needed. */
export function countersFor(member: PoolToken, family: string): { counter: Counter; cap: Cap }[] {
  const { caps, group } = member;
  const found: { counter: Counter; cap: Cap }[] = [];
  const add = (counters: Map<string, Counter>, name: string, cap: Cap | null | undefined) => {
    if (!cap) return;
    const counter = counters.get(name) ?? newCounter();
    counters.set(name, counter);
    found.push({ counter, cap });
  };
  add(member.counters, "", caps?.token);
  add(member.counters, family, caps?.models.get(family));
  add(group.counters, "", group.cap);
  add(group.counters, family, group.models.get(family));
  return found;
}

/** Epoch ms until which own caps hold the token back from this request; 0: not at all. */
export function capUntil(member: PoolToken, want: Want, now: number): number {
  return countersFor(member, want.family).reduce((until, { counter, cap }) => Math.max(until, roomAt(counter, cap, want.estimate, now)), 0);
}

/** The condition that holds the token back the longest from this family, or null. Own caps are not conditions. */
export function governing(member: PoolToken, family: string, now: number): NonNullable<Health["condition"]> | null {
  const { health, families, group } = member;
  const all = [health, group.health, families.get(family) ?? HEALTHY, group.families.get(family) ?? HEALTHY];
  const longest = all.reduce((a, b) => (heldUntil(b, now) > heldUntil(a, now) ? b : a));
  return heldUntil(longest, now) > 0 ? longest.condition : null;
}

/** One token in one lane. `state` as from `readiness`. */
export type Entry = Rank & { at: number; member: PoolToken; state: number };

/** All tokens that could serve requests of one sort, the ready ones in order. */
export type CandidateSet = {
  readonly key: string;
  readonly want: Want;
  readonly entries: Map<number, Entry>;
  readonly ready: Heap<Entry>;
  /** Entries that lack only a slot. */
  busy: number;
  /** Requests that wait in it; a lane with none may be dropped at any time. */
  waiting: number;
  /** Something but a slot changed since it was last looked through. */
  stirred: boolean;
  /** What it gives hope for, as last worked out; null once an entry has changed. */
  outlook: Availability | null;
  strategy: Strategy;
  race: Race;
};

/** What holds back the tokens of a lane that lack more than a slot. */
export type Availability = {
  /** Epoch ms at which the first of the others comes back; Infinity: none by itself. */
  soonest: number;
  /** How many tokens each cause holds back. */
  causes: Record<Cause, number>;
  /** All tokens of the lane, those that lack only a slot included. */
  tokens: number;
  /** The reason that holds back all of them alike; null: there are several, or one of them lacks only a slot. */
  shared: HealthReason | null;
};
