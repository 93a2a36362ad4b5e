// Models page: catalogue with the origin of its fields, own prices, names of each family, and the tokens that serve it.

import type { TokenRow } from "../../domain/token.ts";
import type { Pool } from "../pool/pool.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import type { CatalogueLayers } from "./catalogue/layers.ts";
import type { ModelOrigin } from "./catalogue/merge.ts";
import { familiesOf } from "./catalogue/overrides.ts";
import { chooseFamily } from "./choose-family.ts";
import type { Family, FoundModel, ImagePrice, VideoPrice } from "./family.ts";

/** What one provider asks for one size of image or one second at a resolution. */
export type PriceView = { size: string; listUsd: number; ownUsd: number | null };

export type ProviderView = {
  provider: string;
  prices: PriceView[];
  /** The upstream bills by the tokens that it counts; the list price is the usual sum. */
  byTokens: boolean;
  /** The vendor's price is not known: the dearest of its kind counts. */
  isAssumed: boolean;
  /** Last day as announced; null: none. */
  retires: string | null;
  /** Tokens that have the family, as learned or taken for granted; those switched off are left out. */
  tokens: { id: number; label: string }[];
};

export type ModelView = {
  family: Family;
  isOff: boolean;
  providers: ProviderView[];
  /** Ids that lead here now, beside the family's own. */
  aliases: string[];
  /** Where the family itself comes from. */
  origin: ModelOrigin;
  /** Whether the admin has changed something of it. */
  isChanged: boolean;
  /** How it was found; null: a layer of the catalogue has it. */
  found: FoundModel | null;
};

/** A family whose end at a provider is near: 30 days or less, 7 or less, or over. */
export type Retirement = {
  family: string;
  title: string;
  provider: string;
  /** Last day as announced. */
  day: string;
  /** Below zero: it is over. */
  daysLeft: number;
  stage: "month" | "week" | "over";
};

const DAY_MS = 86_400_000;
const [MONTH_DAYS, WEEK_DAYS] = [30, 7];
/** Days for which an end that is over is still shown. */
const OVER_DAYS = 30;

/**
 * Soonest first, `within` so many days; of families that are on, at providers that have tokens for them.
 * @param now epoch ms
 */
export function retirementsOf(catalogue: Catalogue, pool: Pick<Pool, "canServe">, now: number, within = MONTH_DAYS): Retirement[] {
  const found = [...catalogue.families("image"), ...catalogue.families("video")].flatMap(({ id, kind, title, providers, isOff }) =>
    Object.entries(providers).flatMap(([provider, { retires: day }]): Retirement[] => {
      if (!day || isOff) return [];
      const daysLeft = Math.ceil((Date.parse(`${day}T00:00:00Z`) - now) / DAY_MS);
      if (daysLeft > within || daysLeft < -OVER_DAYS || !pool.canServe(kind, id, [provider])) return [];
      const stage = daysLeft < 0 ? "over" : daysLeft <= WEEK_DAYS ? "week" : "month";
      return [{ family: id, title, provider, day, daysLeft, stage }];
    }),
  );
  return found.sort((a, b) => a.daysLeft - b.daysLeft);
}

export type ListModelsDependencies = { models: CatalogueLayers; pool: Pick<Pool, "rows" | "canServe">; successors: boolean };

/** Every family, images first, the recommended one of each kind first. */
export function listModelViews(deps: ListModelsDependencies): ModelView[] {
  const catalogue = deps.models.current();
  const names = namesByFamily(deps);
  const rows = deps.pool.rows();
  return [...catalogue.families("image"), ...catalogue.families("video")].map((family) =>
    viewOf(deps, rows, family, names.get(family.id) ?? []),
  );
}

/** One family; null when there is none of that id. */
export function findModelView(deps: ListModelsDependencies, id: string): ModelView | null {
  const family = deps.models.current().familyOf(id);
  return family && viewOf(deps, deps.pool.rows(), family, namesByFamily(deps).get(id) ?? []);
}

/** Sizes or resolutions that have a price at this provider. */
export function pricedSizes(family: Family, provider: string): [size: string, usd: number][] {
  const price = family.providers[provider]?.price as Partial<ImagePrice & VideoPrice> | undefined;
  return Object.entries(price?.perImage ?? price?.perSecond ?? {});
}

function viewOf({ models }: ListModelsDependencies, rows: readonly TokenRow[], family: Family, aliases: string[]): ModelView {
  const catalogue = models.current();
  const origins = catalogue.originsOf(family.id);
  const below = models.withoutAdmin().familyOf(family.id) ?? family;
  const unit = family.kind === "image" ? "per_image" : "per_second";
  const providers = Object.entries(family.providers).map(([provider, { price, retires }]) => ({
    provider,
    prices: pricedSizes(below.providers[provider] ? below : family, provider).map(([size, listUsd]) => {
      const isOwn = origins.get(`providers.${provider}.price.${unit}.${size}`) === "admin";
      return { size, listUsd, ownUsd: isOwn ? pricedSizes(family, provider).find(([one]) => one === size)![1] : null };
    }),
    byTokens: price.perMillionTokens !== undefined,
    isAssumed: price.isAssumed === true,
    retires: retires ?? null,
    tokens: tokensOf(models, rows, family, provider),
  }));
  const isChanged = familiesOf(models.stored).some(({ id }) => id === family.id);
  return {
    ...{ family, isOff: family.isOff === true, providers, aliases, isChanged },
    origin: origins.get("id") ?? "built-in",
    found: catalogue.foundOf(family.id),
  };
}

function tokensOf(models: CatalogueLayers, rows: readonly TokenRow[], { id, kind }: Family, provider: string) {
  return rows
    .filter((row) => row.provider === provider && row.enabled && (kind === "image" ? row.imageEnabled : row.videoEnabled))
    .filter((row) => models.current().providerServes(provider, id, row.families))
    .filter((row) => !row.denyFamilies.includes(id) && (row.allowFamilies.length === 0 || row.allowFamilies.includes(id)))
    .map((row) => ({ id: row.id, label: row.label }));
}

/** Where each known name leads in this pool; a name that nobody can serve belongs to the family that it means first. */
function namesByFamily({ models, pool, successors }: ListModelsDependencies): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const { known, isOff } = models.current();
  for (const choice of known) {
    const chosen = chooseFamily(choice, { canServe: (family) => pool.canServe(choice.kind, family), successors, isOff });
    const family = chosen?.family ?? choice.families[0];
    if (family !== choice.requested) names.set(family, [...(names.get(family) ?? []), choice.requested]);
  }
  return names;
}
