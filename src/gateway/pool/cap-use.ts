// Cap use: how much of the operator's own caps per day tokens and groups have used. Pure.
import type { PoolToken } from "./pool-token.ts";
import type { Cap, Counter } from "./token-quota.ts";

export type CapUse = {
  of: "token" | "group";
  /** Of a group: the first of its tokens. */
  tokenId: number;
  /** Label of the token, or name of the group. */
  name: string;
  /** Null: all models together. */
  family: string | null;
  unit: "requests" | "usd";
  used: number;
  limit: number;
  /** When the Pacific day ends, epoch ms. */
  until: number;
};

export class CapUseCount {
  readonly #uses: CapUse[] = [];
  readonly #seen = new Set<PoolToken["group"]>();

  /** Each token once. */
  add({ row, removed, caps, counters, group }: PoolToken): void {
    if (removed || !row.enabled) return;
    const owner = { of: "token" as const, tokenId: row.id, name: row.label };
    if (caps) this.#uses.push(...usesOf(owner, { whole: caps.token, models: caps.models, counters }));
    if (this.#seen.has(group)) return;
    this.#seen.add(group);
    const shared = { of: "group" as const, tokenId: row.id, name: group.name ?? row.label };
    this.#uses.push(...usesOf(shared, { whole: group.cap, models: group.models, counters: group.counters }));
  }

  /** Those of which at least this share is used, of enabled tokens; a cap of zero is a ban, which none comes nearer to. */
  result(share: number, now: number): CapUse[] {
    return this.#uses.filter(({ used, limit, until }) => until > now && limit > 0 && used / limit >= share);
  }
}

type Capped = { whole: Cap | null; models: ReadonlyMap<string, Cap>; counters: ReadonlyMap<string, Counter> };

function usesOf(owner: Pick<CapUse, "of" | "tokenId" | "name">, { whole, models, counters }: Capped): CapUse[] {
  const ofCap = (family: string | null, cap: Cap): CapUse[] => {
    const day = counters.get(family ?? "")?.day;
    if (!day) return [];
    const use = (unit: CapUse["unit"], used: number, limit: number | null): CapUse[] =>
      limit === null ? [] : [{ ...owner, family, unit, used, limit, until: day.until }];
    return [...use("requests", day.requests, cap.requestsPerDay), ...use("usd", day.usd, cap.usdPerDay)];
  };
  return [...(whole ? ofCap(null, whole) : []), ...[...models].flatMap(([family, cap]) => ofCap(family, cap))];
}
