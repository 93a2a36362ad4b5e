// Health tracker: applies the outcome of a call to the health of token, model and group, and logs new cooldowns.

import type { Random } from "../../../clock.ts";
import type { CooldownRow } from "../../../domain/token.ts";
import type { Log } from "../../../log.ts";
import type { Outcome } from "../lease-contract.ts";
import { NONE, withEntry, withoutEntry } from "../own-map.ts";
import type { Group, Place, PoolToken } from "../pool-token.ts";
import { type Cooldown, HEALTHY, type Health, reanchored } from "./cooldown.ts";
import { afterProxyFailure, isUpstreamResponse, nextHealth, reasonOf } from "./health.ts";
import { groupOwnerOf } from "./health-codec.ts";
import type { HealthWriter } from "./health-writer.ts";
import { afterOverload, afterResponse, afterUnreachable, NETWORK_WORKS, type NetworkState, type Overloads, type Routes } from "./outage.ts";
import { HEALTH_REASONS, type HealthReason, type Scope } from "./reasons.ts";

type Dependencies = {
  random: Random;
  log: Log;
  writer: HealthWriter;
  tokens: ReadonlyMap<number, PoolToken>;
  routes: () => Routes;
  /** Called as soon as one token has changed. */
  reindex(token: PoolToken): void;
  /** The upstream denies a family to some token or group. */
  noteDenied(family: string): void;
  onCooldown?(provider: string, reason: HealthReason): void;
};

/** A call of `token` for `family`, `now` in epoch ms; a family of null is a check of the token alone. */
type Call = { token: PoolToken; family: string | null; now: number };

/** Blocks that a successful check disproves. */
const DISPROVED_BY_CHECK: ReadonlySet<HealthReason> = new Set(["key_invalid", "session_dead", "iam_denied", "api_disabled"]);

export class HealthTracker {
  #network: NetworkState = NETWORK_WORKS;
  readonly #overloads = new Map<string, Overloads>();

  constructor(private readonly deps: Dependencies) {}

  /** Since when our own network is thought to be down, epoch ms; null: it works. */
  get networkDegradedSince(): number | null {
    return this.#network.degradedSince;
  }

  /** How one call ended. */
  reportOutcome(call: Call, outcome: Outcome): void {
    const { token, family, now } = call;
    if (isUpstreamResponse(outcome)) this.#setNetwork(afterResponse(this.#network));
    if (!outcome.ok && outcome.kind === "network") this.#reportUnreachable(token, now);
    if (outcome.ok && isAllWell(token, family)) return;
    const { group } = token;
    const health = {
      token: token.health,
      token_model: token.families.get(family ?? "") ?? HEALTHY,
      group: group.health,
      group_model: group.families.get(family ?? "") ?? HEALTHY,
      location_model: token.place.families.get(family ?? "") ?? HEALTHY,
    };
    const changes = nextHealth(health, outcome, { now, random: this.deps.random, isShared: this.#isShared(call, outcome) });
    for (const [scope, next] of Object.entries(changes) as [Scope, Health][]) {
      if (family === null && isOfModel(scope)) continue;
      this.#apply(token, scope, family, { before: health[scope], after: next });
    }
    if (outcome.ok) return;
    const reason = reasonOf(outcome);
    if (reason === null && outcome.kind !== "network") return;
    token.lastError = { at: now, kind: outcome.kind, reason, upstreamStatus: outcome.upstreamStatus ?? null };
    this.deps.writer.markDirty(token);
  }

  /** How a call without a lease ended: success disproves a block for an invalid key or a dead session. */
  reportCheck(token: PoolToken, outcome: Outcome, now: number): void {
    if (!outcome.ok) {
      this.reportOutcome({ token, family: null, now }, outcome);
      return;
    }
    this.#setNetwork(afterResponse(this.#network));
    const isDisproved = ({ cooldown }: Health) => cooldown !== null && DISPROVED_BY_CHECK.has(cooldown.reason);
    const { group } = token;
    if (isDisproved(group.health)) {
      group.health = HEALTHY;
      this.#reindexGroup(group);
    }
    if (!isDisproved(token.health)) return;
    token.health = HEALTHY;
    this.deps.writer.markDirty(token);
    this.deps.reindex(token);
  }

  /** Ends the cooldown of the token, or of one of its models only, and of its group. */
  clear(token: PoolToken, family?: string): void {
    const { group } = token;
    const clearFamilies = (holder: Pick<PoolToken, "families">) => {
      holder.families = family === undefined ? NONE : withoutEntry(holder.families, family);
    };
    if (family === undefined) token.health = group.health = HEALTHY;
    clearFamilies(token);
    clearFamilies(group);
    clearFamilies(token.place);
    this.deps.reindex(token);
    this.#reindexGroup(group);
    this.#reindexPlace(token.place);
    this.deps.writer.markDirty(token);
  }

  /** The clock was set back to `now` from `before`, epoch ms: no cooldown grows by that. */
  reanchor(now: number, before: number): void {
    const { tokens, writer, reindex } = this.deps;
    for (const token of tokens.values()) {
      for (const holder of [token, token.group, token.place]) {
        if ("health" in holder) holder.health = reanchored(holder.health, now, before);
        for (const [family, health] of holder.families)
          holder.families = withEntry(holder.families, family, reanchored(health, now, before));
      }
    }
    for (const token of tokens.values()) {
      reindex(token);
      writer.markDirty(token);
    }
  }

  #apply(token: PoolToken, scope: Scope, family: string | null, change: { before: Health; after: Health }): void {
    const { cooldown } = change.after;
    if (cooldown && cooldown !== change.before.cooldown) this.#recordCooldown(token, scope, family, cooldown);
    this.#setHealth(token, scope, family ?? "", change.after);
    this.deps.writer.markDirty(token);
  }

  #recordCooldown(token: PoolToken, scope: Scope, family: string | null, cooldown: Cooldown): void {
    const { log, writer } = this.deps;
    const { reason, until } = cooldown;
    writer.markDirty(token, cooldownRow(token, scope, family, cooldown));
    this.deps.onCooldown?.(token.row.provider, reason);
    const ends = until === null ? {} : { until: new Date(until).toISOString() };
    const fields = { tokenId: token.row.id, label: token.row.label, scope, ...(family && { family }), reason, ...ends };
    if (until === null || reason === "billing") log.warn("Token needs the operator", { ...fields, advice: HEALTH_REASONS[reason].advice });
    else log.info("Token cooldown begins", fields);
  }

  #setHealth(token: PoolToken, scope: Scope, family: string, health: Health): void {
    const { group, place } = token;
    if (scope === "token") token.health = health;
    else if (scope === "group") group.health = health;
    else {
      const holder = { token_model: token, group_model: group, location_model: place }[scope];
      holder.families = health === HEALTHY ? withoutEntry(holder.families, family) : withEntry(holder.families, family, health);
      if (health.cooldown?.state === "blocked") this.deps.noteDenied(family);
    }
    if (isOfGroup(scope)) this.#reindexGroup(group);
    else if (scope === "location_model") this.#reindexPlace(place);
    else this.deps.reindex(token);
  }

  #reindexGroup(group: Group): void {
    const owner = groupOwnerOf(group);
    if (owner) this.deps.writer.markDirty(owner);
    for (const token of group.tokens) this.deps.reindex(token);
  }

  /** Its health lasts a minute at most and is not stored. */
  #reindexPlace({ tokens }: Place): void {
    for (const token of tokens) this.deps.reindex(token);
  }

  #setNetwork(next: NetworkState): void {
    const { log } = this.deps;
    const before = this.#network.degradedSince;
    if (next.degradedSince !== null && before === null) {
      log.warn("Network down: no upstream can be reached; no token is at fault", {
        since: new Date(next.degradedSince).toISOString(),
      });
    }
    if (next.degradedSince === null && before !== null) log.info("Network up: upstreams respond again");
    this.#network = next;
  }

  #reportUnreachable(token: PoolToken, now: number): void {
    const call = { tokenId: token.row.id, proxy: token.row.proxy, at: now };
    const { state, verdict } = afterUnreachable(this.#network, call, this.deps.routes());
    this.#setNetwork(state);
    if (verdict === "proxy") {
      const after = afterProxyFailure(token.health, now, this.deps.random);
      this.#apply(token, "token", null, { before: token.health, after });
    }
    if (verdict !== "ours") return;
    // Proxies of tokens that failed before the others did are not at fault either.
    for (const { tokenId } of state.failing) {
      const other = this.deps.tokens.get(tokenId);
      if (other?.health.cooldown?.reason !== "proxy") continue;
      this.#setHealth(other, "token", "", { ...other.health, cooldown: null });
      this.deps.writer.markDirty(other);
    }
  }

  /** Whether the failure is one that other tokens have at the same time. */
  #isShared({ token, family, now }: Call, outcome: Outcome): boolean {
    if (outcome.ok) return false;
    if (!isUpstreamResponse(outcome) && this.#network.degradedSince !== null) return true;
    if (outcome.detail?.reason !== "overloaded" && outcome.detail?.scope !== "upstream") return false;
    const key = `${token.row.provider} ${family}`;
    const { seen, shared } = afterOverload(this.#overloads.get(key) ?? [], token.row.id, now);
    this.#overloads.set(key, seen);
    return shared;
  }
}

/** Whether a success changes nothing. */
const isAllWell = ({ health, families, group, place }: PoolToken, family: string | null): boolean =>
  health === HEALTHY &&
  group.health === HEALTHY &&
  !families.has(family ?? "") &&
  !group.families.has(family ?? "") &&
  !place.families.has(family ?? "");

const isOfGroup = (scope: Scope) => scope === "group" || scope === "group_model";
const isOfModel = (scope: Scope) => scope === "token_model" || scope === "group_model" || scope === "location_model";

function cooldownRow(
  { row, group, place }: PoolToken,
  scope: Scope,
  family: string | null,
  { since, until, reason }: Cooldown,
): CooldownRow {
  const ofGroup = isOfGroup(scope) && group.name !== null ? groupSubject(row.provider, group.name) : tokenSubject(row.id);
  const subject = scope === "location_model" ? place.key : ofGroup;
  return { subject, tokenId: row.id, at: since, family: isOfModel(scope) ? family : null, reason, until };
}

/** Subjects of the cooldown history. */
export const tokenSubject = (id: number): string => `token ${id}`;
export const groupSubject = (provider: string, name: string): string => `group ${provider} ${name}`;
