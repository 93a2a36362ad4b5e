// Parts of a catalogue from its layers: families, names, assumed prices, origins; a fault is refused with the layer's path. Pure.

import type { Kind } from "../../../domain/generation.ts";
import { omit } from "../../../domain/omit.ts";
import type { Family, FoundModel, ImageLimits, VideoLimits } from "../family.ts";
import type { Name } from "../parse-model.ts";
import type { CatalogueParts } from "./catalogue.ts";
import type { Table } from "./fields.ts";
import { type MergedFamily, type ModelOrigin, mergeFamilies, type NamedLayer, ORIGINS } from "./merge.ts";
import { namesOf } from "./names.ts";
import { type AssumedPrices, assumePrices, isPriced } from "./price-tables.ts";
import type { Patterns } from "./read-layer.ts";
import { toFamily } from "./to-family.ts";

export type CatalogueInput = {
  /** The lowest first; the built-in one among them. */
  layers: readonly NamedLayer[];
  /** Served unless `isOff`. */
  found?: readonly FoundModel[];
  foundAreOff?: boolean;
  /** Day on which a family without `created` was added: `2026-12-31`. */
  today: string;
  revision?: number;
};

/** @throws {AppError} `invalid_request` in one line: source, path, expected, got */
export function partsOf({ layers, found = [], foundAreOff = true, today, revision = 0 }: CatalogueInput): CatalogueParts {
  const known = mergeFamilies(layers);
  const unknown = found.filter(({ id, provider }) => !hasWire(known, provider, id));
  const all = unknown.length === 0 ? [...layers] : [foundLayer(unknown, foundAreOff), ...layers];
  const merged = unknown.length === 0 ? known : mergeFamilies(all);
  const read = [...merged].map(([id, { table, touchedBy }]) => toFamily(table, `${touchedBy.source}: family[${id}]`, today));
  const assumed = assumePrices(read);
  const families = inOrder(
    read.map((family) => withPrices(family, assumed)),
    merged,
  );
  const names = namesOf(families, merged, all);
  return {
    families,
    names,
    official: patternsOf(layers, "official"),
    listed: patternsOf(layers, "listed"),
    tables: new Map([...merged].map(([id, { table }]) => [id, table])),
    aliases: new Map(names.filter(({ retired }) => retired).flatMap(aliasTables)),
    origins: new Map([...merged].map(([id, { origins }]) => [id, origins])),
    found: new Map(unknown.map((one) => [one.id, one])),
    assumed,
    revision,
  };
}

const aliasTables = ({ names, families, open }: Name): [string, Table][] =>
  names.map((name) => [name, { families, ...(open ? { open } : {}) }]);

function hasWire(merged: ReadonlyMap<string, MergedFamily>, provider: string, wire: string): boolean {
  return [...merged].some(([id, { table }]) => {
    const own = (table.providers as Record<string, { wire?: string }> | undefined)?.[provider];
    return own !== undefined && (own.wire ?? id) === wire;
  });
}

function foundLayer(found: readonly FoundModel[], isOff: boolean): NamedLayer {
  const ids = [...new Set(found.map(({ id }) => id))];
  const families = ids.map((id) => {
    const own = found.filter((one) => one.id === id);
    const providers = Object.fromEntries(own.map(({ provider }) => [provider, { wire: id, only_when_learned: true }]));
    return { id, kind: own[0]!.kind, created: dayOf(own[0]!.at), enabled: !isOff, providers };
  });
  return { origin: "found", source: "models found at the provider", layer: { families, aliases: [], official: {}, listed: {} } };
}

/** UTC. @param at epoch ms */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

function withPrices(family: Family, assumed: AssumedPrices): Family {
  const priced = (limits: ImageLimits | VideoLimits) =>
    isPriced(limits) ? limits : { ...limits, price: { ...limits.price, ...assumed[family.kind], isAssumed: true as const } };
  const providers = Object.fromEntries(Object.entries(family.providers).map(([name, limits]) => [name, priced(limits)]));
  return { ...family, providers } as Family;
}

/** Images first, the recommended one of each kind before the others; of several that of the highest layer is. */
function inOrder(families: readonly Family[], merged: ReadonlyMap<string, MergedFamily>): Family[] {
  const rank = ({ id }: Family) => ORIGINS.indexOf(merged.get(id)!.origins.get("recommended") as ModelOrigin);
  const ofKind = (kind: Kind): Family[] => {
    const all = [
      ...families.filter((family) => family.kind === kind && !isNew(family)),
      ...families.filter((family) => family.kind === kind && isNew(family)),
    ];
    const wished = all.filter(({ recommended }) => recommended);
    const first = wished.reduce<Family | undefined>((best, one) => (best && rank(best) >= rank(one) ? best : one), undefined) ?? all[0];
    return all
      .map((family): Family => (family === first ? { ...family, recommended: true } : withoutRecommendation(family)))
      .sort((a, b) => Number(b.recommended ?? false) - Number(a.recommended ?? false));
  };
  const isNew = ({ id }: Family) => merged.get(id)!.origins.get("id") === "found";
  return [...ofKind("image"), ...ofKind("video")];
}

function withoutRecommendation(family: Family): Family {
  return omit(family, ["recommended"]) as Family;
}

function patternsOf(layers: readonly NamedLayer[], section: "official" | "listed"): Required<Patterns> {
  const of = (kind: Kind) => [...new Set(layers.flatMap(({ layer }) => layer[section][kind] ?? []))];
  return { image: of("image"), video: of("video") };
}
