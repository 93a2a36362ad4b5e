// Health codec: `TokenRow.health` to and from memory, read tolerantly, so that cooldowns and daily counts survive a restart.

import { isRecord } from "../../../domain/is-record.ts";
import { NONE } from "../own-map.ts";
import type { Group, LastError, PoolToken } from "../pool-token.ts";
import { type Counter, dumpDays, restoreDays } from "../token-quota.ts";
import { type Cooldown, cooldownEnd, HEALTHY, type Health, isHalfOpen, reanchored } from "./cooldown.ts";
import { type HealthReason, isHealthReason } from "./reasons.ts";

/** What was read of one token. `group` holds what its whole group shares, when this token was its owner. */
export type StoredHealth = {
  token: Health;
  families: ReadonlyMap<string, Health>;
  days: ReadonlyMap<string, Counter>;
  lastError: LastError | null;
  group: { name: string | null; health: Health; families: ReadonlyMap<string, Health>; days: ReadonlyMap<string, Counter> } | null;
};

type Json = Record<string, unknown>;

/** Names as stored; they outlive the names in memory. */
type HealthJson = { condition: Cooldown | null; strikes: number; failures: readonly number[] };

const toJson = ({ cooldown, consecutiveFailures, failures }: Health): HealthJson => ({
  condition: cooldown,
  strikes: consecutiveFailures,
  failures,
});

const asObject = (value: unknown): Json => (isRecord(value) ? value : {});
const asTime = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null);

function parseCooldown(value: unknown): Cooldown | null {
  const { state, reason, since, until } = asObject(value);
  if ((state !== "cooling" && state !== "blocked") || !isHealthReason(reason) || asTime(since) === null) return null;
  if (until !== null && asTime(until) === null) return null;
  // Only a block may wait for the operator.
  if (state === "cooling" && until === null) return null;
  return { state, reason, since: since as number, until: until as number | null };
}

function parseOne(value: unknown, now: number): Health {
  const source = asObject(value);
  const cooldown = parseCooldown(source.condition);
  const consecutiveFailures = Math.min(Math.trunc(asTime(source.strikes) ?? 0), 16);
  const failures = Array.isArray(source.failures) ? source.failures.filter((at) => asTime(at) !== null).slice(-5) : [];
  return cooldown || consecutiveFailures || failures.length ? reanchored({ cooldown, consecutiveFailures, failures }, now) : HEALTHY;
}

function parseFamilies(value: unknown, now: number): ReadonlyMap<string, Health> {
  if (value === undefined) return NONE;
  const all = Object.entries(asObject(value)).map(([family, one]) => [family, parseOne(one, now)] as const);
  return new Map(all.filter(([, health]) => health !== HEALTHY));
}

function parseLastError(value: unknown): LastError | null {
  const { at, kind, reason, upstreamStatus } = asObject(value);
  if (asTime(at) === null || typeof kind !== "string") return null;
  return {
    at: at as number,
    kind: kind as LastError["kind"],
    reason: isHealthReason(reason) ? reason : null,
    upstreamStatus: asTime(upstreamStatus),
  };
}

const NOTHING_STORED: StoredHealth = { token: HEALTHY, families: NONE, days: NONE, lastError: null, group: null };

/** Reads `TokenRow.health`; whatever is not understood counts as healthy. */
export function parseHealth(value: unknown, now: number): StoredHealth {
  // Nothing is stored of most tokens.
  if (value === null) return NOTHING_STORED;
  const { token, families, days, lastError, group } = asObject(value);
  const shared = asObject(group);
  const { name } = shared;
  return {
    token: parseOne(token, now),
    families: parseFamilies(families, now),
    days: restoreDays(days, now),
    lastError: parseLastError(lastError),
    group:
      typeof name === "string" || name === null
        ? {
            name,
            health: parseOne(shared.health, now),
            families: parseFamilies(shared.families, now),
            days: restoreDays(shared.days, now),
          }
        : null,
  };
}

const withCooldown = (cooldown: Cooldown): Json => ({ token: toJson({ ...HEALTHY, cooldown }) });

/** `TokenRow.health` of a new token that is blocked. @param since epoch ms */
export const blockedHealth = (reason: HealthReason, since: number): Json => withCooldown({ state: "blocked", reason, since, until: null });

/** `TokenRow.health` of a new token that cools. @param since epoch ms @param until epoch ms */
export const cooledHealth = (reason: HealthReason, since: number, until: number): Json =>
  withCooldown({ state: "cooling", reason, since, until });

/** False for what is over; a half-open breaker and the length of the next cooldown are not. */
function isWorthStoring(health: Health, now: number): boolean {
  return cooldownEnd(health, now) > 0 || isHalfOpen(health, now) || health.consecutiveFailures > 0 || health.failures.length > 0;
}

function familiesJson(families: ReadonlyMap<string, Health>, now: number): Record<string, HealthJson> {
  const stored = [...families].filter(([, health]) => isWorthStoring(health, now));
  return Object.fromEntries(stored.map(([family, health]) => [family, toJson(health)]));
}

const hasAny = (object: object) => Object.keys(object).length > 0;

function serializeGroup(group: Group, now: number): Json | null {
  const families = familiesJson(group.families, now);
  const days = dumpDays(group.counters, now);
  const isStored = isWorthStoring(group.health, now);
  if (!isStored && !hasAny(families) && !hasAny(days)) return null;
  return { name: group.name, ...(isStored && { health: toJson(group.health) }), families, days };
}

/** The token whose row stores what its group shares: the oldest one. */
export function groupOwnerOf(group: Group): PoolToken | null {
  let owner: PoolToken | null = null;
  for (const token of group.tokens) if (!token.removed && (!owner || token.row.id < owner.row.id)) owner = token;
  return owner;
}

/** `TokenRow.health` for this token, or null when there is nothing to remember. */
export function serializeHealth(token: PoolToken, now: number): Json | null {
  const families = familiesJson(token.families, now);
  const days = dumpDays(token.counters, now);
  const group = groupOwnerOf(token.group) === token ? serializeGroup(token.group, now) : null;
  const health: Json = {
    ...(isWorthStoring(token.health, now) && { token: toJson(token.health) }),
    ...(hasAny(families) && { families }),
    ...(hasAny(days) && { days }),
    ...(token.lastError && { lastError: token.lastError }),
    ...(group && { group }),
  };
  return hasAny(health) ? health : null;
}
