// Health and counts that the tokens of a group share, brought together when another token joins. Pure but for the group.

import { cooldownEnd, HEALTHY, type Health } from "./health/cooldown.ts";
import { withEntry } from "./own-map.ts";
import type { Group } from "./pool-token.ts";
import type { Counter } from "./token-quota.ts";

type Shared = { health: Health; families: ReadonlyMap<string, Health>; days: ReadonlyMap<string, Counter> };

/** Adds what another token knew of the group's quota; of two cooldowns the later end wins, of two counts the higher. */
export function mergeInto(group: Group, shared: Shared, now: number): void {
  const later = (a: Health, b: Health) => (cooldownEnd(b, now) > cooldownEnd(a, now) || a === HEALTHY ? b : a);
  group.health = later(group.health, shared.health);
  for (const [family, health] of shared.families)
    group.families = withEntry(group.families, family, later(group.families.get(family) ?? HEALTHY, health));
  for (const [name, counter] of shared.days) {
    const known = group.counters.get(name);
    if (!known || known.day.requests < counter.day.requests) group.counters = withEntry(group.counters, name, counter);
  }
}
