// Token registry: tokens and groups as the store has them; rows may change while calls run, and known health is retained.

import type { Kind } from "../../domain/generation.ts";
import type { TokenRow } from "../../domain/token.ts";
import { mergeInto } from "./group-health.ts";
import { cooldownEnd, HEALTHY, type Health } from "./health/cooldown.ts";
import { groupOwnerOf, parseHealth, type StoredHealth } from "./health/health-codec.ts";
import type { Routes } from "./health/outage.ts";
import type { HealthReason } from "./health/reasons.ts";
import { NONE } from "./own-map.ts";
import { Places } from "./places.ts";
import {
  createGroup,
  createPoolToken,
  type Group,
  hasFamily,
  isGroupCapped,
  isOn,
  isOpenFor,
  type PoolToken,
  refreshGroupCaps,
} from "./pool-token.ts";
import { parseCaps } from "./token-quota.ts";

type Dependencies = {
  /** Called as soon as one token has changed, before the next does. */
  reindex(token: PoolToken): void;
  /** What is stored of this token has changed. */
  markDirty(token: PoolToken): void;
  /** See {@link PoolToken.has}. */
  familiesOf(row: Pick<TokenRow, "provider" | "families">): readonly string[] | null;
  /** See {@link PoolToken.awaitsCheck}. */
  awaitsCheck(): boolean;
  /** Whether the operator paused this provider. */
  isPaused(provider: string): boolean;
  /** Epoch ms. */
  now(): number;
};

/** Entries of the cache of `canServe`. */
const MAX_CACHED = 1000;

export class TokenRegistry {
  readonly #tokens = new Map<number, PoolToken>();
  readonly #groups = new Map<string, Group>();
  readonly #places = new Places();
  /** Families that some token or group was denied at some time: the others need no search. */
  readonly #everDenied = new Set<string>();
  /** Groups whose tokens or tokens' caps have changed. */
  readonly #capsChanged = new Set<Group>();
  /** Valid until a row changes. */
  #cache: { capped?: boolean; routes?: Routes; serves: Map<string, boolean> } = { serves: new Map() };
  #revision = 0;

  constructor(private readonly deps: Dependencies) {}

  /** Removed tokens with calls under way included. */
  get tokens(): ReadonlyMap<number, PoolToken> {
    return this.#tokens;
  }

  /** Null for a removed token too. */
  get(id: number): PoolToken | null {
    const token = this.#tokens.get(id);
    return token && !token.removed ? token : null;
  }

  /** All tokens but removed ones, in the order of their rows. */
  all(): PoolToken[] {
    return [...this.#tokens.values()].filter((token) => !token.removed);
  }

  load(rows: readonly TokenRow[], now: number): void {
    this.#rowsChanged();
    const present = new Set(rows.map((row) => row.id));
    for (const token of [...this.#tokens.values()]) if (!token.removed && !present.has(token.row.id)) this.#remove(token);
    for (const row of rows) {
      const token = this.#tokens.get(row.id);
      if (!token) this.#add(row, now);
      else if (token.removed || !Bun.deepEquals({ ...token.row, health: null }, { ...row, health: null })) this.#update(token, row, now);
    }
    this.#refreshCaps();
  }

  /** Changes facts of one token in place. */
  change(token: PoolToken, change: Partial<TokenRow>): void {
    this.#rowsChanged();
    token.row = { ...token.row, ...change };
    token.has = this.deps.familiesOf(token.row);
    this.deps.reindex(token);
  }

  /** Asks again which families each token has, and which providers are paused. */
  refresh(): void {
    this.#rowsChanged();
    for (const token of this.#tokens.values()) {
      const has = this.deps.familiesOf(token.row);
      const paused = this.deps.isPaused(token.row.provider);
      if (paused === token.paused && Bun.deepEquals(has, token.has)) continue;
      token.has = has;
      token.paused = paused;
      this.deps.reindex(token);
    }
  }

  /** Deletes a removed token once its last call has ended. */
  sweep(token: PoolToken): void {
    if (token.removed && token.inFlight.image + token.inFlight.video === 0) this.#tokens.delete(token.row.id);
  }

  /** Whether any token or group has own caps. */
  hasCaps(): boolean {
    this.#cache.capped ??= this.#tokens.values().some(hasOwnCaps);
    return this.#cache.capped;
  }

  /** Enabled tokens by the proxy of their calls. */
  routes(): Routes {
    if (this.#cache.routes) return this.#cache.routes;
    const routes = new Map<string | null, number>();
    for (const token of this.#tokens.values()) {
      const { row, removed } = token;
      if (isOn(token) && !removed) routes.set(row.proxy, (routes.get(row.proxy) ?? 0) + 1);
    }
    this.#cache.routes = routes;
    return routes;
  }

  /** Changes with every row; null where one of the families was ever denied: then the time decides, too. */
  revision(families: readonly string[]): number | null {
    for (const family of families) if (this.#everDenied.has(family)) return null;
    return this.#revision;
  }

  canServe(kind: Kind, family: string, providers?: readonly string[]): boolean {
    const { serves } = this.#cache;
    const key = `${kind} ${family} ${providers?.join() ?? "*"}`;
    let canServe = serves.get(key);
    if (canServe === undefined) {
      canServe = this.#tokens.values().some((token) => hasByFacts(token, kind, family, providers));
      if (serves.size < MAX_CACHED) serves.set(key, canServe);
    }
    return canServe && this.#isAllowed(kind, family, providers);
  }

  families(kind: Kind): Set<string> {
    const found = new Set<string>();
    for (const token of this.#tokens.values()) {
      if (!isOpenFor(token, kind)) continue;
      for (const family of token.has ?? token.row.allowFamilies) if (!found.has(family) && hasFamily(token, family)) found.add(family);
    }
    for (const family of this.#everDenied) if (found.has(family) && !this.#isAllowed(kind, family)) found.delete(family);
    return found;
  }

  /** Why every token that has the family by its facts is denied it by its upstream; null: some token is not, or none has it. */
  deniedFor(kind: Kind, family: string): HealthReason | null {
    if (!this.#everDenied.has(family)) return null;
    const now = this.deps.now();
    const able = [...this.#tokens.values()].filter((token) => hasByFacts(token, kind, family));
    const reasons = able.map((token) => denialOf(token, family, now));
    if (reasons.includes(null)) return null;
    // A reason that the operator can fix comes first.
    return reasons.find((reason) => reason === "limit_zero") ?? reasons[0] ?? null;
  }

  /** Takes stored health in place of what is known; counts of caps stay. */
  takeHealth(token: PoolToken, { token: health, families, lastError, group }: StoredHealth): void {
    Object.assign(token, { health, families, lastError });
    this.#noteDenials(families);
    this.deps.reindex(token);
    if (groupOwnerOf(token.group) !== token) return;
    token.group.health = group?.health ?? HEALTHY;
    token.group.families = group?.families ?? NONE;
    this.#noteDenials(token.group.families);
    for (const other of token.group.tokens) this.deps.reindex(other);
  }

  /** Some token or group was denied this family. */
  noteDenied(family: string): void {
    this.#everDenied.add(family);
  }

  #rowsChanged(): void {
    this.#cache = { serves: new Map() };
    this.#revision++;
  }

  #groupFor({ provider, group: name }: TokenRow): Group {
    if (name === null) return createGroup(null);
    const key = `${provider} ${name}`;
    const group = this.#groups.get(key) ?? createGroup(name);
    if (group.tokens.size === 0) this.#groups.set(key, group);
    return group;
  }

  #leaveGroup(token: PoolToken, { provider, group: name, id }: TokenRow): void {
    const [{ group }, key] = [token, `${provider} ${name}`];
    group.tokens.delete(token);
    if (group.tokens.size === 0) {
      if (this.#groups.get(key) === group) this.#groups.delete(key);
      return;
    }
    // Without it another token may be probed.
    if (token.probing) for (const other of group.tokens) this.deps.reindex(other);
    const owner = groupOwnerOf(group);
    if (owner && id < owner.row.id) this.deps.markDirty(owner);
    this.#capsChanged.add(group);
  }

  #joinGroup(token: PoolToken, group: Group): void {
    token.group = group;
    group.tokens.add(token);
    if (token.caps || isGroupCapped(group)) this.#capsChanged.add(group);
  }

  /** The caps of a group follow from its tokens, and which tokens are ready follows from the caps. */
  #refreshCaps(): void {
    for (const group of this.#capsChanged) {
      const wasCapped = isGroupCapped(group);
      refreshGroupCaps(group);
      if (wasCapped || isGroupCapped(group)) for (const token of group.tokens) this.deps.reindex(token);
    }
    this.#capsChanged.clear();
  }

  #add(row: TokenRow, now: number): void {
    const { familiesOf, awaitsCheck, reindex, isPaused } = this.deps;
    const group = this.#groupFor(row);
    const token = createPoolToken(
      row,
      { group, place: this.#places.of(row) },
      { has: familiesOf(row), awaitsCheck, paused: isPaused(row.provider) },
    );
    const stored = parseHealth(row.health, now);
    token.health = stored.token;
    token.families = stored.families;
    if (stored.families !== NONE) this.#noteDenials(stored.families);
    if (stored.group) this.#noteDenials(stored.group.families);
    token.counters = stored.days;
    token.lastError = stored.lastError;
    this.#tokens.set(row.id, token);
    if (stored.group && stored.group.name === row.group) mergeInto(group, stored.group, now);
    this.#joinGroup(token, group);
    token.place.tokens.add(token);
    reindex(token);
  }

  #noteDenials(families: ReadonlyMap<string, Health>): void {
    for (const [family, { cooldown }] of families) if (cooldown?.state === "blocked") this.#everDenied.add(family);
  }

  #update(token: PoolToken, row: TokenRow, now: number): void {
    const { row: old, group } = token;
    const capsChanged = !Bun.deepEquals(old.caps, row.caps);
    token.row = row;
    token.has = this.deps.familiesOf(row);
    token.removed = false;
    if (capsChanged) token.caps = parseCaps(row.caps);
    this.#places.join(token);
    if (old.group !== row.group || !group.tokens.has(token)) {
      this.#leaveGroup(token, old);
      const next = this.#groupFor(row);
      // A token without a group brings along what it knew of its quota.
      if (group.name === null) mergeInto(next, { health: group.health, families: group.families, days: group.counters }, now);
      this.#joinGroup(token, next);
      this.deps.markDirty(token);
    } else if (capsChanged) this.#capsChanged.add(group);
    this.deps.reindex(token);
  }

  #remove(token: PoolToken): void {
    token.removed = true;
    this.deps.reindex(token);
    this.#leaveGroup(token, token.row);
    this.#places.leave(token);
    this.sweep(token);
  }

  /** Whether some token that has the family may use it now. */
  #isAllowed(kind: Kind, family: string, providers?: readonly string[]): boolean {
    if (!this.#everDenied.has(family)) return true;
    const now = this.deps.now();
    return this.#tokens.values().some((token) => hasByFacts(token, kind, family, providers) && denialOf(token, family, now) === null);
  }
}

const hasOwnCaps = ({ removed, caps }: PoolToken): boolean => !removed && caps !== null;

/** Whether the token could serve the family by what is known of its row. */
function hasByFacts(token: PoolToken, kind: Kind, family: string, providers?: readonly string[]): boolean {
  return isOpenFor(token, kind) && hasFamily(token, family) && (!providers || providers.includes(token.row.provider));
}

/** Why the upstream denies the token this family now: no quota at all, not in its tier, or gone; null: it does not. */
function denialOf({ families, group }: PoolToken, family: string, now: number): HealthReason | null {
  for (const health of [families.get(family), group.families.get(family)])
    if (health?.cooldown?.state === "blocked" && cooldownEnd(health, now) > 0) return health.cooldown.reason;
  return null;
}
