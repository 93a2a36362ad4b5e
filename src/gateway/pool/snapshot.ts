// Pool snapshot: views of tokens and groups for the admin pages, the command line and the metrics. Pure.

import type { Kind, Tier } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import type { CooldownCount } from "../../metrics.ts";
import { type Cooldown, cooldownEnd, HEALTHY, type Health, isHalfOpen } from "./health/cooldown.ts";
import { HEALTH_REASONS, type HealthReason, type ShownReason } from "./health/reasons.ts";
import { BUSY, type Group, isOn, type LastError, limitOf, longestCooldown, type PoolToken, READY } from "./pool-token.ts";
import { TokenRegistry } from "./registry.ts";
import type { Cap, DayCount } from "./token-quota.ts";

export type HealthState = "healthy" | "cooling" | "blocked" | "disabled";

/** Times in epoch ms. `message` is English for the operator; translations go by `reason`. */
export type HealthView = {
  state: HealthState;
  reason: ShownReason | null;
  message: string;
  since: number | null;
  /** Null: it does not end by itself, or there is nothing to end. */
  until: number | null;
};

/** A cooldown of one model only; `scope` group when the quota is shared, location when the capacity is. */
export type ModelCooldown = HealthView & { family: string; scope: "token" | "group" | "location" };

export type PoolTokenView = {
  id: number;
  provider: string;
  label: string;
  group: string | null;
  health: HealthView;
  models: readonly ModelCooldown[];
  inFlight: Record<Kind, number>;
  /** Calls at once; -1 unlimited. */
  limit: Record<Kind, number>;
  credits: number | null;
  tier: Tier | null;
  /** Families as known from checks; null: not yet. */
  families: string[] | null;
  usedAt: number | null;
  lastError: LastError | null;
  /** Counted against own caps in the running Pacific day; null without caps. */
  spentToday: DayCount | null;
};

/** Tokens that share one upstream quota, and what they share. */
export type PoolGroupView = {
  provider: string;
  name: string;
  /** Ids of its tokens. */
  members: number[];
  health: HealthView;
  models: ModelCooldown[];
  /** The strictest of its tokens' caps for the group. */
  cap: Cap | null;
  /** Counted against caps of the group in the running Pacific day; null without caps. */
  spentToday: DayCount | null;
};

/** A token that could serve a request, as the admin shows it. */
export type ServingCandidate = {
  provider: string;
  token: { id: number; label: string };
  state: "ready" | "busy" | "waiting";
  /** Why it waits; null: it does not, or its own caps are used up. */
  reason: HealthReason | null;
  /** Epoch ms at which it is back; null: it is there, or only the operator ends it. */
  until: number | null;
  priority: number;
};

export type PoolGauges = {
  inFlight: Record<Kind, number>;
  queued: number;
  tokens: Record<HealthState, number>;
  /** Since when our own network is thought to be down; null: it works. */
  networkDegradedSince: number | null;
};

const healthy: HealthView = { state: "healthy", reason: null, message: "", since: null, until: null };
const disabled: HealthView = { ...healthy, state: "disabled", reason: "operator", message: "Switched off by the operator." };
const paused: HealthView = { ...disabled, reason: "paused", message: "Its provider is paused by the operator." };

const NO_MODELS: readonly ModelCooldown[] = [];

const ofCondition = ({ state, reason, since, until }: Cooldown): HealthView => ({
  state,
  reason,
  message: HEALTH_REASONS[reason].advice,
  since,
  until,
});

/** The health of the token as a whole whose cooldown ends last: its own, or its group's. */
const longerHealth = ({ health, group }: PoolToken, now: number): Health =>
  cooldownEnd(group.health, now) > cooldownEnd(health, now) || (health.cooldown === null && isHalfOpen(group.health, now))
    ? group.health
    : health;

/** The cooldown of the token as a whole; null when there is none. */
export function currentCooldown(token: PoolToken, now: number): Cooldown | null {
  const longer = longerHealth(token, now);
  return cooldownEnd(longer, now) > 0 ? longer.cooldown : null;
}

/** The state of the token as a whole. */
export function healthView(token: PoolToken, now: number): HealthView {
  if (!token.row.enabled) return disabled;
  if (token.paused) return paused;
  const longer = longerHealth(token, now);
  // A half-open breaker is not over: it shows until one call has succeeded.
  const isShown = longer.cooldown && (cooldownEnd(longer, now) > 0 || isHalfOpen(longer, now));
  return isShown ? ofCondition(longer.cooldown!) : healthy;
}

function modelsOf(families: ReadonlyMap<string, Health>, scope: ModelCooldown["scope"], now: number): readonly ModelCooldown[] {
  // Nearly always so, and a page views up to ten thousand tokens.
  if (families.size === 0) return NO_MODELS;
  const held = [...families].filter(([, health]) => cooldownEnd(health, now) > 0);
  return held.map(([family, health]) => ({ family, scope, ...ofCondition(health.cooldown!) }));
}

const heldModels = ({ families, group, place }: PoolToken, now: number): readonly ModelCooldown[] =>
  families.size + group.families.size + place.families.size === 0
    ? NO_MODELS
    : [...modelsOf(families, "token", now), ...modelsOf(group.families, "group", now), ...modelsOf(place.families, "location", now)];

/** What lists of all tokens search and sort by. */
export type TokenState = { row: TokenRow; view: Pick<PoolTokenView, "health" | "models" | "usedAt" | "credits"> };

/** Of ten thousand tokens on a page fifty are shown: only those are viewed whole. */
export function tokenState(token: PoolToken, now: number): TokenState {
  const { row, usedAt } = token;
  const health = isQuiet(token) ? healthy : healthView(token, now);
  return { row, view: { health, models: heldModels(token, now), usedAt, credits: row.credits } };
}

export function tokenView(token: PoolToken, now: number): PoolTokenView {
  const { row } = token;
  const day = token.counters.get("")?.day;
  return {
    id: row.id,
    provider: row.provider,
    label: row.label,
    group: row.group,
    health: healthView(token, now),
    models: heldModels(token, now),
    inFlight: { ...token.inFlight },
    limit: { image: limitOf(token, "image"), video: limitOf(token, "video") },
    credits: row.credits,
    tier: row.tier,
    families: row.families,
    usedAt: token.usedAt,
    lastError: token.lastError,
    spentToday: day && day.until > now ? { ...day } : null,
  };
}

/** @param state as from `readiness` */
export function servingCandidate(token: PoolToken, family: string, state: number, now: number): ServingCandidate {
  const { id, label, provider, priority } = token.row;
  const isWaiting = state !== READY && state !== BUSY;
  return {
    provider,
    token: { id, label },
    state: state === READY ? "ready" : state === BUSY ? "busy" : "waiting",
    reason: isWaiting ? (longestCooldown(token, family, now)?.reason ?? null) : null,
    until: isWaiting && Number.isFinite(state) ? state : null,
    priority,
  };
}

/** Groups that have a name, each once; those whose tokens are all removed are left out. */
export function groupViews(all: Iterable<PoolToken>, now: number): PoolGroupView[] {
  const found = new Map<Group, PoolGroupView>();
  for (const { group, row, removed } of all) {
    if (removed || group.name === null) continue;
    const known = found.get(group);
    if (known) known.members.push(row.id);
    else found.set(group, groupView(group, group.name, row, now));
  }
  return [...found.values()];
}

function groupView(group: Group, name: string, { provider, id }: TokenRow, now: number): PoolGroupView {
  const day = group.counters.get("")?.day;
  return {
    provider,
    name,
    members: [id],
    health: cooldownEnd(group.health, now) > 0 ? ofCondition(group.health.cooldown!) : healthy,
    models: [...modelsOf(group.families, "group", now)],
    cap: group.cap,
    spentToday: day && day.until > now ? { ...day } : null,
  };
}

/** Most tokens: their state is known without a view. */
export const isQuiet = (token: PoolToken) => isOn(token) && token.health === HEALTHY && token.group.health === HEALTHY;

/** Tokens by state, cheaply. */
export function countStates(all: Iterable<PoolToken>, now: number): Record<HealthState, number> {
  const tokens = { healthy: 0, cooling: 0, blocked: 0, disabled: 0 };
  for (const token of all) {
    if (!token.removed) tokens[isQuiet(token) ? "healthy" : healthView(token, now).state]++;
  }
  return tokens;
}

/** Enabled tokens that cool down or are blocked as a whole, by provider and reason. */
export function countCooldowns(all: Iterable<PoolToken>, now: number): CooldownCount[] {
  const found = new Map<string, CooldownCount>();
  for (const token of all) {
    if (token.removed || !isOn(token) || isQuiet(token)) continue;
    const { reason } = healthView(token, now);
    if (reason === null) continue;
    const { provider } = token.row;
    const known = found.get(`${provider} ${reason}`);
    if (known) known.count++;
    else found.set(`${provider} ${reason}`, { provider, reason, count: 1 });
  }
  return [...found.values()];
}

/** Enabled tokens without a cooldown of the whole token at `time`, epoch ms. */
export function countUsable(all: Iterable<PoolToken>, time: number): number {
  let usable = 0;
  for (const token of all) {
    const { removed, health, group } = token;
    if (!removed && isOn(token) && cooldownEnd(health, time) === 0 && cooldownEnd(group.health, time) === 0) usable++;
  }
  return usable;
}

const ignore = () => {};

/** Tokens as their rows say, without a pool that runs: what was saved last, in the order of the rows. */
export function viewRows(rows: readonly TokenRow[], now: number): PoolTokenView[] {
  const registry = new TokenRegistry({
    reindex: ignore,
    markDirty: ignore,
    familiesOf: ({ families }) => families,
    awaitsCheck: () => false,
    isPaused: () => false,
    now: () => now,
  });
  registry.load(rows, now);
  return registry.all().map((token) => tokenView(token, now));
}
