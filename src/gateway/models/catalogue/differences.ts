// What is different between two catalogues, field by field, for people who are about to take one. Pure.

import type { Catalogue } from "./catalogue.ts";
import type { Table } from "./fields.ts";
import type { ModelOrigin } from "./merge.ts";

/** One field of a family or an alias; null: it is not said. */
export type FieldDifference = { path: string; before: string | null; after: string | null };

export type ModelDifference = {
  /** A family's id, or the name of an alias. */
  id: string;
  what: "family" | "alias";
  change: "added" | "removed" | "changed";
  fields: FieldDifference[];
};

/** Families in the order of the catalogue, then aliases. */
export function differencesOf(before: Catalogue, after: Catalogue): ModelDifference[] {
  return [...compare("family", before.tables, after.tables), ...compare("alias", before.aliases, after.aliases)];
}

function compare(what: ModelDifference["what"], before: ReadonlyMap<string, Table>, after: ReadonlyMap<string, Table>): ModelDifference[] {
  const ids = [...new Set([...after.keys(), ...before.keys()])];
  return ids.flatMap((id): ModelDifference[] => {
    const [old, now] = [flatten(before.get(id)), flatten(after.get(id))];
    const paths = [...new Set([...old.keys(), ...now.keys()])];
    const fields = paths
      .map((path): FieldDifference => ({ path, before: old.get(path) ?? null, after: now.get(path) ?? null }))
      .filter((field) => field.before !== field.after);
    if (fields.length === 0) return [];
    return [{ id, what, change: !before.has(id) ? "added" : !after.has(id) ? "removed" : "changed", fields }];
  });
}

export type OriginField = { path: string; value: string; origin: ModelOrigin };

/** Every field that some layer says of a family, with the layer that it comes from. */
export function fieldsOf(catalogue: Catalogue, id: string): OriginField[] {
  const origins = catalogue.originsOf(id);
  const fields = [...flatten(catalogue.tables.get(id))];
  return fields.map(([path, value]) => ({ path, value, origin: origins.get(path) ?? "built-in" }));
}

/** Values by their path; what is a list is one value. */
function flatten(table: Table = {}, path = "", into = new Map<string, string>()): Map<string, string> {
  for (const [name, value] of Object.entries(table)) {
    const at = path === "" ? name : `${path}.${name}`;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) flatten(value as Table, at, into);
    else into.set(at, JSON.stringify(value));
  }
  return into;
}
