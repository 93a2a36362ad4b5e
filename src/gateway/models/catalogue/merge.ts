// Merges layers of families field by field, and takes note of where each field comes from. Pure.

import type { Table } from "./fields.ts";
import type { CatalogueLayer, FamilyTable } from "./read-layer.ts";

export const ORIGINS = ["found", "built-in", "file", "admin"] as const;
/** Where a field comes from; a later one goes over an earlier one. */
export type ModelOrigin = (typeof ORIGINS)[number];

/** A layer with its name for messages: a path, or what the operator knows it by. */
export type NamedLayer = { origin: ModelOrigin; source: string; layer: CatalogueLayer };

export type MergedFamily = {
  table: FamilyTable;
  /** By the path of the field within the family, e.g. `providers.gemini.price.per_image.1K`. */
  origins: Map<string, ModelOrigin>;
  /** The last layer that says something of it. */
  touchedBy: NamedLayer;
};

/** In the order of the layers, then of the families in them. */
export function mergeFamilies(layers: readonly NamedLayer[]): Map<string, MergedFamily> {
  const merged = new Map<string, MergedFamily>();
  for (const named of layers) {
    for (const family of named.layer.families) {
      const known = merged.get(family.id);
      const origins = known?.origins ?? new Map<string, ModelOrigin>();
      const table = mergeTables(known?.table ?? {}, family, { origin: named.origin, origins, path: "" }) as FamilyTable;
      merged.set(family.id, { table, origins, touchedBy: named });
    }
  }
  return merged;
}

type Place = { origin: ModelOrigin; origins: Map<string, ModelOrigin>; path: string };

function mergeTables(below: Table, over: Table, place: Place): Table {
  const isPrice = /^providers\.[^.]+\.price$/.test(place.path);
  const result = isPrice ? withoutOutdone(below, over, place) : { ...below };
  for (const [name, value] of Object.entries(over)) {
    const at = place.path === "" ? name : `${place.path}.${name}`;
    const own = result[name];
    if (isTable(value)) result[name] = mergeTables(isTable(own) ? own : {}, value, { ...place, path: at });
    else {
      result[name] = value;
      // The id stays that of the layer which brought the family.
      if (at !== "id" || !place.origins.has(at)) place.origins.set(at, place.origin);
    }
  }
  return result;
}

/** A price by the image or second ends the rates and surcharges below it; a plan that pays ends all of them. */
function withoutOutdone(below: Table, over: Table, { origins, path }: Place): Table {
  const isByUnit = over.per_image !== undefined || over.per_second !== undefined;
  const outdone = [
    ...(isByUnit && over.per_million_tokens === undefined ? ["per_million_tokens"] : []),
    ...(isByUnit && over.per_thinking === undefined ? ["per_thinking"] : []),
    ...(over.by_plan === true ? ["per_image", "per_second", "per_million_tokens", "per_thinking", "per_input_image", "per_search"] : []),
  ];
  for (const at of [...origins.keys()]) if (outdone.some((name) => at.startsWith(`${path}.${name}`))) origins.delete(at);
  return Object.fromEntries(Object.entries(below).filter(([name]) => !outdone.includes(name)));
}

const isTable = (value: unknown): value is Table => value !== null && typeof value === "object" && !Array.isArray(value);
