// What the pool shows of itself: to the admin pages, the command line and the metrics. Pure.

import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { type Cooldown, HEALTHY, type Health, heldUntil, isHalfOpen } from "./health.ts";
import { type Group, type LastError, limitOf, type PoolToken } from "./pool-token.ts";
import { type HealthReason, OPERATOR_ADVICE } from "./reasons.ts";
import { createTokenRegistry } from "./registry.ts";
import type { Cap, DayCount } from "./token-quota.ts";

export type HealthState = "healthy" | "cooling" | "blocked" | "disabled";

/** Times in epoch ms. `message` is English for the operator; translations go by `reason`. */
export type HealthView = {
  state: HealthState;
  reason: HealthReason | "operator" | null;
  message: string;
  since: number | null;
  /** Null: it does not end by itself, or there is nothing to end. */
  until: number | null;
};

/** What holds back one model only; `scope` group when the quota is shared. */
export type ModelCooldown = HealthView & { family: string; scope: "token" | "group" };

export type PoolTokenView = {
  id: number;
  provider: string;
  label: string;
  group: string | null;
  health: HealthView;
  models: ModelCooldown[];
  inFlight: Record<Kind, number>;
  /** Calls at once; -1 unlimited. */
  limit: Record<Kind, number>;
  credits: number | null;
  tier: 0 | 1 | 2 | null;
  /** Families as learned; null: not yet. */
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
  /** The strictest of its members' caps for the group. */
  cap: Cap | null;
  /** Counted against caps of the group in the running Pacific day; null without caps. */
  spentToday: DayCount | null;
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

const NO_MODELS: readonly ModelCooldown[] = [];

const ofCondition = ({ state, reason, since, until }: Cooldown): HealthView => ({
  state,
  reason,
  message: OPERATOR_ADVICE[reason],
  since,
  until,
});

/** The health that holds the token as a whole back the longest: its own, or its group's. */
const longerHealth = ({ health, group }: PoolToken, now: number): Health =>
  heldUntil(group.health, now) > heldUntil(health, now) || (health.condition === null && isHalfOpen(group.health, now))
    ? group.health
    : health;

/** What holds the token as a whole back now; null when nothing does. */
export function heldBy(member: PoolToken, now: number): Cooldown | null {
  const longer = longerHealth(member, now);
  return heldUntil(longer, now) > 0 ? longer.condition : null;
}

/** The state of the token as a whole. */
export function healthView(member: PoolToken, now: number): HealthView {
  if (!member.row.enabled) return disabled;
  const longer = longerHealth(member, now);
  // A half-open breaker is not over: it shows until one call has succeeded.
  const isShown = longer.condition && (heldUntil(longer, now) > 0 || isHalfOpen(longer, now));
  return isShown ? ofCondition(longer.condition!) : healthy;
}

function modelsOf(families: ReadonlyMap<string, Health>, scope: ModelCooldown["scope"], now: number): readonly ModelCooldown[] {
  // The rule; ten thousand tokens are looked at for one page.
  if (families.size === 0) return NO_MODELS;
  const held = [...families].filter(([, health]) => heldUntil(health, now) > 0);
  return held.map(([family, health]) => ({ family, scope, ...ofCondition(health.condition!) }));
}

export function tokenView(member: PoolToken, now: number): PoolTokenView {
  const { row, group } = member;
  const day = member.counters.get("")?.day;
  return {
    id: row.id,
    provider: row.provider,
    label: row.label,
    group: row.group,
    health: healthView(member, now),
    models: [...modelsOf(member.families, "token", now), ...modelsOf(group.families, "group", now)],
    inFlight: { ...member.inFlight },
    limit: { image: limitOf(member, "image"), video: limitOf(member, "video") },
    credits: row.credits,
    tier: row.tier,
    families: row.families,
    usedAt: member.usedAt,
    lastError: member.lastError,
    spentToday: day && day.until > now ? { ...day } : null,
  };
}

/** Groups that have a name, each once; those whose members are all gone are left out. */
export function groupViews(members: Iterable<PoolToken>, now: number): PoolGroupView[] {
  const found = new Map<Group, PoolGroupView>();
  for (const { group, row, removed } of members) {
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
    health: heldUntil(group.health, now) > 0 ? ofCondition(group.health.condition!) : healthy,
    models: [...modelsOf(group.families, "group", now)],
    cap: group.cap,
    spentToday: day && day.until > now ? { ...day } : null,
  };
}

/** Nothing was ever said against it: most tokens, known without making a view. */
const isQuiet = ({ row, health, group }: PoolToken) => row.enabled && health === HEALTHY && group.health === HEALTHY;

/** Tokens by state, cheaply. */
export function countStates(members: Iterable<PoolToken>, now: number): Record<HealthState, number> {
  const tokens = { healthy: 0, cooling: 0, blocked: 0, disabled: 0 };
  for (const member of members) {
    if (!member.removed) tokens[isQuiet(member) ? "healthy" : healthView(member, now).state]++;
  }
  return tokens;
}

/** Enabled tokens that nothing holds back as a whole at `time`, epoch ms. */
export function countUsable(members: Iterable<PoolToken>, time: number): number {
  let usable = 0;
  for (const { row, removed, health, group } of members) {
    if (!removed && row.enabled && heldUntil(health, time) === 0 && heldUntil(group.health, time) === 0) usable++;
  }
  return usable;
}

/** The first `limit` that need the operator. */
export function blockedViews(members: Iterable<PoolToken>, now: number, limit: number): PoolTokenView[] {
  const found: PoolTokenView[] = [];
  for (const member of members) {
    if (found.length === limit) break;
    if (!member.removed && !isQuiet(member) && healthView(member, now).state === "blocked") found.push(tokenView(member, now));
  }
  return found;
}

const nobody = () => {};

/** Tokens as their rows tell, without a pool that runs: what was saved last, in the order of the rows. */
export function viewRows(rows: readonly TokenRow[], now: number): PoolTokenView[] {
  const roster = createTokenRegistry({ touch: nobody, mark: nobody, assumed: () => null, awaitsCheck: () => false, now: () => now });
  roster.load(rows, now);
  return [...roster.members.values()].map((member) => tokenView(member, now));
}
