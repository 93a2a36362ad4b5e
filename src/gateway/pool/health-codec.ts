// Health as it is kept in the token table: written compactly, read tolerantly, so that pauses and daily counts survive a restart.

import { type Cooldown, HEALTHY, type Health, heldUntil, isHalfOpen, reanchored } from "./health.ts";
import type { Group, LastError, PoolToken } from "./pool-token.ts";
import { type HealthReason, OPERATOR_ADVICE } from "./reasons.ts";
import { type Counter, dumpDays, restoreDays } from "./token-quota.ts";

/** What was read of one token. `group` holds what its whole group shares, when this token was the one to keep it. */
export type HealthRecord = {
  token: Health;
  families: Map<string, Health>;
  days: Map<string, Counter>;
  lastError: LastError | null;
  group: { name: string | null; health: Health; families: Map<string, Health>; days: Map<string, Counter> } | null;
};

type Json = Record<string, unknown>;

const asObject = (value: unknown): Json => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {});
const asTime = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null);
const asReason = (value: unknown): HealthReason | null =>
  typeof value === "string" && Object.hasOwn(OPERATOR_ADVICE, value) ? (value as HealthReason) : null;

function readCondition(value: unknown): Cooldown | null {
  const { state, reason, since, until } = asObject(value);
  const known = asReason(reason);
  if ((state !== "cooling" && state !== "blocked") || !known || asTime(since) === null) return null;
  if (until !== null && asTime(until) === null) return null;
  // A pause without an end would never end: only a block waits for the operator.
  if (state === "cooling" && until === null) return null;
  return { state, reason: known, since: since as number, until: until as number | null };
}

function readHealth(value: unknown, now: number): Health {
  const source = asObject(value);
  const condition = readCondition(source.condition);
  const strikes = Math.min(Math.trunc(asTime(source.strikes) ?? 0), 16);
  const failures = Array.isArray(source.failures) ? source.failures.filter((at) => asTime(at) !== null).slice(-5) : [];
  return condition || strikes || failures.length ? reanchored({ condition, strikes, failures }, now) : HEALTHY;
}

function readFamilies(value: unknown, now: number): Map<string, Health> {
  const all = Object.entries(asObject(value)).map(([family, one]) => [family, readHealth(one, now)] as const);
  return new Map(all.filter(([, health]) => health !== HEALTHY));
}

function readLastError(value: unknown): LastError | null {
  const { at, kind, reason, upstreamStatus } = asObject(value);
  if (asTime(at) === null || typeof kind !== "string") return null;
  return { at: at as number, kind: kind as LastError["kind"], reason: asReason(reason), upstreamStatus: asTime(upstreamStatus) };
}

/** Reads `TokenRow.health`; whatever is not understood counts as healthy. */
export function readRecord(value: unknown, now: number): HealthRecord {
  const { token, families, days, lastError, group } = asObject(value);
  const shared = asObject(group);
  const { name } = shared;
  return {
    token: readHealth(token, now),
    families: readFamilies(families, now),
    days: restoreDays(days, now),
    lastError: readLastError(lastError),
    group:
      typeof name === "string" || name === null
        ? {
            name,
            health: readHealth(shared.health, now),
            families: readFamilies(shared.families, now),
            days: restoreDays(shared.days, now),
          }
        : null,
  };
}

/** `TokenRow.health` of a token that is blocked from its first day. @param since epoch ms */
export const blockedHealth = (reason: HealthReason, since: number): Json => ({
  token: { ...HEALTHY, condition: { state: "blocked", reason, since, until: null } satisfies Cooldown },
});

/** `TokenRow.health` of a token that cools from its first day. @param since epoch ms @param until epoch ms */
export const cooledHealth = (reason: HealthReason, since: number, until: number): Json => ({
  token: { ...HEALTHY, condition: { state: "cooling", reason, since, until } satisfies Cooldown },
});

/** Leaves out what is over; a breaker that is half-open and the length of the next pause are not. */
function isWorthKeeping(health: Health, now: number): boolean {
  return heldUntil(health, now) > 0 || isHalfOpen(health, now) || health.strikes > 0 || health.failures.length > 0;
}

function familiesOf(families: ReadonlyMap<string, Health>, now: number): Record<string, Health> {
  return Object.fromEntries([...families].filter(([, health]) => isWorthKeeping(health, now)));
}

const hasAny = (object: object) => Object.keys(object).length > 0;

function groupRecord(group: Group, now: number): Json | null {
  const families = familiesOf(group.families, now);
  const days = dumpDays(group.counters, now);
  const isHeld = isWorthKeeping(group.health, now);
  if (!isHeld && !hasAny(families) && !hasAny(days)) return null;
  return { name: group.name, ...(isHeld && { health: group.health }), families, days };
}

/** The token that keeps what its group shares: the oldest one. */
export function groupOwnerOf(group: Group): PoolToken | null {
  let keeper: PoolToken | null = null;
  for (const member of group.members) if (!member.removed && (!keeper || member.row.id < keeper.row.id)) keeper = member;
  return keeper;
}

/** `TokenRow.health` for this token, or null when there is nothing to remember. */
export function writeRecord(member: PoolToken, now: number): Json | null {
  const families = familiesOf(member.families, now);
  const days = dumpDays(member.counters, now);
  const group = groupOwnerOf(member.group) === member ? groupRecord(member.group, now) : null;
  const record: Json = {
    ...(isWorthKeeping(member.health, now) && { token: member.health }),
    ...(hasAny(families) && { families }),
    ...(hasAny(days) && { days }),
    ...(member.lastError && { lastError: member.lastError }),
    ...(group && { group }),
  };
  return hasAny(record) ? record : null;
}
