// Tokens that are held back, by provider and reason, and the tokens of each provider by state. Pure; one walk over the pool.

import { omit } from "../../domain/omit.ts";
import { cooldownEnd, HEALTHY, type Health } from "./health/cooldown.ts";
import type { HealthReason } from "./health/reasons.ts";
import type { PoolToken } from "./pool-token.ts";
import { type HealthState, healthView, isQuiet, type TokenState } from "./snapshot.ts";

/** Tokens of one provider that are held back for one reason: as a whole, or only some of their models. Times are epoch ms. */
export type HeldTokens = {
  provider: string;
  scope: "token" | "model";
  state: "cooling" | "blocked";
  reason: HealthReason;
  count: number;
  /** The first of them by id, {@link MAX_NAMED} at most. */
  named: { id: number; label: string }[];
  /** Of scope `model`: which, in order. */
  families: string[];
  /** When the first of them was held back. */
  since: number;
  /** When the first of them is back; null: none is by itself. */
  until: number | null;
};

export type ProviderTokens = Record<HealthState, number> & {
  provider: string;
  total: number;
  /** Healthy tokens of which some models are held back. */
  partly: number;
};

export type HeldReport = { providers: ProviderTokens[]; held: HeldTokens[] };

export const MAX_NAMED = 8;

export class HeldCount {
  readonly #providers = new Map<string, ProviderTokens>();
  readonly #held: Groups = new Map();

  /** @param now epoch ms */
  constructor(private readonly now: number) {}

  /** Each token once. */
  add(token: PoolToken): void {
    if (token.removed) return;
    const counts = countsOf(this.#providers, token.row.provider);
    counts.total++;
    if (isUntouched(token)) {
      counts.healthy++;
      return;
    }
    const { state, reason, since, until } = healthView(token, this.now);
    counts[state]++;
    // A breaker that is half open may be over: its next call decides.
    const end = until === null ? null : Math.max(until, this.now);
    if (state === "cooling" || state === "blocked")
      addHeld(this.#held, token, { state, reason: reason as HealthReason, since: since!, until: end });
    if (state === "healthy" && addModels(this.#held, token, this.now)) counts.partly++;
  }

  /** Providers in the order of their names; reasons that hold most tokens first, blocked before cooling. */
  report(): HeldReport {
    const rank = (one: HeldTokens) => (one.state === "blocked" ? 0 : 2) + (one.scope === "token" ? 0 : 1);
    const groups = [...this.#held.values()].sort((a, b) => rank(a) - rank(b) || b.count - a.count || a.since - b.since);
    return {
      providers: inOrder(this.#providers),
      held: groups.map((group) => ({ ...omit(group, ["known", "lastId"]), families: [...group.known].sort() })),
    };
  }
}

/** Tokens of each provider by state, in the order of the providers' names. */
export function countByProvider(states: Iterable<TokenState>): ProviderTokens[] {
  const providers = new Map<string, ProviderTokens>();
  for (const { row, view } of states) {
    const counts = countsOf(providers, row.provider);
    counts.total++;
    counts[view.health.state]++;
    if (view.health.state === "healthy" && view.models.length > 0) counts.partly++;
  }
  return inOrder(providers);
}

const inOrder = (providers: ReadonlyMap<string, ProviderTokens>) =>
  [...providers.values()].sort((a, b) => (a.provider < b.provider ? -1 : 1));

/** Nearly all tokens: nothing to look up. */
const isUntouched = (token: PoolToken): boolean =>
  isQuiet(token) && token.families.size === 0 && token.group.families.size === 0 && token.place.families.size === 0;

function countsOf(providers: Map<string, ProviderTokens>, provider: string): ProviderTokens {
  const known = providers.get(provider);
  if (known) return known;
  const counts = { provider, total: 0, healthy: 0, cooling: 0, blocked: 0, disabled: 0, partly: 0 };
  providers.set(provider, counts);
  return counts;
}

type Cause = Pick<HeldTokens, "state" | "reason" | "since" | "until"> & { family?: string };
/** `lastId`: the token counted last; the models of one token come one after the other. */
type Groups = Map<string, HeldTokens & { known: Set<string>; lastId: number }>;

/** The token is counted once in each group, however many of its models the group holds. */
function addHeld(held: Groups, { row }: PoolToken, { state, reason, since, until, family }: Cause): void {
  const { id, label, provider } = row;
  const scope = family === undefined ? "token" : "model";
  const key = `${scope} ${state} ${provider} ${reason}`;
  let group = held.get(key);
  if (!group) {
    group = { provider, scope, state, reason, count: 0, named: [], families: [], since, until, known: new Set(), lastId: -1 };
    held.set(key, group);
  }
  if (family !== undefined) group.known.add(family);
  group.since = Math.min(group.since, since);
  if (until !== null) group.until = group.until === null ? until : Math.min(group.until, until);
  if (group.lastId === id) return;
  group.lastId = id;
  group.count++;
  if (group.named.length < MAX_NAMED) group.named.push({ id, label });
}

/** Whether some model of the token is held back, by itself, with its group or with its location. */
function addModels(held: Groups, token: PoolToken, now: number): boolean {
  let found = false;
  const seen = new Set<string>();
  for (const models of [token.families, token.group.families, token.place.families]) {
    for (const [family, health] of models) {
      if (seen.has(family) || !isHeld(health, now) || token.has?.includes(family) === false) continue;
      seen.add(family);
      found = true;
      addHeld(held, token, { ...health.cooldown!, family });
    }
  }
  return found;
}

const isHeld = (health: Health, now: number): boolean => health !== HEALTHY && cooldownEnd(health, now) > 0;
