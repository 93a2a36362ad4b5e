// The tokens of the pool and their groups as the store has them; keeps what runs and what is known when rows change.
import type { TokenRow } from "../db/store.ts";
import { HEALTHY, type Health, heldUntil } from "./health.ts";
import { keeperOf, readRecord } from "./health-record.ts";
import { createGroup, createMember, type Group, hasFamily, isOpenFor, knownFamilies, type Member, refreshGroupCaps } from "./member.ts";
import type { Routes } from "./outage.ts";
import { type Counter, parseCaps } from "./quota.ts";
import type { Kind } from "./types.ts";

export type Roster = {
  readonly members: ReadonlyMap<number, Member>;
  load(rows: readonly TokenRow[], now: number): void;
  /** Changes facts of one token in place. */
  change(member: Member, change: Partial<TokenRow>): void;
  /** Lets a removed token go once nothing runs on it. */
  sweep(member: Member): void;
  /** Whether any token or group has own caps. */
  hasCaps(): boolean;
  /** Enabled tokens by the proxy their calls take. */
  routes(): Routes;
  canServe(kind: Kind, family: string, providers?: readonly string[]): boolean;
  families(kind: Kind): Set<string>;
};

type RosterDependencies = {
  /** Called as soon as one token has changed, before the next does. */
  touch(member: Member): void;
  /** What is kept of this token has changed. */
  mark(member: Member): void;
  /** See {@link Member.assumed}. */
  assumed(provider: string): readonly string[] | null;
};

export function createRoster({ touch, mark, assumed }: RosterDependencies): Roster {
  const members = new Map<number, Member>();
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

  function leaveGroup(member: Member, { provider, group: name, id }: TokenRow): void {
    const { group } = member;
    group.members.delete(member);
    if (group.members.size === 0) {
      if (name !== null) groups.delete(`${provider} ${name}`);
      return;
    }
    const keeper = keeperOf(group);
    if (keeper && id < keeper.row.id) mark(keeper);
    recap.add(group);
  }

  function join(member: Member, group: Group): void {
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
    const member = createMember(row, group, assumed(row.provider));
    const record = readRecord(row.health, now);
    member.health = record.token;
    member.families = record.families;
    member.counters = record.days;
    member.lastError = record.lastError;
    members.set(row.id, member);
    if (record.group && record.group.name === row.group) merge(group, record.group, now);
    join(member, group);
    touch(member);
  }

  function update(member: Member, row: TokenRow, now: number): void {
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

  function remove(member: Member): void {
    member.removed = true;
    touch(member);
    leaveGroup(member, member.row);
    sweep(member);
  }

  function sweep(member: Member): void {
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
        const could = (member: Member) =>
          isOpenFor(member, kind) && hasFamily(member, family) && (!providers || providers.includes(member.row.provider));
        serves = [...members.values()].some(could);
        if (facts.serves.size < 1000) facts.serves.set(key, serves);
      }
      return serves;
    },
    families(kind) {
      const found = new Set<string>();
      for (const member of members.values()) {
        if (!isOpenFor(member, kind)) continue;
        for (const family of knownFamilies(member) ?? member.row.allowFamilies)
          if (!found.has(family) && hasFamily(member, family)) found.add(family);
      }
      return found;
    },
  };
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
