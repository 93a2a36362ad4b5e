// The tokens of the pool and their groups as the store has them; keeps what runs and what is known when rows change.

import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { HEALTHY, type Health, heldUntil } from "./health.ts";
import { groupOwnerOf, readRecord } from "./health-codec.ts";
import type { Routes } from "./outage.ts";
import {
  createGroup,
  createPoolToken,
  type Group,
  hasFamily,
  isOpenFor,
  knownFamilies,
  type PoolToken,
  refreshGroupCaps,
} from "./pool-token.ts";
import type { HealthReason } from "./reasons.ts";
import { type Counter, parseCaps } from "./token-quota.ts";

export type TokenRegistry = {
  readonly members: ReadonlyMap<number, PoolToken>;
  load(rows: readonly TokenRow[], now: number): void;
  /** Changes facts of one token in place. */
  change(member: PoolToken, change: Partial<TokenRow>): void;
  /** Lets a removed token go once nothing runs on it. */
  sweep(member: PoolToken): void;
  /** Whether any token or group has own caps. */
  hasCaps(): boolean;
  /** Enabled tokens by the proxy their calls take. */
  routes(): Routes;
  canServe(kind: Kind, family: string, providers?: readonly string[]): boolean;
  families(kind: Kind): Set<string>;
  /** Why every token that has the family by its facts is denied it by its upstream; null: some token is not, or none has it. */
  deniedFor(kind: Kind, family: string): HealthReason | null;
  /** Some token or group was denied this family: until then nobody is asked. */
  noteDenied(family: string): void;
};

type RosterDependencies = {
  /** Called as soon as one token has changed, before the next does. */
  touch(member: PoolToken): void;
  /** What is kept of this token has changed. */
  mark(member: PoolToken): void;
  /** See {@link PoolToken.assumed}. */
  assumed(provider: string): readonly string[] | null;
  /** See {@link PoolToken.awaitsCheck}. */
  awaitsCheck(): boolean;
  /** Epoch ms. */
  now(): number;
};

export function createTokenRegistry({ touch, mark, assumed, awaitsCheck, now }: RosterDependencies): TokenRegistry {
  /** Families that some token or group was denied at some time: the others cost no look. */
  const everDenied = new Set<string>();

  const members = new Map<number, PoolToken>();
  const groups = new Map<string, Group>();
  /** Groups whose members or members' caps have changed. */
  const recap = new Set<Group>();
  /** Answers that hold until a row changes. */
  let facts: { capped?: boolean; routes?: Routes; serves: Map<string, boolean> } = { serves: new Map() };

  function groupFor({ provider, group: name }: TokenRow): Group {
    if (name === null) return createGroup(null);
    const key = `${provider} ${name}`;
    const known = groups.get(key);
    if (known) return known;
    const made = createGroup(name);
    groups.set(key, made);
    return made;
  }

  function leaveGroup(member: PoolToken, { provider, group: name, id }: TokenRow): void {
    const { group } = member;
    group.members.delete(member);
    if (group.members.size === 0) {
      if (name !== null) groups.delete(`${provider} ${name}`);
      return;
    }
    const keeper = groupOwnerOf(group);
    if (keeper && id < keeper.row.id) mark(keeper);
    recap.add(group);
  }

  function join(member: PoolToken, group: Group): void {
    member.group = group;
    group.members.add(member);
    if (member.caps || group.cap || group.models.size > 0) recap.add(group);
  }

  /** The caps of a group follow from its members, and who is ready from the caps. */
  function recapAll(): void {
    for (const group of recap) {
      const had = group.cap !== null || group.models.size > 0;
      refreshGroupCaps(group);
      if (had || group.cap !== null || group.models.size > 0) for (const member of group.members) touch(member);
    }
    recap.clear();
  }

  function add(row: TokenRow, now: number): void {
    const group = groupFor(row);
    const member = createPoolToken(row, group, { assumed: assumed(row.provider), awaitsCheck });
    const record = readRecord(row.health, now);
    member.health = record.token;
    member.families = record.families;
    noteAll(record.families);
    if (record.group) noteAll(record.group.families);
    member.counters = record.days;
    member.lastError = record.lastError;
    members.set(row.id, member);
    if (record.group && record.group.name === row.group) merge(group, record.group, now);
    join(member, group);
    touch(member);
  }

  function noteAll(families: ReadonlyMap<string, Health>): void {
    for (const [family, { condition }] of families) if (condition?.state === "blocked") everDenied.add(family);
  }

  /** Whether some token that has the family may use it now. */
  function isAllowed(kind: Kind, family: string, providers?: readonly string[]): boolean {
    if (!everDenied.has(family)) return true;
    const time = now();
    return members.values().some((member) => hasByFacts(member, kind, family, providers) && denialOf(member, family, time) === null);
  }

  function update(member: PoolToken, row: TokenRow, now: number): void {
    const { row: old, group } = member;
    const capsChanged = !Bun.deepEquals(old.caps, row.caps);
    member.row = row;
    member.removed = false;
    if (capsChanged) member.caps = parseCaps(row.caps);
    if (old.group !== row.group || !group.members.has(member)) {
      leaveGroup(member, old);
      const next = groupFor(row);
      // A token that was alone brings along what it knew of its quota.
      if (group.name === null) merge(next, { health: group.health, families: group.families, days: group.counters }, now);
      join(member, next);
      mark(member);
    } else if (capsChanged) recap.add(group);
    touch(member);
  }

  function remove(member: PoolToken): void {
    member.removed = true;
    touch(member);
    leaveGroup(member, member.row);
    sweep(member);
  }

  function sweep(member: PoolToken): void {
    if (member.removed && member.inFlight.image + member.inFlight.video === 0) members.delete(member.row.id);
  }

  return {
    members,
    load(rows, now) {
      facts = { serves: new Map() };
      const present = new Set(rows.map((row) => row.id));
      for (const member of [...members.values()]) if (!member.removed && !present.has(member.row.id)) remove(member);
      for (const row of rows) {
        const member = members.get(row.id);
        if (!member) add(row, now);
        else if (member.removed || !Bun.deepEquals({ ...member.row, health: null }, { ...row, health: null })) update(member, row, now);
      }
      recapAll();
    },
    change(member, change) {
      facts = { serves: new Map() };
      member.row = { ...member.row, ...change };
      touch(member);
    },
    sweep,
    hasCaps: () => (facts.capped ??= [...members.values()].some((member) => !member.removed && member.caps !== null)),
    routes() {
      if (facts.routes) return facts.routes;
      const routes = new Map<string | null, number>();
      for (const { row, removed } of members.values()) {
        if (row.enabled && !removed) routes.set(row.proxy, (routes.get(row.proxy) ?? 0) + 1);
      }
      facts.routes = routes;
      return routes;
    },
    canServe(kind, family, providers) {
      const key = `${kind} ${family} ${providers?.join() ?? "*"}`;
      let serves = facts.serves.get(key);
      if (serves === undefined) {
        serves = members.values().some((member) => hasByFacts(member, kind, family, providers));
        if (facts.serves.size < 1000) facts.serves.set(key, serves);
      }
      return serves && isAllowed(kind, family, providers);
    },
    families(kind) {
      const found = new Set<string>();
      for (const member of members.values()) {
        if (!isOpenFor(member, kind)) continue;
        for (const family of knownFamilies(member) ?? member.row.allowFamilies)
          if (!found.has(family) && hasFamily(member, family)) found.add(family);
      }
      for (const family of everDenied) if (found.has(family) && !isAllowed(kind, family)) found.delete(family);
      return found;
    },
    deniedFor(kind, family) {
      if (!everDenied.has(family)) return null;
      const time = now();
      const able = [...members.values()].filter((member) => hasByFacts(member, kind, family));
      const reasons = able.map((member) => denialOf(member, family, time));
      if (reasons.includes(null)) return null;
      // What the operator can mend is told first.
      return reasons.find((reason) => reason === "limit_zero") ?? reasons[0] ?? null;
    },
    noteDenied: (family) => void everDenied.add(family),
  };
}

/** Whether the token could serve the family by what is known of its row. */
function hasByFacts(member: PoolToken, kind: Kind, family: string, providers?: readonly string[]): boolean {
  return isOpenFor(member, kind) && hasFamily(member, family) && (!providers || providers.includes(member.row.provider));
}

/** Why the upstream denies the token this family now: no quota at all, not in its plan, or gone; null: it does not. */
function denialOf({ families, group }: PoolToken, family: string, time: number): HealthReason | null {
  for (const health of [families.get(family), group.families.get(family)])
    if (health?.condition?.state === "blocked" && heldUntil(health, time) > 0) return health.condition.reason;
  return null;
}

type Shared = { health: Health; families: ReadonlyMap<string, Health>; days: ReadonlyMap<string, Counter> };

/** Adds what another knew of the group's quota; of two conditions the later end stays, of two counts the higher. */
function merge(group: Group, shared: Shared, now: number): void {
  const later = (a: Health, b: Health) => (heldUntil(b, now) > heldUntil(a, now) || a === HEALTHY ? b : a);
  group.health = later(group.health, shared.health);
  for (const [family, health] of shared.families) group.families.set(family, later(group.families.get(family) ?? HEALTHY, health));
  for (const [name, counter] of shared.days) {
    const known = group.counters.get(name);
    if (!known || known.day.requests < counter.day.requests) group.counters.set(name, counter);
  }
}
