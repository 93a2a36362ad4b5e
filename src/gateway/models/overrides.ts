// Model overrides of the operator: families switched off, own prices. JSON among the settings.

import type { Kind } from "../../domain/generation.ts";
import { isRecord } from "../../domain/is-record.ts";
import type { Leases } from "../pool/lease-contract.ts";
import type { ImagePrice, VideoPrice } from "./family.ts";
import { type Family, familyOf } from "./models.ts";
import { CATALOGUE_PRICES, type Prices } from "./prices.ts";

/** Own prices by family, provider and size (of an image) or resolution (of a second of video), in USD. */
export type OwnPrices = Record<string, Record<string, Record<string, number>>>;

export type OverrideChanges = { off: string[]; prices: OwnPrices };

export type ModelOverrides = {
  /** What is changed now. */
  changes(): OverrideChanges;
  /** Takes what the store holds; what is not understood is passed over. */
  load(stored: unknown): void;
  isOff(family: string): boolean;
  /** The catalogue's prices with one's own put in their place. */
  prices(): Prices;
  /** Hides the families that are switched off from callers of this pool. Changes and returns it. */
  limit<P extends Leases>(pool: P): P & Required<Pick<Leases, "isOff">>;
};

/** Its key among the stored settings. */
export const OVERRIDES_KEY = "models";
export const MAX_PRICE_USD = 1000;

const NOTHING: OverrideChanges = { off: [], prices: {} };

export function createModelOverrides(): ModelOverrides {
  let changes = NOTHING;
  let off: ReadonlySet<string> = new Set();
  let prices = CATALOGUE_PRICES;
  let loads = 0;
  const isOff = (family: string) => off.has(family);
  return {
    changes: () => changes,
    load(stored) {
      changes = readChanges(stored);
      loads++;
      off = new Set(changes.off);
      prices = withOwn(CATALOGUE_PRICES, changes.prices);
    },
    isOff,
    prices: () => prices,
    limit(pool) {
      const canServe = pool.canServe.bind(pool);
      const families = pool.families.bind(pool);
      const revision = pool.revision?.bind(pool);
      return Object.assign(pool, {
        isOff,
        canServe: (...[kind, family, providers]: Parameters<Leases["canServe"]>) => !off.has(family) && canServe(kind, family, providers),
        families: (kind: Kind) => families(kind).difference(off),
        // Both only grow: no two states have the same sum.
        ...(revision ? { revision: (ids: readonly string[]) => sumOf(revision(ids), loads) } : {}),
      });
    },
  };
}

const sumOf = (revision: number | null, loads: number): number | null => (revision === null ? null : revision + loads);

/** Sizes or resolutions that have a price at this provider, as the catalogue lists them. */
export function pricedSizes(family: Family, provider: string): [size: string, usd: number][] {
  const price = family.providers[provider]?.price as Partial<ImagePrice & VideoPrice> | undefined;
  return Object.entries(price?.perImage ?? price?.perSecond ?? {});
}

/** What is understood of a stored value. Pure. */
export function readChanges(stored: unknown): OverrideChanges {
  const { off, prices } = recordOf(stored);
  const known = Array.isArray(off) ? off.filter((id): id is string => typeof id === "string" && familyOf(id) !== null) : [];
  return { off: [...new Set(known)], prices: readPrices(prices) };
}

function readPrices(stored: unknown): OwnPrices {
  const own: OwnPrices = {};
  for (const [id, providers] of Object.entries(recordOf(stored))) {
    const family = familyOf(id);
    if (!family) continue;
    for (const [provider, sizes] of Object.entries(recordOf(providers))) {
      const listed = pricedSizes(family, provider).map(([size]) => size);
      const read = Object.entries(recordOf(sizes)).filter(([size, usd]) => listed.includes(size) && isPrice(usd));
      if (read.length > 0) own[id] = { ...own[id], [provider]: Object.fromEntries(read) as Record<string, number> };
    }
  }
  return own;
}

const isPrice = (value: unknown): boolean => typeof value === "number" && value >= 0 && value <= MAX_PRICE_USD;
const recordOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

/** An own price counts by the image: the upstream's rates by token, and its surcharge for thinking, no longer do. Pure. */
function withOwn({ images, videos }: Prices, own: OwnPrices): Prices {
  const image = ({ perImage }: ImagePrice, sizes: Record<string, number>): ImagePrice => ({ perImage: { ...perImage, ...sizes } });
  const video = ({ perSecond }: VideoPrice, sizes: Record<string, number>): VideoPrice => ({ perSecond: { ...perSecond, ...sizes } });
  return { images: replaced(images, own, image), videos: replaced(videos, own, video) };
}

function replaced<P>(
  families: Readonly<Record<string, Readonly<Record<string, P>>>>,
  own: OwnPrices,
  change: (price: P, sizes: Record<string, number>) => P,
): Record<string, Record<string, P>> {
  const ofFamily = (id: string, providers: Readonly<Record<string, P>>) =>
    Object.entries(providers).map(([name, price]) => [name, own[id]?.[name] ? change(price, own[id][name]) : price]);
  return Object.fromEntries(Object.entries(families).map(([id, providers]) => [id, Object.fromEntries(ofFamily(id, providers))]));
}
