// Requests left today under the operator's own caps: of tokens together, each group's cap counted once.

import type { Group, PoolToken } from "./pool-token.ts";
import { type Cap, type Counter, dayUsed } from "./token-quota.ts";

type Left = { requests: number; of: number };
type Counters = ReadonlyMap<string, Counter>;

const UNLIMITED: Left = { requests: Number.POSITIVE_INFINITY, of: Number.POSITIVE_INFINITY };

export class DayLeft {
  /** By group: its tokens, each with the models that it may be asked for. */
  readonly #groups = new Map<Group, { token: PoolToken; families: readonly string[] }[]>();
  #isUnlimited = false;

  /** A token that may serve these models today. */
  add(token: PoolToken, families: readonly string[]): void {
    const { group } = token;
    if (!token.caps && group.cap === null && group.models.size === 0) this.#isUnlimited = true;
    if (this.#isUnlimited) return;
    const tokens = this.#groups.get(group) ?? [];
    this.#groups.set(group, tokens);
    tokens.push({ token, families });
  }

  /** Null: some token has no cap by the day. @param now epoch ms */
  left(now: number): Left | null {
    if (this.#isUnlimited || this.#groups.size === 0) return null;
    const sum = { requests: 0, of: 0 };
    for (const [group, tokens] of this.#groups) {
      const families = [...new Set(tokens.flatMap((one) => one.families))];
      const own = addUp(tokens.map(({ token: { caps, counters }, families: of }) => leftUnder({ ...OPEN, ...caps, counters }, of, now)));
      const shared = leftUnder({ token: group.cap, models: group.models, counters: group.counters }, families, now);
      sum.requests += Math.min(own.requests, shared.requests);
      sum.of += Math.min(own.of, shared.of);
    }
    return Number.isFinite(sum.requests) ? sum : null;
  }
}

/** A cap of all models, and caps of single ones, with what was counted. */
type Capped = { token: Cap | null; models: ReadonlyMap<string, Cap>; counters: Counters };

const OPEN = { token: null, models: new Map<string, Cap>() };

const addUp = (parts: readonly Left[]): Left => ({
  requests: parts.reduce((sum, { requests }) => sum + requests, 0),
  of: parts.reduce((sum, { of }) => sum + of, 0),
});

function leftUnder({ token, models, counters }: Capped, families: readonly string[], now: number): Left {
  const all = leftOf(token, counters.get(""), now);
  const each = addUp(families.map((family) => leftOf(models.get(family) ?? null, counters.get(family), now)));
  return { requests: Math.min(all.requests, each.requests), of: Math.min(all.of, each.of) };
}

function leftOf(cap: Cap | null, counter: Counter | undefined, now: number): Left {
  const of = cap?.requestsPerDay ?? null;
  if (of === null) return UNLIMITED;
  return { requests: Math.max(0, of - (counter ? dayUsed(counter, now) : 0)), of };
}
