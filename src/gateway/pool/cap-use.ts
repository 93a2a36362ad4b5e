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

/** Those of which at least this share is used, of enabled tokens; a cap of zero is a ban, which none comes nearer to. */
export function capUses(tokens: Iterable<PoolToken>, share: number, now: number): CapUse[] {
  const uses: CapUse[] = [];
  const seen = new Set<PoolToken["group"]>();
  for (const { row, removed, caps, counters, group } of tokens) {
    if (removed || !row.enabled) continue;
    const owner = { of: "token" as const, tokenId: row.id, name: row.label };
    if (caps) addUses(uses, owner, caps.token, caps.models, counters);
    if (seen.has(group)) continue;
    seen.add(group);
    addUses(uses, { of: "group", tokenId: row.id, name: group.name ?? row.label }, group.cap, group.models, group.counters);
  }
  return uses.filter(({ used, limit, until }) => until > now && limit > 0 && used / limit >= share);
}

function addUses(
  uses: CapUse[],
  owner: Pick<CapUse, "of" | "tokenId" | "name">,
  whole: Cap | null,
  models: ReadonlyMap<string, Cap>,
  counters: ReadonlyMap<string, Counter>,
): void {
  const add = (family: string | null, cap: Cap) => {
    const day = counters.get(family ?? "")?.day;
    if (!day) return;
    if (cap.requestsPerDay !== null)
      uses.push({ ...owner, family, unit: "requests", used: day.requests, limit: cap.requestsPerDay, until: day.until });
    if (cap.usdPerDay !== null) uses.push({ ...owner, family, unit: "usd", used: day.usd, limit: cap.usdPerDay, until: day.until });
  };
  if (whole) add(null, whole);
  for (const [family, cap] of models) add(family, cap);
}
