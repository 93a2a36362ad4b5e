// Models that a key may use and the pool can serve, for the model list of every dialect.

import type { Kind } from "../../domain/generation.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { Catalogue } from "../models/catalogue/catalogue.ts";
import { type ListRules, listModels, type ModelEntry, modelEntry } from "../models/model-list.ts";
import type { Leases } from "../pool/lease-contract.ts";
import { allowsModel } from "./permissions.ts";

/** `kinds`: those that the dialect serves. `listsAll`: the setting. */
export type ServedModels = {
  catalogue: Catalogue;
  pool: Pick<Leases, "families" | "isOff">;
  successors: boolean;
  kinds: readonly Kind[];
  listsAll: boolean;
};

type Permissions = Pick<KeyRow, "models" | "kinds">;

/** Every id that we make known and the pool can serve, whoever asks. */
export function everyServedModel(served: ServedModels): ModelEntry[] {
  return listModels(served.catalogue, served.kinds, rulesOf(served));
}

/**
 * Families and Google's own ids of them, then the ids that the key names; with `all` also those that fix a shape and those of other
 * vendors. Ids that are left out are accepted all the same.
 */
export function modelsFor(served: ServedModels, key: Permissions, all: boolean): ModelEntry[] {
  const isAll = all || served.listsAll;
  // A key that may use some models is shown these, not the names of others that they stand in for.
  const isOwn = ({ id, family }: ModelEntry) => key.models.length === 0 || served.catalogue.parseModel(id)?.families[0] === family;
  const entries = everyServedModel(served).filter((entry) => isAll || (served.catalogue.isForChoosing(entry.id) && isOwn(entry)));
  const known = new Set(entries.map(({ id }) => id));
  return [...entries, ...named(served, key).filter(({ id }) => !known.has(id))].filter(
    ({ id, kind, family }) => mayMake(key, kind) && allowsModel(served.catalogue, key.models, { model: id, family }),
  );
}

/** Whether a query asks for every id: `?all=true`. */
export const asksForAll = (url: string): boolean => {
  const all = new URL(url).searchParams.get("all");
  return all !== null && !["false", "0", "no"].includes(all.toLowerCase());
};

const mayMake = ({ kinds }: Permissions, kind: Kind) => kinds.length === 0 || kinds.includes(kind);

function rulesOf({ pool, kinds, successors }: ServedModels): ListRules {
  const families = new Set(kinds.flatMap((kind) => [...pool.families(kind)]));
  return { canServe: (family) => families.has(family), successors, isOff: pool.isOff };
}

function named(served: ServedModels, { models }: Permissions): ModelEntry[] {
  const rules = rulesOf(served);
  return models.flatMap((id) => {
    const choice = served.catalogue.parseModel(id);
    const entry = choice && served.kinds.includes(choice.kind) && modelEntry(served.catalogue, choice, rules);
    return entry ? [entry] : [];
  });
}
