// Pool token: a token with its health, caps and calls, and whether it could serve a request, now or at some time.

import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { ErrorKind } from "../../errors.ts";
import { cooldownEnd, HEALTHY, type Health, isHalfOpen } from "./health/cooldown.ts";
import type { HealthReason } from "./health/reasons.ts";
import type { LeaseRequest } from "./lease-contract.ts";
import { NONE, withEntry } from "./own-map.ts";
import { availableAt, type Cap, type Caps, type Counter, newCounter, parseCaps, stricter } from "./token-quota.ts";

export type LastError = { at: number; kind: ErrorKind; reason: HealthReason | null; upstreamStatus: number | null };

/** Tokens that share one upstream quota; a token without a group is alone in one. */
export type Group = {
  /** As the operator named it, or null. */
  name: string | null;
  tokens: Set<PoolToken>;
  health: Health;
  families: ReadonlyMap<string, Health>;
  /** The strictest of its tokens' caps for the group. */
  cap: Cap | null;
  models: ReadonlyMap<string, Cap>;
  /** By family; "" counts all of them. */
  counters: ReadonlyMap<string, Counter>;
};

/** A location of a provider, whose capacity all tokens in it share, whoever owns them. */
export type Place = {
  /** Subject of the cooldown history: `location vertex global`. */
  key: string;
  tokens: Set<PoolToken>;
  families: ReadonlyMap<string, Health>;
};

export type PoolToken = {
  row: TokenRow;
  /** The operator paused its provider. */
  paused: boolean;
  /** Families that it is known or assumed to have: see `familiesOf` of the pool. Null: any. */
  has: readonly string[] | null;
  /** Whether tokens are checked in the background: then facts that are not known yet will be. */
  awaitsCheck: () => boolean;
  caps: Caps | null;
  group: Group;
  place: Place;
  health: Health;
  families: ReadonlyMap<string, Health>;
  /** By family; "" counts all of them. */
  counters: ReadonlyMap<string, Counter>;
  inFlight: Record<Kind, number>;
  /** Number of the last lease in the pool's count; 0: never leased. */
  used: number;
  /** Epoch ms of the last lease. */
  usedAt: number | null;
  /** Kinds whose slots other nodes hold: bits of {@link FULL_ELSEWHERE}. */
  fullElsewhere: number;
  /** A call is under way that probes whether the token works again. */
  probing: boolean;
  lastError: LastError | null;
  /** Deleted from the store; it stays here until its calls have ended. */
  removed: boolean;
  /** The scheduler's timer for the end of a cooldown or cap; `time` in epoch ms, Infinity: none. */
  alarm: { at: number; time: number; token: PoolToken };
};

export const FULL_ELSEWHERE = { image: 1, video: 2 } as const satisfies Record<Kind, number>;

/** What a lease needs of a token. */
export type Want = Pick<LeaseRequest, "kind" | "family" | "providers" | "minTier" | "credits" | "pinned" | "costs" | "estimate">;

/** State of a token that can serve at once. */
export const READY = 0;
/** State of a token whose slots are all taken. */
export const BUSY = -1;

export function createGroup(name: string | null): Group {
  return { name, tokens: new Set(), health: HEALTHY, families: NONE, cap: null, models: NONE, counters: NONE };
}

export function createPoolToken(
  row: TokenRow,
  { group, place }: Pick<PoolToken, "group" | "place">,
  { has, awaitsCheck, paused }: Pick<PoolToken, "has" | "awaitsCheck" | "paused">,
): PoolToken {
  const alarm = { at: -1, time: Number.POSITIVE_INFINITY } as PoolToken["alarm"];
  const token: PoolToken = {
    row,
    paused,
    has,
    awaitsCheck,
    caps: parseCaps(row.caps),
    group,
    place,
    health: HEALTHY,
    families: NONE,
    counters: NONE,
    inFlight: { image: 0, video: 0 },
    used: 0,
    usedAt: null,
    fullElsewhere: 0,
    probing: false,
    lastError: null,
    removed: false,
    alarm,
  };
  alarm.token = token;
  return token;
}

/** Sets the group's caps to the strictest of its tokens'. */
export function refreshGroupCaps(group: Group): void {
  group.cap = null;
  group.models = NONE;
  for (const { caps } of group.tokens) {
    if (!caps) continue;
    group.cap = stricter(group.cap, caps.group);
    for (const [family, cap] of caps.groupModels)
      group.models = withEntry(group.models, family, stricter(group.models.get(family) ?? null, cap)!);
  }
}

/** Whether caps are shared by the whole group. */
export const isGroupCapped = ({ cap, models }: Group): boolean => cap !== null || models.size > 0;

/** Concurrency limit of the token; -1 unlimited. */
export const limitOf = ({ row }: PoolToken, kind: Kind): number => (kind === "image" ? row.imageConcurrency : row.videoConcurrency);

/** Whether the operator lets the token serve: it is enabled, and its provider is not paused. */
export const isOn = ({ row, paused }: Pick<PoolToken, "row" | "paused">): boolean => row.enabled && !paused;

/** Whether the operator lets the token serve this kind at all. */
export function isOpenFor(token: PoolToken, kind: Kind): boolean {
  const { row, removed } = token;
  if (removed || !isOn(token)) return false;
  return kind === "image" ? row.imageEnabled && row.imageConcurrency !== 0 : row.videoEnabled && row.videoConcurrency !== 0;
}

/** Whether the token has the model, within the operator's lists. */
export function hasFamily(token: PoolToken, family: string): boolean {
  const { row } = token;
  if (token.has?.includes(family) === false) return false;
  if (row.allowFamilies.length > 0 && !row.allowFamilies.includes(family)) return false;
  return !row.denyFamilies.includes(family);
}

/** Whether the token could serve the request at some time: everything but health, caps and free slots. */
export function couldServe(token: PoolToken, want: Want): boolean {
  const { row } = token;
  if (!isOpenFor(token, want.kind) || !want.providers.includes(row.provider) || !hasFamily(token, want.family)) return false;
  if (want.pinned !== undefined && want.pinned !== row.id) return false;
  // An unknown tier counts as the lowest; unknown credits count as enough.
  if ((row.tier ?? 0) < (want.minTier?.[row.provider] ?? 0) && !isTierPending(token, want)) return false;
  return row.credits === null || row.credits >= (want.credits?.[row.provider] ?? 0);
}

/** How often a token is checked again while its tier is not known, ms. */
const TIER_RECHECK_MS = 1_000;

/** Whether the token's first check, not ended yet, decides if its tier suffices. */
export function isTierPending({ row, awaitsCheck }: PoolToken, { minTier }: Want): boolean {
  return row.tier === null && row.checkedAt === null && (minTier?.[row.provider] ?? 0) > 0 && awaitsCheck();
}

/** {@link READY}, {@link BUSY}, or the epoch ms at which to check again; Infinity: it needs the operator. */
export function readiness(token: PoolToken, want: Want, now: number): number {
  const { group, place } = token;
  let until = cooldownEnd(token.health, now);
  if (group.health !== HEALTHY) until = Math.max(until, cooldownEnd(group.health, now));
  if (token.families.size > 0) until = Math.max(until, cooldownEnd(token.families.get(want.family) ?? HEALTHY, now));
  if (group.families.size > 0) until = Math.max(until, cooldownEnd(group.families.get(want.family) ?? HEALTHY, now));
  if (place.families.size > 0) until = Math.max(until, cooldownEnd(place.families.get(want.family) ?? HEALTHY, now));
  if (token.caps || isGroupCapped(group)) until = Math.max(until, capEnd(token, want, now));
  if (until > 0) return until;
  if (token.row.tier === null && isTierPending(token, want)) return now + TIER_RECHECK_MS;
  if (isProbeRunning(token, now)) return BUSY;
  if (token.fullElsewhere !== 0 && (token.fullElsewhere & FULL_ELSEWHERE[want.kind]) !== 0) return BUSY;
  const limit = limitOf(token, want.kind);
  return limit !== -1 && token.inFlight[want.kind] >= limit ? BUSY : READY;
}

/** Whether the one call that a half-open token is allowed is under way. */
function isProbeRunning(token: PoolToken, now: number): boolean {
  const { group, health } = token;
  if (health.cooldown !== null && token.probing && isHalfOpen(health, now)) return true;
  return group.health.cooldown !== null && isHalfOpen(group.health, now) && isProbing(group);
}

const isProbing = ({ tokens }: Group) => tokens.values().some(({ probing }) => probing);

/** The counters that a call of this family adds to, with their caps; created when first needed. */
export function countersFor(token: PoolToken, family: string): readonly Counted[] {
  return token.caps || isGroupCapped(token.group) ? cappedBy(token, family) : NOT_CAPPED;
}

type Counted = { counter: Counter; cap: Cap };
const NOT_CAPPED: readonly Counted[] = [];

function cappedBy(token: PoolToken, family: string): Counted[] {
  const { caps, group } = token;
  const found: Counted[] = [];
  const add = (owner: Pick<PoolToken, "counters">, name: string, cap: Cap | null | undefined) => {
    if (!cap) return;
    const counter = owner.counters.get(name) ?? newCounter();
    owner.counters = withEntry(owner.counters, name, counter);
    found.push({ counter, cap });
  };
  add(token, "", caps?.token);
  add(token, family, caps?.models.get(family));
  add(group, "", group.cap);
  add(group, family, group.models.get(family));
  return found;
}

/** Epoch ms at which own caps allow this request; 0: now, Infinity: never. */
export function capEnd(token: PoolToken, want: Want, now: number): number {
  return countersFor(token, want.family).reduce(
    (until, { counter, cap }) => Math.max(until, availableAt(counter, cap, want.estimate, now)),
    0,
  );
}

/** The cooldown of this token for this family that ends last, or null. Own caps are not cooldowns. */
export function longestCooldown(token: PoolToken, family: string, now: number): NonNullable<Health["cooldown"]> | null {
  const { health, families, group, place } = token;
  const ofModel = [families, group.families, place.families].map((held) => held.get(family) ?? HEALTHY);
  const all = [health, group.health, ...ofModel];
  const longest = all.reduce((a, b) => (cooldownEnd(b, now) > cooldownEnd(a, now) ? b : a));
  return cooldownEnd(longest, now) > 0 ? longest.cooldown : null;
}
