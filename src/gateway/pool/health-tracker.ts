// Lets an outcome take effect: asks the rules of health and outage, keeps what they say, and tells the log.

import type { Random } from "../../clock.ts";
import type { CooldownRow } from "../../domain/token.ts";
import type { Log } from "../../log.ts";
import { afterProxyFailure, type Cooldown, HEALTHY, type Health, hasAnswered, nextHealth, reasonOf, type Scope } from "./health.ts";
import { groupOwnerOf } from "./health-codec.ts";
import type { HealthSaver } from "./health-writer.ts";
import type { Outcome } from "./lease-contract.ts";
import { afterAnswer, afterOverload, afterUnreachable, NETWORK_WORKS, type NetworkState, type Overloads, type Routes } from "./outage.ts";
import type { Group, PoolToken } from "./pool-token.ts";
import { OPERATOR_ADVICE } from "./reasons.ts";

export type HealthTracker = {
  /** One call of `member` for `family` ended like this at `now` (epoch ms); a family of null is a check of the token alone. */
  judge(member: PoolToken, family: string | null, outcome: Outcome, now: number): void;
  /** The operator, or proof that it is over, ends what holds the token (or only one of its models) and its group back. */
  clear(member: PoolToken, family?: string): void;
  /** An upstream answered outside a call for a client: the network works. */
  answered(): void;
  network(): NetworkState;
};

type JudgeDependencies = {
  random: Random;
  log: Log;
  members: ReadonlyMap<number, PoolToken>;
  routes: () => Routes;
  touch(member: PoolToken): void;
  mark: HealthSaver["mark"];
  /** The upstream denies a family to some token or group. */
  denied(family: string): void;
};

export function createHealthTracker({ random, log, members, routes, touch, mark, denied }: JudgeDependencies): HealthTracker {
  let network: NetworkState = NETWORK_WORKS;
  const overloads = new Map<string, Overloads>();

  function touchGroup(group: Group): void {
    const keeper = groupOwnerOf(group);
    if (keeper) mark(keeper);
    for (const member of group.members) touch(member);
  }

  function setHealth(member: PoolToken, scope: Scope, family: string, health: Health): void {
    const { group } = member;
    if (scope === "token") member.health = health;
    else if (scope === "group") group.health = health;
    else {
      const families = scope === "token_model" ? member.families : group.families;
      if (health === HEALTHY) families.delete(family);
      else families.set(family, health);
      if (health.condition?.state === "blocked") denied(family);
    }
    if (scope === "group" || scope === "group_model") touchGroup(group);
    else touch(member);
  }

  /** What begins to hold back is told and stays in the history. */
  function tell(member: PoolToken, scope: Scope, family: string | null, before: Health, after: Health): void {
    const { condition } = after;
    if (!condition || condition === before.condition) return;
    mark(member, pauseOf(member, scope, family, condition));
    const fields = { tokenId: member.row.id, label: member.row.label, scope, family, reason: condition.reason, until: condition.until };
    if (condition.until === null || condition.reason === "billing")
      log.warn("A token needs the operator", { ...fields, advice: OPERATOR_ADVICE[condition.reason] });
    else log.info("A token is held back", fields);
  }

  function setNetwork(next: NetworkState): void {
    if (next.degradedSince !== null && network.degradedSince === null) {
      log.warn("No upstream can be reached: our own network seems to be down; no token is blamed", { since: next.degradedSince });
    }
    if (next.degradedSince === null && network.degradedSince !== null) log.info("Upstreams answer again");
    network = next;
  }

  function judgeUnreachable(member: PoolToken, now: number): void {
    const sighting = { tokenId: member.row.id, proxy: member.row.proxy, at: now };
    const { state, verdict } = afterUnreachable(network, sighting, routes());
    setNetwork(state);
    if (verdict === "proxy") {
      const next = afterProxyFailure(member.health, now, random);
      tell(member, "token", null, member.health, next);
      setHealth(member, "token", "", next);
      mark(member);
    }
    if (verdict !== "ours") return;
    // Those that were blamed before the others failed too.
    for (const { tokenId } of state.failing) {
      const other = members.get(tokenId);
      if (other?.health.condition?.reason !== "proxy") continue;
      setHealth(other, "token", "", { ...other.health, condition: null });
      mark(other);
    }
  }

  /** Whether the failure is one that other tokens have at the same time. */
  function isShared(member: PoolToken, family: string | null, outcome: Outcome, now: number): boolean {
    if (outcome.ok) return false;
    if (!hasAnswered(outcome) && network.degradedSince !== null) return true;
    if (outcome.detail?.reason !== "overloaded" && outcome.detail?.scope !== "upstream") return false;
    const key = `${member.row.provider} ${family}`;
    const { seen, shared } = afterOverload(overloads.get(key) ?? [], member.row.id, now);
    overloads.set(key, seen);
    return shared;
  }

  function judge(member: PoolToken, family: string | null, outcome: Outcome, now: number): void {
    if (hasAnswered(outcome)) setNetwork(afterAnswer(network));
    if (!outcome.ok && outcome.kind === "network") judgeUnreachable(member, now);
    const { group } = member;
    const health = {
      token: member.health,
      token_model: member.families.get(family ?? "") ?? HEALTHY,
      group: group.health,
      group_model: group.families.get(family ?? "") ?? HEALTHY,
    };
    const changes = nextHealth(health, outcome, now, random, isShared(member, family, outcome, now));
    for (const [scope, next] of Object.entries(changes) as [Scope, Health][]) {
      if (family === null && (scope === "token_model" || scope === "group_model")) continue;
      tell(member, scope, family, health[scope], next);
      setHealth(member, scope, family ?? "", next);
      mark(member);
    }
    if (outcome.ok) return;
    const reason = reasonOf(outcome);
    if (reason === null && outcome.kind !== "network") return;
    member.lastError = { at: now, kind: outcome.kind, reason, upstreamStatus: outcome.upstreamStatus ?? null };
    mark(member);
  }

  return {
    judge,
    clear(member, family) {
      const { group } = member;
      const lift = (families: Map<string, Health>) => (family === undefined ? families.clear() : void families.delete(family));
      if (family === undefined) member.health = group.health = HEALTHY;
      lift(member.families);
      lift(group.families);
      touch(member);
      touchGroup(group);
      mark(member);
    },
    answered: () => setNetwork(afterAnswer(network)),
    network: () => network,
  };
}

function pauseOf({ row, group }: PoolToken, scope: Scope, family: string | null, { since, until, reason }: Cooldown): CooldownRow {
  const isShared = scope === "group" || scope === "group_model";
  const ofModel = scope === "token_model" || scope === "group_model";
  const subject = isShared && group.name !== null ? groupSubject(row.provider, group.name) : tokenSubject(row.id);
  return { subject, tokenId: row.id, at: since, family: ofModel ? family : null, reason, until };
}

/** Whom a pause in the history held back. */
export const tokenSubject = (id: number): string => `token ${id}`;
export const groupSubject = (provider: string, name: string): string => `group ${provider} ${name}`;
