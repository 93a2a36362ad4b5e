// Serving order of a family: which provider's token would be taken next for a plain request, and what decides it. Pure but for the pool.

import type { Kind } from "../../domain/generation.ts";
import type { HealthReason } from "../pool/health/reasons.ts";
import type { LeaseRequest } from "../pool/lease-contract.ts";
import type { ServingCandidate } from "../pool/snapshot.ts";
import { costsBy } from "./prices.ts";

/** A provider in the order: its token that is first, and how many others it has. */
export type ProviderTurn = {
  provider: string;
  token: { id: number; label: string };
  /** `ready` serves now, `busy` has no free slot, `waiting` cools or is blocked. */
  state: "ready" | "busy" | "waiting";
  reason: HealthReason | null;
  /** Epoch ms at which it is back; null: it is there, or only the operator ends it. */
  until: number | null;
  priority: number;
  /** Estimate of a plain request, USD. */
  usd: number;
  ready: number;
  tokens: number;
};

/** What puts the first before the second. `only`: no other provider has a token that is ready. */
export type ServingReason = "only" | "priority" | "price" | "strategy" | "none";

export type ServingOrder = { turns: ProviderTurn[]; decidedBy: ServingReason };

type Dependencies = {
  pool: { preview(request: LeaseRequest): ServingCandidate[] };
  /** Providers of the family, and what one image or second costs there. */
  providers: readonly string[];
  costOf(provider: string): number;
  prefersCheaper: boolean;
};

/** The order for a request that asks for nothing but the family. */
export function servingOrder({ pool, providers, costOf, prefersCheaper }: Dependencies, kind: Kind, family: string): ServingOrder {
  const costs = costsBy(providers, costOf);
  const candidates = pool.preview({
    kind,
    family,
    providers,
    keyId: 0,
    exclude: new Set(),
    ...(providers.length > 1 && prefersCheaper ? { costs } : {}),
    estimate: { images: kind === "image" ? 1 : 0, videoSeconds: kind === "video" ? 1 : 0, usd: 0 },
  });
  const turns = turnsOf(candidates, costs);
  return { turns, decidedBy: decidedBy(turns, prefersCheaper) };
}

function turnsOf(candidates: readonly ServingCandidate[], costs: Readonly<Record<string, number>>): ProviderTurn[] {
  const turns = new Map<string, ProviderTurn>();
  for (const { provider, token, state, reason, until, priority } of candidates) {
    const known = turns.get(provider);
    if (!known) {
      const usd = costs[provider] ?? 0;
      turns.set(provider, { provider, token, state, reason, until, priority, usd, ready: state === "ready" ? 1 : 0, tokens: 1 });
      continue;
    }
    known.tokens++;
    if (state === "ready") known.ready++;
  }
  return [...turns.values()];
}

function decidedBy([first, second]: readonly ProviderTurn[], prefersCheaper: boolean): ServingReason {
  if (first?.state !== "ready") return "none";
  if (second?.state !== "ready") return "only";
  if (first.priority !== second.priority) return "priority";
  return prefersCheaper && first.usd !== second.usd ? "price" : "strategy";
}
