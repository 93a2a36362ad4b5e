// Models page: catalogue, overrides, names of each family, and the tokens that serve it.

import type { TokenRow } from "../../domain/token.ts";
import type { Pool } from "../pool/pool.ts";
import { chooseFamily } from "./choose-family.ts";
import type { ImagePrice } from "./family.ts";
import { type Family, families, familyOf, knownModels, providerServes } from "./models.ts";
import { type ModelOverrides, type OwnPrices, pricedSizes } from "./overrides.ts";

/** What one provider asks for one size of image or one second at a resolution. */
export type PriceView = { size: string; listUsd: number; ownUsd: number | null };

export type ProviderView = {
  provider: string;
  prices: PriceView[];
  /** The upstream bills by the tokens that it counts; the list price is the usual sum. */
  byTokens: boolean;
  /** Tokens that have the family, as learned or taken for granted; those switched off are left out. */
  tokens: { id: number; label: string }[];
};

export type ModelView = {
  family: Family;
  isOff: boolean;
  providers: ProviderView[];
  /** Ids that lead here now, beside the family's own. */
  aliases: string[];
};

type Dependencies = { offer: Pick<ModelOverrides, "changes" | "isOff">; pool: Pick<Pool, "rows" | "canServe">; successors: boolean };

/** Every family, images first, the recommended one of each kind first. */
export function listModelViews(deps: Dependencies): ModelView[] {
  const names = namesByFamily(deps);
  const rows = deps.pool.rows();
  return [...families("image"), ...families("video")].map((family) => viewOf(deps, rows, family, names.get(family.id) ?? []));
}

/** One family; null when there is none of that id. */
export function findModelView(deps: Dependencies, id: string): ModelView | null {
  const family = familyOf(id);
  return family && viewOf(deps, deps.pool.rows(), family, namesByFamily(deps).get(id) ?? []);
}

function viewOf({ offer }: Dependencies, rows: readonly TokenRow[], family: Family, aliases: string[]): ModelView {
  const own: OwnPrices[string] = offer.changes().prices[family.id] ?? {};
  const providers = Object.entries(family.providers).map(([provider, { price }]) => ({
    provider,
    prices: pricedSizes(family, provider).map(([size, listUsd]) => ({ size, listUsd, ownUsd: own[provider]?.[size] ?? null })),
    byTokens: (price as Partial<ImagePrice>).perMillionTokens !== undefined && own[provider] === undefined,
    tokens: tokensOf(rows, family, provider),
  }));
  return { family, isOff: offer.isOff(family.id), providers, aliases };
}

function tokensOf(rows: readonly TokenRow[], { id, kind }: Family, provider: string): { id: number; label: string }[] {
  return rows
    .filter((row) => row.provider === provider && row.enabled && (kind === "image" ? row.imageEnabled : row.videoEnabled))
    .filter((row) => providerServes(provider, id, row.families))
    .filter((row) => !row.denyFamilies.includes(id) && (row.allowFamilies.length === 0 || row.allowFamilies.includes(id)))
    .map((row) => ({ id: row.id, label: row.label }));
}

/** Where each known name leads in this pool; a name that nobody can serve belongs to the family that it means first. */
function namesByFamily({ offer, pool, successors }: Dependencies): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const choice of knownModels()) {
    const chosen = chooseFamily(choice, { canServe: (family) => pool.canServe(choice.kind, family), successors, isOff: offer.isOff });
    const family = chosen?.family ?? choice.families[0];
    if (family !== choice.requested) names.set(family, [...(names.get(family) ?? []), choice.requested]);
  }
  return names;
}
